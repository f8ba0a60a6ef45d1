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
