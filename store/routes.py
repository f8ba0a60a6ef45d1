"""Chooses how the cards of a filter are reached: by the condition that leads to the fewest, or in their own order.

SQLite does not know how many rows have a value, so the conditions of a filter are counted first, each up to a bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from store.matching import Part
from store.orders import Level
from store.remembered import remember

MOST_COUNTED = 10_000
PROBED = 20_000
"""Entries of an index that are counted at most: some thousandths of a second."""
SORTED = 4_000
"""Cards that are read and sorted where the way that leads to them has another order than the list."""
FEW = 1_000
"""Cards to which another part may lead, though very many talks say the words of a search."""
SCANNED = 20_000
"""Cards that are looked at to count those of several conditions."""
REMEMBERED_S = 10.0

Bounds = tuple[int, int]
"""The first and the last id that a card can have."""


@dataclass(frozen=True, slots=True)
class Route:
    """How to read cards: the tables, what holds, and what tells a card's id there, shifted by so many bits."""

    source: str
    conditions: tuple[str, ...]
    key: str = "c.id"
    shift: int = 0

    def write(self, shown: str, more: Sequence[str] = ()) -> str:
        """Return the statement that reads something of the cards within bounds."""
        within = f"{self.key} >= :first AND {self.key} <= :last"
        return f"SELECT {shown} FROM {self.source} WHERE {' AND '.join((*self.conditions, within, *more))}"


def bind(route: Route, parts: Sequence[Part], bounds: Bounds, **more: Any) -> dict[str, Any]:
    """Return the values of a route's statement."""
    first, last = bounds
    values = {"first": first << route.shift, "last": (last + 1 << route.shift) - 1}
    return {name: value for part in parts for name, value in part.values.items()} | values | more


def scan(parts: Sequence[Part], dialect: str) -> Route:
    """Return the route through all cards in the order of their ids."""
    source = "cards AS c NOT INDEXED" if dialect == "sqlite" else "cards AS c"
    return Route(source, tuple(part.where for part in parts))


def lead_by(part: Part, parts: Sequence[Part], extra: str = "") -> Route:
    """Return the route that begins with a part; `extra` is a table that is joined."""
    others = tuple(other.where for other in parts if other is not part)
    return Route(part.source + extra, (part.lead, *others), part.key, part.shift)


def count_probe(db: Connection, part: Part, bounds: Bounds) -> int:
    """Return how many cards a part leads to, counted up to a bound and remembered for some seconds."""
    values = bind(Route("", (), part.key, part.shift), [part], bounds)
    within = f"{part.key} >= :first AND {part.key} <= :last"
    query = f"SELECT count(*) FROM (SELECT 1 FROM {part.counted} AND {within} LIMIT {PROBED}) AS probe"

    def count() -> int:
        found: int = db.execute(text(query), values).scalar_one()
        return found

    return remember(db.engine, (query, *sorted(values.items())), REMEMBERED_S, count)


def count_all(db: Connection, bounds: Bounds) -> int:
    """Return how many cards there are within bounds, counted up to a bound and remembered for some seconds."""
    whole = Part("all", "", {}, "cards AS c", "c.id >= 0")
    return count_probe(db, whole, bounds)


def choose_lead(leads: Sequence[tuple[int, Part]]) -> tuple[int, Part] | None:
    """Return the part that leads to the fewest cards, with their number; words that very many talks say come first.

    Those would have to be looked up as a whole before another part could lead.
    """
    fewest = min(leads, key=lambda lead: lead[0], default=None)
    said = next((lead for lead in leads if lead[1].name == "text" and lead[0] >= PROBED), None)
    return said if fewest is not None and said is not None and fewest[0] > FEW else fewest


def choose_route(db: Connection, parts: Sequence[Part], level: Level, bounds: Bounds) -> Route:
    """Return the route by which a page of a level is read."""
    leads = [(count_probe(db, part, bounds), part) for part in parts if part.source]
    fewest = choose_lead(leads)
    if level.column:
        if fewest is not None and fewest[0] <= SORTED:
            is_scored = level.column == "s.score" and fewest[1].name != "rubric"
            route = lead_by(fewest[1], parts, " CROSS JOIN card_scores AS s" if is_scored else "")
            joined = ("s.rubric = :rubric", "s.card_id = c.id") if is_scored else ()
            return Route(route.source, (*route.conditions, *joined), route.key, route.shift)
        rubric = next((part for part in parts if part.name == "rubric"), None)
        if level.column == "s.score" and rubric is not None:
            return lead_by(rubric, parts)
        others = tuple(part.where for part in parts)
        return Route(level.source, others)
    if fewest is not None and (fewest[1].in_order or fewest[0] <= SORTED):
        return lead_by(fewest[1], parts)
    fewest = choose_lead([lead for lead in leads if lead[1].in_order])
    return lead_by(fewest[1], parts) if fewest is not None else scan(parts, db.dialect.name)


def count_matching(db: Connection, parts: Sequence[Part], bounds: Bounds) -> tuple[int, bool]:
    """Return how many cards match, and whether there are more: exact up to 10,000 where few enough are looked at."""
    leads = [(count_probe(db, part, bounds), part) for part in parts if part.source]
    if not parts or (len(parts) == 1 and leads):
        found = leads[0][0] if leads else count_all(db, bounds)
        return min(found, MOST_COUNTED), found > MOST_COUNTED
    fewest = choose_lead(leads)
    route = lead_by(fewest[1], []) if fewest is not None else scan([], db.dialect.name)
    others = " AND ".join(part.where for part in parts if fewest is None or part is not fewest[1])
    looked = route.write(f"CASE WHEN {others} THEN 1 ELSE 0 END AS hit")
    query = f"SELECT count(*), coalesce(sum(hit), 0) FROM ({looked} LIMIT {SCANNED}) AS looked"
    values = bind(route, parts, bounds)

    def count() -> tuple[int, bool]:
        seen, hits = db.execute(text(query), values).one()
        return min(int(hits), MOST_COUNTED), seen == SCANNED or hits > MOST_COUNTED

    return remember(db.engine, (query, *sorted(values.items())), REMEMBERED_S, count)


def prefer_indexes(db: Connection, parts: Sequence[Part]) -> None:
    """Keep PostgreSQL from reading the words of every talk: it does not count what it takes to unpack them."""
    if db.dialect.name == "postgresql" and any(part.name == "text" for part in parts):
        db.execute(text("SET LOCAL enable_seqscan = off"))
