"""Reads the rows that were drawn, each with its messages and what is told of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection

from store.export.about import About, unpack
from store.export.draw import Drawn
from store.export.reading import read_findings
from store.export.talk import Message, count_characters, cut_targets
from store.mix import SPLITS

BATCH = 500


@dataclass(frozen=True, slots=True)
class TalkRow:
    """A row of talks, or one that was drawn before its targets are cut."""

    about: About
    messages: list[Message]


def read_found(db: Connection, drawn: Drawn, split: str) -> Iterator[list[TalkRow]]:
    """Yield what was drawn for a split in the order of the draw, a batch at a time."""
    query = "SELECT n FROM slips WHERE gone = 0 AND split = ? ORDER BY key, id"
    numbers = (n for (n,) in drawn.scratch.ask(query, SPLITS.index(split)))
    while batch := list(islice(numbers, BATCH)):
        bodies = drawn.scratch.read_bodies(batch)
        packed = [unpack(bodies[n]) for n in batch]
        ids = [told["id"] for told, _ in packed if told["standing"] is not None]
        findings = read_findings(db, ids) if ids else {}
        for told, _ in packed:
            told["findings"] = findings.get(told["id"], [])
        yield [TalkRow(About(**told), messages) for told, messages in packed]


def read_rows(db: Connection, drawn: Drawn, split: str) -> Iterator[TalkRow]:
    """Yield the rows of a split, cut by the mix's targets."""
    for batch in read_found(db, drawn, split):
        for one in batch:
            yield from cut_rows(drawn, one)


def cut_rows(drawn: Drawn, one: TalkRow) -> Iterator[TalkRow]:
    """Yield the rows that a talk makes by the mix's targets."""
    if drawn.mix.targets == "all_turns":
        yield one
        return
    for reply, messages in cut_targets(one.messages, drawn.mix.targets):
        id = one.about.id if reply is None else f"{one.about.id}#{reply}"
        exchanges = sum(message.role == "assistant" for message in messages)
        about = replace(one.about, id=id, exchanges=exchanges, characters=count_characters(messages))
        yield TalkRow(about, messages)
