"""Says how far the review is: by queue, by person, by day, and by cell of the map, at a cost that stays bounded.

Queues and cells are counts over the cards. Of the log every line is counted for its person, but only its newest lines
are read for days and pace.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from sqlalchemy import Connection, Engine, text

from store.db import explained
from store.matching import read_map
from store.standing import Standing
from taxonomy.schema import Cell

SITTING = 600.0
"""Seconds between two verdicts of a person beyond which they were at something else."""
NEWEST = 5_000
"""Lines of the log that days and pace are taken from: what ten people say in a long day."""
QUEUES = text(
    "SELECT recipe, language, standing, count(*) AS dialogues, sum(CASE WHEN given > 0 THEN 1 ELSE 0 END) AS judged,"
    " sum(CASE WHEN priority = 0 THEN 1 ELSE 0 END) AS danger,"
    " sum(CASE WHEN priority = 1 THEN 1 ELSE 0 END) AS in_doubt,"
    " sum(CASE WHEN is_disputed THEN 1 ELSE 0 END) AS disputed, emotion, scene"
    " FROM cards GROUP BY recipe, language, standing, emotion, scene ORDER BY recipe, language"
)
"""One walk over the cards serves queues and cells alike."""
WORDS = text("SELECT reviewer, verdict, count(*) AS lines FROM reviews GROUP BY reviewer, verdict ORDER BY reviewer")
TAKEN_BACK = text(
    "SELECT r.reviewer, r.verdict, count(*) AS lines FROM reviews u JOIN reviews r ON r.id = u.undoes"
    " WHERE u.verdict = 'undo' GROUP BY r.reviewer, r.verdict"
)
RECENT = text(
    "SELECT id, reviewer, verdict, created_at, undoes, way FROM reviews"
    " WHERE id > (SELECT coalesce(max(id), 0) FROM reviews) - :newest ORDER BY id"
)


@dataclass(slots=True)
class Queue:
    """The dialogues of a recipe in a language; `danger` and `in_doubt` are those handed out first."""

    recipe: str
    language: str
    accepted: int = 0
    waiting: int = 0
    rejected: int = 0
    judged: int = 0
    """By at least one person, as they read."""
    danger: int = 0
    in_doubt: int = 0
    disputed: int = 0


@dataclass(slots=True)
class Person:
    """What somebody said, without what they took back; `per_hour` is None where they have not sat at it."""

    reviewer: str
    verdicts: int = 0
    accepted: int = 0
    today: int = 0
    """Verdicts of the last 24 hours."""
    skips: int = 0
    edits: int = 0
    per_hour: float | None = None
    """Verdicts an hour, over gaps of at most ten minutes; a bulk verdict is no reading and is left out."""

    @property
    def accept_share(self) -> float | None:
        """The accepted of all verdicts."""
        return self.accepted / self.verdicts if self.verdicts else None


@dataclass(slots=True)
class CellProgress:
    """The dialogues of a cell by standing, and the share of all that the plan gives it."""

    planned: float
    accepted: int = 0
    waiting: int = 0
    rejected: int = 0


@dataclass(slots=True)
class Progress:
    """All of it; `days` has the verdicts of each day by this machine's clock, oldest first."""

    queues: list[Queue] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    days: dict[str, int] = field(default_factory=dict)
    cells: dict[Cell, CellProgress] = field(default_factory=dict)


def read_progress(engine: Engine, now: float) -> Progress:
    """Return how far the review is at a Unix time; every cell of the shipped map is there, and what else is stored."""
    told = Progress(cells=plan_cells())
    with explained(engine), engine.connect() as db:
        count_cards(db, told)
        told.people = count_people(db)
        told.days = add_recent(db, told.people, now)
    return told


def plan_cells() -> dict[Cell, CellProgress]:
    """Return the cells of the shipped map: a block of the plan holds each once."""
    cells = read_map().cells
    return {cell: CellProgress(1 / len(cells)) for cell in cells}


def count_cards(db: Connection, told: Progress) -> None:
    """Count the cards into queues and cells."""
    queues: dict[tuple[str, str], Queue] = {}
    for row in db.execute(QUEUES):
        queue = queues.setdefault((row.recipe, row.language), Queue(row.recipe, row.language))
        add_standing(queue, row.standing, row.dialogues)
        queue.judged += row.judged
        queue.danger += row.danger
        queue.in_doubt += row.in_doubt
        queue.disputed += row.disputed
        if row.emotion is not None and row.scene is not None:
            cell = told.cells.setdefault(Cell(row.emotion, row.scene), CellProgress(0.0))
            add_standing(cell, row.standing, row.dialogues)
    told.queues = list(queues.values())


def add_standing(counted: Queue | CellProgress, standing: Standing, dialogues: int) -> None:
    """Count dialogues under their standing."""
    setattr(counted, standing, getattr(counted, standing) + dialogues)


def count_people(db: Connection) -> list[Person]:
    """Return everybody who said something, by name."""
    people: dict[str, Person] = {}
    for row in db.execute(WORDS):
        add_word(people.setdefault(row.reviewer, Person(row.reviewer)), row.verdict, row.lines)
    for row in db.execute(TAKEN_BACK):
        add_word(people[row.reviewer], row.verdict, -row.lines)
    return list(people.values())


def add_word(person: Person, word: str, lines: int) -> None:
    """Count lines of a word for a person."""
    person.verdicts += lines * (word in ("accept", "reject"))
    person.accepted += lines * (word == "accept")
    person.skips += lines * (word == "skip")
    person.edits += lines * (word == "edit")


def add_recent(db: Connection, people: list[Person], now: float) -> dict[str, int]:
    """Add pace and the last day from the newest lines of the log, and return the verdicts of each day in them."""
    rows = db.execute(RECENT, {"newest": NEWEST}).all()
    undone = {row.undoes for row in rows}
    said = [row for row in rows if row.verdict in ("accept", "reject") and row.id not in undone]
    times: dict[str, list[float]] = {}
    days: dict[str, int] = {}
    for row in said:
        day = time.strftime("%Y-%m-%d", time.localtime(row.created_at))
        days[day] = days.get(day, 0) + 1
        if row.way != "bulk":
            times.setdefault(row.reviewer, []).append(row.created_at)
    by_name: Mapping[str, Person] = {person.reviewer: person for person in people}
    for row in said:
        by_name[row.reviewer].today += now - row.created_at <= 86_400
    for name, moments in times.items():
        by_name[name].per_hour = measure_pace(moments)
    return days


def measure_pace(moments: list[float]) -> float | None:
    """Return verdicts an hour from the times of verdicts in order; None where no two lie in one sitting."""
    gaps = [after - before for before, after in pairwise(moments) if after - before <= SITTING]
    seconds = sum(gaps)
    return len(gaps) / seconds * 3600 if seconds > 0 else None
