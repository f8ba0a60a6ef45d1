"""Writes small exports with the store's own writer: talks with and without thoughts, and pairs."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from store.export.about import About
from store.export.manifest import NAME, hash_file
from store.export.pairs import PairRow
from store.export.rows import TalkRow
from store.export.shards import ShardWriter
from store.export.talk import Message
from store.mix import Kind

CLIENT = ("I have not slept well.", "最近我总是睡不好。", "It began with the exams.", "一想到考试就很焦虑。")
THOUGHT = ("She sounds tired.\nI name the feeling.", "来访者很疲惫，我先回应情绪。", "I ask one question.")
COUNSELOR = ("That sounds hard.", "听起来你真的很不容易。", "What goes through your mind?", "最难受的是什么时候？")


def make_messages(chance: random.Random, exchanges: int, thinks: bool = True) -> list[Message]:
    """Return a talk of so many exchanges, with a system prompt now and then."""
    messages = [Message("system", "You are a counselor.")] if chance.random() < 0.5 else []
    for number in range(exchanges):
        thought = chance.choice(THOUGHT) if thinks and chance.random() < 0.8 else None
        messages.append(Message("user", f"{chance.choice(CLIENT)} {number} {chance.random():.3f}"))
        messages.append(Message("assistant", f"{chance.choice(COUNSELOR)} {chance.random():.3f}", thought, True))
    return messages


def make_talks(count: int, seed: int = 0, thinks: bool = True) -> list[TalkRow]:
    """Return talks of one to four exchanges."""
    chance = random.Random(seed)
    return [
        TalkRow(tell(f"{seed}/{number}"), make_messages(chance, chance.randint(1, 4), thinks))
        for number in range(count)
    ]


def make_pairs(count: int, seed: int = 0) -> list[PairRow]:
    """Return pairs of replies to talks of one to four exchanges."""
    pairs = []
    for talk in make_talks(count, seed, thinks=False):
        *prompt, reply = talk.messages
        worse = Message("assistant", f"Cheer up! {reply.content[-3:]}")
        pairs.append(PairRow(talk.about, [plain(each) for each in prompt], plain(reply), worse, "critic"))
    return pairs


def plain(message: Message) -> Message:
    """Return a message as pairs hold it."""
    return Message(message.role, message.content)


def tell(id: str) -> About:
    """Return what is told of a row."""
    return About(id, "talks", "zh", "cc-by-4.0", id)


def write_shards(folder: Path, splits: Mapping[str, Sequence[Any]], kind: Kind = "talks") -> Path:
    """Write an export with these rows in its splits; returns its folder."""
    data = folder / "data"
    data.mkdir(parents=True)
    files = {}
    for split, rows in splits.items():
        writer = ShardWriter(data, split, kind)
        for row in rows:
            writer.add(row)
        for path, count in writer.close():
            name = path.relative_to(folder).as_posix()
            files[name] = {"sha256": hash_file(path), "bytes": path.stat().st_size, "rows": count}
    (folder / NAME).write_bytes(orjson.dumps({"format": 1, "rows": 0, "files": files}))
    return folder


def write_talks(folder: Path, train: int = 24, validation: int = 4) -> Path:
    """Write an export of talks."""
    return write_shards(folder, {"train": make_talks(train), "validation": make_talks(validation, seed=1)})
