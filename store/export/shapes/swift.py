"""Messages as ms-swift reads them, with its `loss` mark on replies; a thought leads its answer within <think>."""

from typing import Any

from store.export.pairs import PairRow
from store.export.rows import TalkRow
from store.export.shapes.sharegpt import think_first
from store.export.talk import Message


def write_talk(row: TalkRow) -> dict[str, Any]:
    return {"messages": [write_message(message, mark=True) for message in row.messages]}


def write_pair(row: PairRow) -> dict[str, Any]:
    messages = [write_message(message, mark=False) for message in [*row.prompt, row.chosen]]
    return {"messages": messages, "rejected_response": think_first(row.rejected)}


def write_message(message: Message, *, mark: bool) -> dict[str, Any]:
    """Return a message, a reply with the mark that says whether it is learned."""
    learned = {"loss": message.loss} if mark and message.role == "assistant" else {}
    return {"role": message.role, "content": think_first(message), **learned}
