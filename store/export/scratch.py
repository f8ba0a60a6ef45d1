"""The slips of all rows that may still be drawn, in a file of its own, with their packed words beside them.

A million rows take no more memory than a thousand; what sorts and counts them is SQLite. The words that were checked
are kept, so that these and no others are written.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE slips (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, family TEXT NOT NULL, source INTEGER NOT NULL, key BLOB NOT NULL,
    exact BLOB NOT NULL, opening BLOB NOT NULL, seed BLOB NOT NULL, cell TEXT, split INTEGER NOT NULL,
    reviewed INTEGER NOT NULL, score REAL NOT NULL, gone INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE bodies (n INTEGER PRIMARY KEY, body BLOB NOT NULL)
"""
BEST_FIRST = "reviewed DESC, score DESC, key, id"
"""Which of two alike stays: what a person has accepted, then what critics prefer, then the draw."""


class Slip(NamedTuple):
    """A row that may be drawn."""

    n: int
    id: str
    family: str
    """The talk of which it is another try, or its own id."""
    source: int
    key: bytes
    exact: bytes
    opening: bytes
    seed: bytes
    cell: str | None
    split: int
    reviewed: int
    score: float


INSERT = f"INSERT INTO slips VALUES ({', '.join('?' * len(Slip._fields))}, 0)"


@dataclass(slots=True)
class Step:
    """A filter of the funnel: how many are left after it, and why the others are gone."""

    name: str
    left: int = 0
    gone: Counter[str] = field(default_factory=Counter)


class Scratch:
    """The slips of one export."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._db = sqlite3.connect(folder / "slips.db", isolation_level=None)
        # What fits into this is sorted in memory, and the rest in files beside it.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-8000", "temp_store=FILE"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)
        self.count = 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, slips: Sequence[Slip], bodies: Iterable[bytes]) -> None:
        """Keep some slips with their packed rows, and number them."""
        slips = [slip._replace(n=number) for number, slip in enumerate(slips, self.count)]
        self._db.execute("BEGIN")
        self._db.executemany(INSERT, slips)
        self._db.executemany("INSERT INTO bodies VALUES (?, ?)", zip((slip.n for slip in slips), bodies, strict=True))
        self._db.execute("COMMIT")
        self.count += len(slips)

    def ask(self, query: str, *values: Any) -> Iterator[Any]:
        """Yield the rows of a query; `slips` holds those that are gone too."""
        yield from self._db.execute(query, values)

    def read_bodies(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """Return some packed rows by number."""
        marks = ", ".join("?" * len(numbers))
        return dict(self._db.execute(f"SELECT n, body FROM bodies WHERE n IN ({marks})", numbers))

    def left(self) -> int:
        """Return how many are left."""
        count: int = self._db.execute("SELECT count(*) FROM slips WHERE gone = 0").fetchone()[0]
        return count

    def keep_best(self, columns: str, most: int, held: str = "1") -> int:
        """Keep at most so many of those that share some columns, the best ones; returns how many went."""
        ranked = f"row_number() OVER (PARTITION BY {columns} ORDER BY {BEST_FIRST}) AS place"
        return self._drop(
            f"SELECT n FROM (SELECT n, {ranked} FROM slips WHERE gone = 0 AND {held}) WHERE place > {most}"
        )

    def keep_drawn(self, source: int, most: int) -> int:
        """Keep the first of a source in the order of the draw; returns how many went."""
        drawn = "SELECT n FROM slips WHERE gone = 0 AND source = ? ORDER BY key, id LIMIT -1 OFFSET ?"
        return self._drop(drawn, source, most)

    def drop(self, numbers: Iterable[int]) -> int:
        """Drop slips by number; returns how many went."""
        self._db.execute("BEGIN")
        cursor = self._db.executemany("UPDATE slips SET gone = 1 WHERE n = ? AND gone = 0", ((n,) for n in numbers))
        self._db.execute("COMMIT")
        return cursor.rowcount

    def _drop(self, numbers: str, *values: Any) -> int:
        return self._db.execute(f"UPDATE slips SET gone = 1 WHERE n IN ({numbers})", values).rowcount
