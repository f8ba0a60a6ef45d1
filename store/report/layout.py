"""What a page is made of: parts, their figures, and the table behind each plot."""

from collections.abc import Sequence
from typing import NamedTuple

Cell = str | int
Row = Sequence[Cell]


class Table(NamedTuple):
    """A table: heads and rows."""

    head: Sequence[str]
    rows: Sequence[Row]

    def is_number(self, column: int) -> bool:
        """Whether a column holds figures, which stand on the right."""
        return all(str(row[column])[:1] in "0123456789–" for row in self.rows)


class Figure(NamedTuple):
    """A part's figure; its table is shown open where there is no plot, and where it says so."""

    title: str
    told: str
    plot: str = ""
    table: Table | None = None
    notes: Sequence[str] = ()
    is_wide: bool = False
    is_open: bool = False


class Part(NamedTuple):
    """A part of the page."""

    id: str
    title: str
    figures: Sequence[Figure]
