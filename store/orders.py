"""The orders that lists come in, and the place in one that a page ends at."""

import math
from dataclasses import dataclass
from hashlib import blake2b

from store.filters import Filter
from store.matching import Part, begin_with
from taxonomy.refusal import InputError

PRIORITIES = (0, 1, 2)
MOST_ID = 2**53


@dataclass(frozen=True, slots=True)
class Level:
    """A stretch of an order: the cards of which something more holds, by a column and then by id, or by id alone.

    `source` says how to read the cards by the column.
    """

    parts: tuple[Part, ...] = ()
    descending: bool = True
    column: str = ""
    id: str = "c.id"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: in which level, at which value of its column, at which card."""

    level: int
    value: float
    id: int


def list_levels(asked: Filter, dialect: str) -> list[Level]:
    """Return the levels of a filter's order; one comes after the other."""
    if asked.sort == "oldest":
        return [Level(descending=False)]
    if asked.sort == "danger":
        return [Level((lead_to_priority(priority, dialect),)) for priority in PRIORITIES]
    if asked.sort == "disputed":
        first = Part("is_disputed", "c.is_disputed", {}, begin_with("cards_disputed", dialect), "c.is_disputed")
        return [Level((first,)), Level((Part("is_disputed", "NOT c.is_disputed"),))]
    if asked.sort.startswith("random-"):
        source, start = begin_with("cards_by_chance", dialect), {"start": draw_start(asked.sort)}
        signs = (">=", "<")
        parts = [Part("start", f"c.shuffle {sign} :start", start) for sign in signs]
        return [Level((part,), False, "c.shuffle", "c.id", source) for part in parts]
    if asked.sort in ("score_up", "score_down"):
        source = "card_scores AS s CROSS JOIN cards AS c"
        return [Level((), asked.sort == "score_down", "s.score", "s.card_id", source)]
    return [Level()]


def lead_to_priority(priority: int, dialect: str) -> Part:
    """Return the condition that a card has a priority."""
    where = "c.priority = :priority"
    return Part("priority", where, {"priority": priority}, begin_with("cards_by_priority", dialect), where)


def draw_start(sort: str) -> int:
    """Return where in the order by chance a seed begins; after the last card the first one follows."""
    return int.from_bytes(blake2b(sort.encode(), digest_size=4).digest()) >> 1


def write_place(place: Place) -> str:
    """Return a place as an address holds it."""
    return f"{place.level}~{place.value!r}~{place.id}"


def read_place(told: str, levels: int) -> Place:
    """Return the place that an address holds; raises InputError for one that nobody gave out."""
    parts = told.split("~")
    try:
        level, value, id = int(parts[0]), float(parts[1]), int(parts[2])
        if len(parts) == 3 and 0 <= level < levels and math.isfinite(value) and 0 <= id < MOST_ID:
            return Place(level, value, id)
    except (ValueError, IndexError):
        pass
    raise InputError(f"after={told[:40]!r}: this is no place in the list; begin at its start")
