"""Sets two talks on the same seed side by side, by different recipes or models, for a person to prefer one."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, Engine, text

from store.db import explained
from store.filters import Filter
from store.matching import Part, list_bounds, list_parts

MOST_SEEDS = 1_000
"""Seeds that are looked at for one pair."""
MOST_EACH = 50
"""Talks on one seed by one recipe and model that are paired."""
LAST = text(
    "SELECT d.seed_id FROM reviews r JOIN dialogues d ON d.id = r.dialogue_id WHERE r.reviewer = :reviewer"
    " AND r.verdict = 'prefer' ORDER BY r.id DESC LIMIT 1"
)
SEEDS = text(
    "SELECT seed_id FROM (SELECT seed_id, CASE WHEN seed_id >= :start THEN 0 ELSE 1 END AS later FROM rival_seeds)"
    " AS s ORDER BY later, seed_id LIMIT :most"
)
COMPARED = text(
    "SELECT r.dialogue_id, r.other_id FROM reviews r WHERE r.reviewer = :reviewer AND r.verdict = 'prefer'"
    " AND NOT EXISTS (SELECT 1 FROM reviews u WHERE u.dialogue_id = r.dialogue_id AND u.undoes = r.id)"
)
MAKERS = text("SELECT DISTINCT recipe, model FROM cards WHERE seed_id = :seed AND outcome = 'done' ORDER BY 1, 2")

Maker = tuple[str, str]
"""A recipe and the model of its counselor."""


def next_pair(engine: Engine, reviewer: str, asked: Filter | None = None) -> tuple[str, str] | None:
    """Return two dialogues for a reviewer who has not said which is better, or None where none are left.

    Both match the filter. The first talk of one recipe or model on a seed stands beside the first of the other, and so
    on. Which is on the left says nothing about who made it. At most 1,000 seeds are looked at, from the one that the
    reviewer last compared.
    """
    asked = asked or Filter()
    parts = list_parts(asked, engine.dialect.name, reviewer)
    values = {name: value for part in parts for name, value in part.values.items()}
    first, last = list_bounds(asked)
    with explained(engine), engine.connect() as db:
        compared = {frozenset(row) for row in db.execute(COMPARED, {"reviewer": reviewer})}
        start = db.execute(LAST, {"reviewer": reviewer}).scalar()
        seeds = db.execute(SEEDS, {"start": start or 0, "most": MOST_SEEDS}).scalars().all()
        for seed in seeds:
            for pair in pair_talks(db, parts, values | {"seed": seed, "first": first, "last": last}):
                if frozenset(pair) not in compared:
                    return turn(pair, reviewer)
    return None


def pair_talks(db: Connection, parts: Sequence[Part], values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a seed: of each two makers the talks in their order."""
    wanted = ["c.seed_id = :seed", "c.outcome = 'done'", "c.exchanges > 0", "c.recipe = :maker", "c.model = :by"]
    wanted += ["c.id >= :first", "c.id <= :last", *(part.where for part in parts)]
    query = f"SELECT c.dialogue_id FROM cards AS c WHERE {' AND '.join(wanted)} ORDER BY c.id LIMIT {MOST_EACH}"
    makers: list[Maker] = [(recipe, model) for recipe, model in db.execute(MAKERS, {"seed": values["seed"]})]
    talks = {
        maker: db.execute(text(query), values | {"maker": maker[0], "by": maker[1]}).scalars().all() for maker in makers
    }
    for one, other in combinations(makers, 2):
        yield from zip(talks[one], talks[other], strict=False)


def turn(pair: tuple[str, str], reviewer: str) -> tuple[str, str]:
    """Return a pair in an order drawn for a reviewer."""
    one, other = sorted(pair)
    drawn = blake2b(f"{reviewer}/{one}/{other}".encode(), digest_size=1).digest()[0]
    return (one, other) if drawn % 2 else (other, one)
