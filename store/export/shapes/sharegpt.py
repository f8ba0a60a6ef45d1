"""ShareGPT as LLaMA-Factory and others read it: `conversations` of from and value, the system prompt beside them.

These readers know no field for a thought: it leads the answer within <think>, as they document it.
"""

from typing import Any

from store.export.pairs import PairRow
from store.export.rows import TalkRow
from store.export.talk import Message

NAMES = {"user": "human", "assistant": "gpt"}


def write_talk(row: TalkRow) -> dict[str, Any]:
    return {"id": row.about.id, **write_talk_so_far(row.messages)}


def write_pair(row: PairRow) -> dict[str, Any]:
    replies = {"chosen": write_message(row.chosen), "rejected": write_message(row.rejected)}
    return {"id": row.about.id, **write_talk_so_far(row.prompt), **replies}


def write_talk_so_far(messages: list[Message]) -> dict[str, Any]:
    """Return the conversation and its system prompt, empty where there is none."""
    system = next((message.content for message in messages if message.role == "system"), "")
    said = [write_message(message) for message in messages if message.role != "system"]
    return {"conversations": said, "system": system}


def write_message(message: Message) -> dict[str, str]:
    """Return a message by its ShareGPT names."""
    return {"from": NAMES[message.role], "value": think_first(message)}


def think_first(message: Message) -> str:
    """Return what a message says, led by its thought where it has one."""
    return f"<think>\n{message.reasoning}\n</think>\n\n{message.content}" if message.reasoning else message.content
