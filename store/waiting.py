"""Finds the talks that wait for somebody, in the order in which they are handed out, by what their cards say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, text

from store.filters import Filter
from store.matching import Part, begin_with, list_bounds, list_parts
from store.review.settings import Settings
from store.routes import SORTED, bind, choose_lead, count_probe, lead_by, prefer_indexes, scan

AT_ONCE = 20
"""Talks looked at together; where more people ask in the same moment, some look again."""
LOT_OF_ALL = 1000
DANGER = 0
PRIORITIES = (DANGER, 1, 2)
"""As store.cards gives them."""
SHOWN = "c.dialogue_id, c.is_crisis, c.lot, c.priority, c.id"
WAITS = (
    "c.exchanges > 0",
    "c.given + (SELECT count(*) FROM leases AS l WHERE l.dialogue_id = c.dialogue_id AND l.reviewer <> :me"
    " AND l.until > :now) < CASE WHEN c.is_crisis THEN :of_crisis WHEN c.lot < :below THEN 2 ELSE 1 END",
    "NOT EXISTS (SELECT 1 FROM card_judges AS j WHERE j.reviewer = :me AND j.card_id = c.id)",
    "NOT EXISTS (SELECT 1 FROM reviews AS k WHERE k.reviewer = :me AND k.dialogue_id = c.dialogue_id"
    " AND k.verdict = 'skip' AND NOT EXISTS"
    " (SELECT 1 FROM reviews AS u WHERE u.dialogue_id = c.dialogue_id AND u.undoes = k.id))",
    "NOT (c.is_edited AND EXISTS (SELECT 1 FROM dialogues AS d WHERE d.id = c.dialogue_id AND d.checks IS NULL))",
)
"""What holds of a talk that somebody may be given."""
ASKED_FOR = ("(c.given > 0 OR c.standing <> 'rejected')", "c.outcome = 'done'")
"""What a recipe or a policy rejected is handed out only where it is asked for."""


class Wanting(Protocol):
    """What says how many people a talk wants."""

    @property
    def is_crisis(self) -> bool: ...
    @property
    def lot(self) -> int: ...


class Slot(NamedTuple):
    """A talk that may be handed out, and its place in the order."""

    dialogue_id: str
    is_crisis: bool
    lot: int
    priority: int
    card_id: int

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands: danger first, in the order of the plans."""
        return self.priority, self.card_id


@dataclass(frozen=True, slots=True)
class Way:
    """A way through some of the cards: the tables, and what holds there."""

    source: str
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """How to look for talks: stretches one after the other, the ways of each together, and all values."""

    stretches: tuple[tuple[Way, ...], ...]
    values: dict[str, Any]
    parts: Sequence[Part]


def wanted_for(card: Wanting, settings: Settings) -> int:
    """Return how many people a talk wants."""
    if card.is_crisis:
        return settings.crisis_reviewers
    return 2 if card.lot < settings.overlap * LOT_OF_ALL else 1


def plan_search(db: Connection, reviewer: str, asked: Filter, settings: Settings, now: float) -> Search:
    """Return how to look for what somebody may be given.

    Where a condition of the filter leads to few cards these are looked through; else all that wait are, in the order of
    the queue, until some match.
    """
    dialect = db.dialect.name
    parts = [part for part in list_parts(asked, dialect, reviewer) if part.name != "run"]
    bounds = list_bounds(asked)
    fewest = choose_lead([(count_probe(db, part, bounds), part) for part in parts if part.source])
    is_narrow = fewest is not None and fewest[0] <= SORTED
    route = lead_by(fewest[1], parts) if fewest is not None and is_narrow else scan(parts, dialect)
    more = {"me": reviewer, "now": now, "of_crisis": settings.crisis_reviewers, "below": settings.overlap * LOT_OF_ALL}
    values = bind(route, parts, bounds, **more)
    within = (f"{route.key} >= :first", f"{route.key} <= :last")
    is_open = () if asked.standing is not None or asked.outcome is not None else ASKED_FOR
    held = (*route.conditions, *within, *is_open, *WAITS)
    if is_narrow:
        return Search(((Way(route.source, held),),), values, parts)
    return Search(
        tuple(tuple(list_ways(priority, held, settings, dialect)) for priority in PRIORITIES),
        values,
        parts,
    )


def list_ways(priority: int, held: tuple[str, ...], settings: Settings, dialect: str) -> list[Way]:
    """Return the ways through the cards of a priority, by how many have judged them.

    The numbers stand in the words, for an index of some cards is only used where they do.
    """
    of_priority = f"c.priority = {priority}"
    ways = [Way(begin_with("cards_unread", dialect), ("c.given = 0", of_priority, *held))]
    once = begin_with("cards_read_once", dialect)
    if priority != DANGER:
        return [*ways, Way(once, ("c.given = 1", of_priority, "c.lot < :below", *held))]
    for given in range(1, settings.crisis_reviewers):
        source = once if given == 1 else "cards AS c"
        ways.append(Way(source, (f"c.given = {given}", of_priority, *held)))
    return ways


def list_waiting(db: Connection, search: Search, stretch: int, after: Slot | None) -> list[Slot]:
    """Return the next talks of a stretch that wait, at most AT_ONCE, after one of them."""
    prefer_indexes(db, search.parts)
    place = after.place if after is not None else (-1, -1)
    values = search.values | {"priority": place[0], "after": place[1], "count": AT_ONCE}
    found = []
    for way in search.stretches[stretch]:
        held = " AND ".join((*way.conditions, "(c.priority, c.id) > (:priority, :after)"))
        query = f"SELECT {SHOWN} FROM {way.source} WHERE {held} ORDER BY c.priority, c.id LIMIT :count"
        found += [Slot(*row) for row in db.execute(text(query), values)]
    return sorted(found, key=lambda slot: slot.place)[:AT_ONCE]


def list_held(db: Connection, reviewer: str, asked: Filter, now: float) -> list[Slot]:
    """Return the talks of a filter that somebody has before them."""
    mine = text("SELECT dialogue_id FROM leases WHERE reviewer = :me AND until > :now")
    ids = db.execute(mine, {"me": reviewer, "now": now}).scalars().all()
    parts = list_parts(asked, db.dialect.name, reviewer)
    held = " AND ".join(("c.dialogue_id = :id", *(part.where for part in parts)))
    values = {name: value for part in parts for name, value in part.values.items()}
    query = text(f"SELECT {SHOWN} FROM cards AS c WHERE {held}")
    found = [Slot(*row) for id in ids for row in db.execute(query, values | {"id": id})]
    return sorted(found, key=lambda slot: slot.place)
