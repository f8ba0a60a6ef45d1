"""What a comparison's report is made of, whatever it is written as: sections, tables, and answers that unfold."""

from collections.abc import Sequence
from typing import NamedTuple


class Unfold(NamedTuple):
    """An answer: shortened, in full, what the model thought, and what was said of it."""

    short: str
    full: str
    reasoning: str = ""
    notes: Sequence[str] = ()


Cell = str | Unfold


class Table(NamedTuple):
    """A table with its head; `notes` stand under it."""

    title: str
    told: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()

    @property
    def has_answers(self) -> bool:
        """Whether its cells are shortened, and what they say in full stands elsewhere."""
        return any(isinstance(cell, Unfold) for row in self.rows for cell in row)

    def tell(self, how: str) -> str:
        """Return what is told above it, with how answers are read in full where there are any."""
        # A sentence in Chinese ends in a mark as wide as itself.
        apart = "" if self.told.endswith("。") else " "
        return f"{self.told}{apart}{how}" if self.has_answers else self.told


class Section(NamedTuple):
    """A part of the report: tables, or plain sentences."""

    id: str
    title: str
    tables: Sequence[Table] = ()
    sentences: Sequence[str] = ()


class Report(NamedTuple):
    """A whole report; warnings come before anything else."""

    language: str
    title: str
    made: str
    warnings: Sequence[str]
    whose: Sequence[str]
    notes: Sequence[str]
    sections: Sequence[Section]
