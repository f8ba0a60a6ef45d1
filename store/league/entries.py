"""Finds leagues: runs whose stored settings name the same league, one for each recipe that has begun."""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Engine, bindparam, text
from sqlmodel import Session, col, select

from store.db import explained
from store.runs import GENERATE, LEASE_S
from store.tables import RunRow
from taxonomy.refusal import InputError, suggest

KEY = "league"
"""Where a run's settings hold what league it is part of."""
SPENT = text(
    "SELECT count(*), sum(CASE WHEN currency = :currency THEN price END) FROM calls WHERE run_id IN :runs"
).bindparams(bindparam("runs", expanding=True))


@dataclass(frozen=True, slots=True)
class Entry:
    """A recipe's run in a league."""

    run: int
    recipe: str
    status: str
    is_alive: bool
    is_rehearsal: bool


class Unusable(NamedTuple):
    """The rows of a file that a recipe cannot use: how many, and the reason that the first one gave."""

    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class League:
    """A league: its recipes in order, the positions of the plan they all play, the rubrics, and the runs begun so far.

    `config` holds the settings that the runs share; `skipped` what each recipe cannot use, where there is any.
    """

    name: str
    recipes: tuple[str, ...]
    rubrics: tuple[str, ...]
    first_position: int
    count: int
    source: str
    skipped: Mapping[str, Unusable]
    config: Mapping[str, Any]
    entries: Mapping[str, Entry]

    @property
    def runs(self) -> list[int]:
        """The runs begun so far, in the order of the recipes."""
        return [self.entries[recipe].run for recipe in self.recipes if recipe in self.entries]

    @property
    def is_played(self) -> bool:
        """Whether every recipe has done all its sessions."""
        return all(name in self.entries and self.entries[name].status == "finished" for name in self.recipes)

    def mark(self) -> dict[str, Any]:
        """Return what each run's settings hold of the league."""
        return {
            "name": self.name,
            "recipes": list(self.recipes),
            "rubrics": list(self.rubrics),
            "first_position": self.first_position,
            "count": self.count,
            "source": self.source,
            "skipped": {recipe: list(rows) for recipe, rows in self.skipped.items()},
        }


def list_leagues(engine: Engine) -> list[League]:
    """Return the leagues of a database, the newest first."""
    query = (
        select(RunRow)
        .where(RunRow.kind == GENERATE, col(RunRow.config).contains(f'"{KEY}": {{'))
        .order_by(col(RunRow.id))
    )
    alive_since = time.time() - LEASE_S
    marks: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    entries: dict[str, dict[str, Entry]] = {}
    with explained(engine), Session(engine) as db:
        for row in db.exec(query):
            config = json.loads(row.config)
            mark = config.pop(KEY)
            is_alive = row.owner is not None and row.heartbeat_at >= alive_since
            marks.setdefault(mark["name"], (mark, config))
            entry = Entry(row.id or 0, row.recipe, row.status, is_alive, row.is_rehearsal)
            entries.setdefault(mark["name"], {})[row.recipe] = entry
    return [
        League(
            name=name,
            recipes=tuple(mark["recipes"]),
            rubrics=tuple(mark["rubrics"]),
            first_position=mark["first_position"],
            count=mark["count"],
            source=mark["source"],
            skipped={recipe: Unusable(*rows) for recipe, rows in mark["skipped"].items()},
            config=config,
            entries=entries[name],
        )
        for name, (mark, config) in reversed(marks.items())
    ]


def find_league(engine: Engine, name: str) -> League:
    """Return the league of this name, the newest where it is empty; raises InputError where there is none."""
    leagues = list_leagues(engine)
    if not leagues:
        raise InputError("there is no league in this database; --recipes and --seeds start one")
    known = {league.name: league for league in leagues}
    if name and name not in known:
        raise InputError(f"there is no league {name!r}{suggest(name, known)}; choose one of {', '.join(known)}")
    return known[name] if name else leagues[0]


def sum_calls(engine: Engine, runs: Collection[int], currency: str) -> tuple[int, float]:
    """Return the answered calls of some runs, those that judged their dialogues among them, and what they cost."""
    if not runs:
        return 0, 0.0
    with explained(engine), engine.connect() as db:
        calls, cost = db.execute(SPENT, {"runs": list(runs), "currency": currency}).one()
    return calls, cost or 0.0
