"""The rows of the Parquet shards as JSON Lines, with the same fields: TRL reads both alike."""

from typing import Any

from store.export.about import About
from store.export.pairs import PairRow
from store.export.rows import TalkRow
from store.export.talk import Message


def write_talk(row: TalkRow) -> dict[str, Any]:
    return {"messages": [write_message(message) for message in row.messages], **write_about(row.about)}


def write_pair(row: PairRow) -> dict[str, Any]:
    return {
        "prompt": [plain(message) for message in row.prompt],
        "chosen": [plain(row.chosen)],
        "rejected": [plain(row.rejected)],
        "via": row.via,
        **write_about(row.about),
    }


def write_message(message: Message) -> dict[str, Any]:
    """Return a message with its thought apart."""
    return {
        "role": message.role,
        "content": message.content,
        "reasoning_content": message.reasoning,
        "loss": message.loss,
    }


def plain(message: Message) -> dict[str, str]:
    """Return a message of a pair."""
    return {"role": message.role, "content": message.content}


def write_about(about: About) -> dict[str, Any]:
    """Return what is told of a row."""
    told = {name: getattr(about, name) for name in About.__slots__}
    told["scores"] = [{"rubric": name, "score": score} for name, score in about.scores.items()]
    return told
