"""Counts what the form of a filter offers: each value that there is, with how many cards have it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text

from store.cards import POSITION_BITS
from store.db import explained
from store.matching import COLUMNS, KINDS
from store.remembered import remember
from store.routes import MOST_COUNTED

REMEMBERED_S = 10.0
MOST_VALUES = 300
"""Values of a field that are told."""
MOST_RUNS = 60
"""The newest runs are told: an address names any other."""
TABLES = {
    **{name: ("cards", name) for name in COLUMNS},
    "rule": ("card_rules", "rule"),
    "rubric": ("card_scores", "rubric"),
    "reviewer": ("card_judges", "reviewer"),
}
RUNS = text(
    f"SELECT r.id, (SELECT count(*) FROM (SELECT 1 FROM cards WHERE id >= r.id * {1 << POSITION_BITS}"
    f" AND id < (r.id + 1) * {1 << POSITION_BITS} LIMIT {MOST_COUNTED + 1}) AS counted)"
    f" FROM (SELECT CAST(id AS BIGINT) AS id FROM runs ORDER BY id DESC LIMIT {MOST_RUNS}) AS r ORDER BY r.id DESC"
)


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a field, and how many cards have it; `is_more` says at least."""

    value: str
    count: int
    is_more: bool


def count_facets(engine: Engine) -> dict[str, list[Facet]]:
    """Return the values of each field of a filter, those of most cards first; up to ten seconds old."""

    def count() -> dict[str, list[Facet]]:
        with explained(engine), engine.connect() as db:
            facets = {name: count_values(db, *place) for name, place in TABLES.items()}
            facets["run"] = [make_facet(str(run), found) for run, found in db.execute(RUNS) if found]
            facets |= {name: count_kind(db, condition) for name, (condition, _) in KINDS.items()}
        return facets

    return remember(engine, "facets", REMEMBERED_S, count)


def count_values(db: Connection, table: str, column: str) -> list[Facet]:
    """Return the values of a column by its index: it leaps from one to the next, and counts each up to a bound."""
    query = (
        f"WITH RECURSIVE v(value) AS (SELECT min({column}) FROM {table} UNION ALL"
        f" SELECT (SELECT min({column}) FROM {table} WHERE {column} > v.value) FROM v WHERE v.value IS NOT NULL)"
        f" SELECT value, (SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {column} = v.value"
        f" LIMIT {MOST_COUNTED + 1}) AS counted) FROM v WHERE value IS NOT NULL LIMIT {MOST_VALUES}"
    )
    facets = [make_facet(value, found) for value, found in db.execute(text(query)) if value != ""]
    return sorted(facets, key=lambda facet: (-facet.count, facet.value))


def count_kind(db: Connection, condition: str) -> list[Facet]:
    """Return how many cards there are of which a condition holds."""
    query = f"SELECT count(*) FROM (SELECT 1 FROM cards WHERE {condition} LIMIT {MOST_COUNTED + 1}) AS counted"
    found: int = db.execute(text(query)).scalar_one()
    return [make_facet("yes", found)] if found else []


def make_facet(value: Any, found: int) -> Facet:
    """Return a value with its count, which goes up to a bound."""
    return Facet(str(value), min(found, MOST_COUNTED), found > MOST_COUNTED)
