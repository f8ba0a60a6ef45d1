"""Lists talks a page at a time: the cards of a filter in its order, from a place on, with how many there are in all.

A page begins where the last one ended, at the values that its last card is ordered by. So it costs the same however far
on it lies, and a talk that comes in between moves nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, RowMapping, bindparam, text

from store.db import explained
from store.filters import Filter
from store.matching import MAY_SEE, Part, list_bounds, list_parts
from store.orders import Level, Place, list_levels, read_place, write_place
from store.routes import Bounds, bind, choose_route, count_matching, prefer_indexes

MOST_PAGE = 500
NOTHING_SAID = {"is_disputed": False, "flags": 0, "comments": 0, "given": 0, "reviewed_at": None}
STREAMED = 1_000
"""Cards that are read together where all of a filter are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a list knows of a talk; the fields are those of store.review_tables.CardRow."""

    id: int
    dialogue_id: str
    run_id: int
    position: int
    recipe: str
    model: str
    language: str
    emotion: str | None
    scene: str | None
    seed_id: int
    outcome: str
    standing: str
    is_crisis: bool
    is_rehearsal: bool
    is_edited: bool
    is_disputed: bool
    is_settled: bool
    exchanges: int
    title: str
    flags: int
    comments: int
    given: int
    priority: int
    lot: int
    shuffle: int
    created_at: float
    reviewed_at: float | None
    rules: tuple[str, ...]
    scores: Mapping[str, float]


class Reading(NamedTuple):
    """What is read: the conditions, the levels of the order, and between which ids."""

    parts: list[Part]
    levels: list[Level]
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Page:
    """Some cards, and where the next page begins; `count` is of the whole filter, and `is_more` says at least."""

    cards: tuple[Card, ...]
    next: str | None
    count: int
    is_more: bool


CARDS = text("SELECT * FROM cards WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
HIDDEN = text(f"SELECT c.id, c.shown FROM cards AS c WHERE c.id IN :ids AND NOT {MAY_SEE}").bindparams(
    bindparam("ids", expanding=True)
)
NAMES = text("SELECT id, dialogue_id FROM cards WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))


def list_page(engine: Engine, asked: Filter, after: str | None = None, size: int = 50, viewer: str = "") -> Page:
    """Return a page of at most so many cards; `after` is the `next` of the page before.

    The count may be ten seconds old. On cards of which the `viewer` may not see what others said, nothing of it is
    told; see store.matching.list_parts. Raises InputError for a place that is none.
    """
    size = max(1, min(size, MOST_PAGE))
    reading = plan(asked, engine.dialect.name, viewer)
    place = read_place(after, len(reading.levels)) if after is not None else None
    with explained(engine), engine.connect() as db:
        prefer_indexes(db, reading.parts)
        places = walk(db, reading, place, size + 1)
        ids = [at.id for at in places[:size]]
        rows = {row["id"]: row for row in db.execute(CARDS, {"ids": ids}).mappings()}
        hidden = dict(tuple(row) for row in db.execute(HIDDEN, {"ids": ids, "viewer": viewer})) if viewer else {}
        count, is_more = count_matching(db, reading.parts, reading.bounds)
    cards = tuple(read_card(rows[id], hidden.get(id)) for id in ids if id in rows)
    follows = write_place(places[size - 1]) if len(places) > size else None
    return Page(cards, follows, max(count, len(cards)), is_more)


def list_ids(engine: Engine, asked: Filter, most: int, viewer: str = "") -> Iterator[str]:
    """Yield the ids of at most so many dialogues of a filter in its order.

    They are read a thousand at a time; none that matches all the while is left out, and none comes twice.
    """
    reading = plan(asked, engine.dialect.name, viewer)
    place, left = None, most
    while left > 0:
        with explained(engine), engine.connect() as db:
            prefer_indexes(db, reading.parts)
            places = walk(db, reading, place, min(STREAMED, left))
            names = dict(tuple(row) for row in db.execute(NAMES, {"ids": [at.id for at in places]}))
        if not places:
            return
        yield from (names[at.id] for at in places if at.id in names)
        left, place = left - len(places), places[-1]


def plan(asked: Filter, dialect: str, viewer: str) -> Reading:
    """Return what is to be read; a run is a stretch of ids and no condition."""
    parts = [part for part in list_parts(asked, dialect, viewer) if part.name != "run"]
    return Reading(parts, list_levels(asked, dialect), list_bounds(asked))


def walk(db: Connection, reading: Reading, place: Place | None, size: int) -> list[Place]:
    """Return where the next cards after a place stand, at most so many."""
    places: list[Place] = []
    for number in range(place.level if place else 0, len(reading.levels)):
        if len(places) < size:
            start = place if place is not None and place.level == number else None
            places += read_level(db, reading, number, start, size - len(places))
    return places


def read_level(db: Connection, reading: Reading, number: int, after: Place | None, size: int) -> list[Place]:
    """Return so many places in a level, those after one."""
    level = reading.levels[number]
    told = [*reading.parts, *level.parts]
    route = choose_route(db, told, level, reading.bounds)
    first, last = reading.bounds
    more, values = [], {}
    if after is not None and level.column:
        more.append(f"({level.column}, {level.id}) {'<' if level.descending else '>'} (:value, :id)")
        values = {"value": after.value, "id": after.id}
    elif after is not None:
        first, last = (first, min(last, after.id - 1)) if level.descending else (max(first, after.id + 1), last)
    order = [level.column, level.id] if level.column else [route.key]
    way = " DESC" if level.descending else ""
    shown = f"c.id, {level.column or 0} AS value"
    query = f"{route.write(shown, more)} ORDER BY {', '.join(name + way for name in order)} LIMIT :size"
    return [
        Place(number, float(row.value), row.id)
        for row in db.execute(text(query), bind(route, told, (first, last), size=size, **values))
    ]


def read_card(row: RowMapping, shown: str | None = None) -> Card:
    """Return a card from its row; with the standing that is shown where what people said is hidden."""
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(Card)}
    told: dict[str, Any] = {name: bool(values[name]) for name in values if name.startswith("is_")}
    told |= {"rules": tuple(json.loads(row["rules"])), "scores": json.loads(row["scores"])}
    return Card(**(values | told | (NOTHING_SAID | {"standing": shown} if shown is not None else {})))
