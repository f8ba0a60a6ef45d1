"""Looks at what each row says: its shape, its length, what it shares with an evaluation, its hashes and its split.

Nothing here asks the store, so that other processes may do it.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from store.bands import hash_exact
from store.decontamination import find_overlap, load_evaluation
from store.export.grounds import choose_split
from store.export.near import pack_bands
from store.export.scratch import Slip
from store.export.talk import Message, StoredLine, Unfit, find_opening, gather_said, shape_talk
from store.mix import SPLITS, Mix, list_splits

STEPS = ("shape", "length", "decontamination")
"""The filters that a row's words must pass."""


class Row(NamedTuple):
    """A row that passed all that is asked without its words; a stored talk has lines, general data has messages."""

    id: str
    family: str
    source: int
    group: bytes
    cell: str | None
    is_reviewed: bool
    score: float
    about: bytes
    """What is told of it, packed."""
    lines: Sequence[StoredLine] = ()
    thoughts: Mapping[int, str] | None = None
    system: str = ""
    messages: Sequence[Message] = ()


class Kept(NamedTuple):
    """A row that may be drawn: its slip, all of it packed, and its bands."""

    slip: Slip
    body: bytes
    bands: bytes


class Gone(NamedTuple):
    """The filter at which a row stays behind, and why."""

    step: str
    why: str


Looked = list[Kept | Gone]


def needs_bands(mix: Mix) -> bool:
    """Whether rows of a mix are compared with each other by more than their hashes."""
    return mix.dedup == "near" or len(list_splits(mix)) > 1


class Words:
    """What a mix asks of words. Raises InputError where an evaluation file is missing or broken."""

    def __init__(self, mix: Mix) -> None:
        self.mix = mix
        self._draw = mix.seed.to_bytes(16, signed=True)
        self._has_bands = needs_bands(mix)
        files = [Path(name) for name in mix.decontamination]
        self._evaluation = load_evaluation(files) if files else None

    def look(self, rows: Sequence[Row]) -> Looked:
        """Return what becomes of each row, in order."""
        return [self.look_at(row) for row in rows]

    def look_at(self, row: Row) -> Kept | Gone:
        """Return what becomes of a row."""
        try:
            said = gather_said(row.messages or self._shape(row))
        except Unfit as unfit:
            return Gone("shape", str(unfit))
        if said.characters > self.mix.longest:
            return Gone("length", f"over {self.mix.longest} characters")
        if self._evaluation is not None:
            overlap = find_overlap(self._evaluation, [message.content for message in said.messages])
            if overlap is not None:
                return Gone("decontamination", f"{overlap.file}, {overlap.how}")
        key = blake2b(said.packed, digest_size=12, key=self._draw).digest()
        exact, opening = hash_exact(said.text), hash_exact(find_opening(said.messages))
        split = SPLITS.index(choose_split(row.group, self.mix.split))
        reviewed = int(row.is_reviewed)
        slip = Slip(
            0, row.id, row.family, row.source, key, exact, opening, row.group, row.cell, split, reviewed, row.score
        )
        replies = sum(message.role == "assistant" for message in said.messages)
        body = b"[%b,%d,%d,%b]" % (row.about, replies, said.characters, said.packed)
        return Kept(slip, body, pack_bands(said.text) if self._has_bands else b"")

    def _shape(self, row: Row) -> list[Message]:
        messages = shape_talk(row.lines, row.thoughts, self.mix.reasoning)
        return [Message("system", row.system), *messages] if row.system.strip() else messages
