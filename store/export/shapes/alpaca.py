"""Alpaca with LLaMA-Factory's `system` and `history`: the last exchange, and those before it as pairs.

LLaMA-Factory learns the replies in the history too, unless it is told otherwise.
"""

from typing import Any

from store.export.pairs import PairRow
from store.export.rows import TalkRow
from store.export.shapes.sharegpt import think_first
from store.export.talk import Message


def write_talk(row: TalkRow) -> dict[str, Any]:
    *before, last = row.messages
    return {**write_question(before), "output": think_first(last), "id": row.about.id}


def write_pair(row: PairRow) -> dict[str, Any]:
    replies = {"chosen": think_first(row.chosen), "rejected": think_first(row.rejected)}
    return {**write_question(row.prompt), **replies, "id": row.about.id}


def write_question(messages: list[Message]) -> dict[str, Any]:
    """Return what the last reply answers, the system prompt, and the exchanges before."""
    system = next((message.content for message in messages if message.role == "system"), "")
    *before, question = [message for message in messages if message.role != "system"]
    pairs = zip(before[::2], before[1::2], strict=True)
    history = [[asked.content, think_first(answer)] for asked, answer in pairs]
    return {"instruction": question.content, "input": "", "system": system, "history": history}
