"""Text of a model or a person as a page can show it: cut where it is endless, nothing in it hidden, findings marked."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

LONGEST = 4_000
"""Characters shown before "show all"; the longest real counselor line measured has under 2,000."""
MARK = "\ufffd"


class Place(NamedTuple):
    """What a finding says about some characters; `end` is not among them."""

    start: int
    end: int
    rule: str
    severity: str
    told: str


class Piece(NamedTuple):
    """Some characters and what was found on them."""

    text: str
    found: tuple[Place, ...] = ()

    @property
    def told(self) -> str:
        """All that was found, in one line."""
        return "; ".join(f"{place.rule}: {place.told}" for place in self.found)

    @property
    def severity(self) -> str:
        """The severity of the first finding."""
        return self.found[0].severity


@dataclass(frozen=True, slots=True)
class Passage:
    """A text as it is shown; `hidden` names characters that nobody would have seen, `left` counts what is cut off."""

    pieces: tuple[Piece, ...]
    hidden: tuple[str, ...]
    left: int

    @property
    def text(self) -> str:
        """What is shown, without marks."""
        return "".join(piece.text for piece in self.pieces)


def is_hidden(char: str) -> bool:
    """Whether a character steers the text around it, or takes no room: controls, bidi marks, zero-width characters."""
    return char not in "\n\t" and unicodedata.category(char)[0] == "C"


def show(text: str) -> str:
    """Return a text with a mark in the place of each hidden character; its length stays the same."""
    return "".join(MARK if is_hidden(char) else char for char in text)


def name_hidden(text: str) -> tuple[str, ...]:
    """Return the codes of the hidden characters of a text, each once."""
    return tuple(f"U+{ord(char):04X}" for char in sorted({char for char in text if is_hidden(char)}))


def show_passage(text: str, places: Sequence[Place] = (), *, is_full: bool = False) -> Passage:
    """Return a text as it is shown; places outside it are left out."""
    kept = text if is_full else text[:LONGEST]
    inside = [place for place in places if 0 <= place.start < min(place.end, len(kept))]
    edges = sorted({0, len(kept), *(p.start for p in inside), *(min(p.end, len(kept)) for p in inside)})
    pieces = [
        Piece(show(kept[start:end]), tuple(p for p in inside if p.start <= start and p.end >= end))
        for start, end in pairwise(edges)
    ]
    return Passage(tuple(pieces), name_hidden(kept), len(text) - len(kept))
