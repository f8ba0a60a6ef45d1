"""Runs: started, held by a heartbeat lease, resumed by one at a time, and finished."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from uuid import uuid4

from sqlalchemy import Connection, Engine, func, text
from sqlmodel import Session, col, select

from store.db import explained
from store.errors import StoreError
from store.tables import DialogueRow, RunRow
from taxonomy.refusal import InputError

GENERATE = "generate"
"""The kind of a run that makes dialogues."""
INGEST = "ingest"
"""The kind of a run that brings a file in."""
DOES = {INGEST: "brought a file in; python -m store.ingest", "compare": "compares models; python -m graphs.compare"}
"""What a run that plays no sessions of its own does, and what goes on with it."""
LEASE_S = 30.0
"""Seconds without a heartbeat after which a run counts as dead."""
WINDOW = 1_000
"""Positions looked at together."""
BEAT = text("UPDATE runs SET heartbeat_at = :now WHERE id = :run_id AND owner = :owner")
CLAIM = text(
    "UPDATE runs SET owner = :owner, heartbeat_at = :now, status = 'running', ended_at = NULL"
    " WHERE id = :run_id AND status <> 'finished' AND (owner IS NULL OR heartbeat_at < :dead)"
)
SPENT = text(
    "SELECT count(*), sum(CASE WHEN currency = :currency THEN price END) FROM calls"
    " WHERE run_id = :run_id AND branch NOT LIKE 'judge/%'"
)
"""Who judges a dialogue later keeps the calls beside it, and has a budget of its own."""
END = text("UPDATE runs SET status = :status, owner = NULL, ended_at = :now WHERE id = :run_id AND owner = :owner")
GIVE_BACK = text(
    'UPDATE runs SET "count" = coalesce((SELECT max(position) + 1 FROM dialogues WHERE run_id = :run_id)'
    " - first_position, 0) WHERE id = :run_id AND owner = :owner"
)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What makes two runs work on one plan; `language` is empty where each seed brings its own."""

    recipe: str
    language: str
    plan_seed: int
    source: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run that this process holds."""

    id: int
    owner: str
    first_position: int
    count: int
    config: dict[str, Any]

    @property
    def positions(self) -> range:
        """The positions of the plan that belong to it."""
        return range(self.first_position, self.first_position + self.count)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that has not done all its sessions; where `fill` is set, `count` is what it may come to use."""

    id: int
    done: int
    count: int
    is_alive: bool
    recipe: str
    language: str
    source: str
    is_rehearsal: bool
    fill: int | None
    league: str | None
    """The league that it is part of."""


class Maker(TypedDict):
    """What a run keeps of the code and the models that make it."""

    versions: dict[str, str]
    prompts: dict[str, str]
    git_commit: str | None
    is_rehearsal: bool


def make_row(kind: str, line: PlanLine, positions: range, config: dict[str, Any], owner: str, maker: Maker) -> RunRow:
    """Return the row of a new run that is held by `owner`."""
    now = time.time()
    return RunRow(
        kind=kind,
        recipe=line.recipe,
        language=line.language,
        plan_seed=line.plan_seed,
        source=line.source,
        first_position=positions.start,
        count=len(positions),
        config=json.dumps(config, ensure_ascii=False, sort_keys=True),
        versions=json.dumps(maker["versions"]),
        prompts=json.dumps(maker["prompts"]),
        git_commit=maker["git_commit"],
        is_rehearsal=maker["is_rehearsal"],
        status="running",
        owner=owner,
        heartbeat_at=now,
        started_at=now,
    )


def start_run(
    engine: Engine,
    line: PlanLine,
    *,
    first_position: int,
    count: int,
    config: dict[str, Any],
    **maker: Unpack[Maker],
) -> Run:
    """Store a new run and hold it."""
    owner = uuid4().hex
    row = make_row(GENERATE, line, range(first_position, first_position + count), config, owner, maker)
    with explained(engine), Session(engine.execution_options(writes=True)) as db:
        db.add(row)
        db.commit()
        assert row.id is not None
        return Run(row.id, owner, first_position, count, config)


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """The settings that a run was started with, and its input."""

    config: dict[str, Any]
    source: str


def find_config_of(engine: Engine, run_id: int) -> StoredConfig:
    """Return a run's stored settings; raises InputError where there is no such run."""
    with explained(engine), Session(engine) as db:
        row = db.get(RunRow, run_id)
        if row is None:
            raise InputError(f"--resume {run_id}: there is no such run in this database")
        if row.kind != GENERATE:
            what = DOES.get(row.kind, "judges; python -m graphs.judge")
            raise InputError(f"--resume {run_id}: that run {what} goes on with it")
        return StoredConfig(json.loads(row.config), row.source)


def resume_run(engine: Engine, run_id: int) -> Run:
    """Take a dead or interrupted run over; raises StoreError where it lives or is finished."""
    owner, now = uuid4().hex, time.time()
    with explained(engine), engine.connect().execution_options(writes=True) as db, db.begin():
        # The claim comes first: of two at once, the second one waits here and then sees what the first one wrote.
        claimed = db.execute(CLAIM, {"owner": owner, "now": now, "run_id": run_id, "dead": now - LEASE_S}).rowcount
        found = db.execute(
            text('SELECT status, first_position, "count" AS sessions, config, heartbeat_at FROM runs WHERE id = :id'),
            {"id": run_id},
        ).one_or_none()
        if found is None:
            raise InputError(f"--resume {run_id}: there is no such run in this database")
        if found.status == "finished":
            raise InputError(f"--resume {run_id}: run {run_id} is finished; start a new one")
        if not claimed:
            age = max(now - found.heartbeat_at, 0.0)
            raise StoreError(
                f"run {run_id} is alive (last seen {age:.0f} s ago); stop it first, or wait {LEASE_S - age:.0f} s"
            )
    return Run(run_id, owner, found.first_position, found.sessions, json.loads(found.config))


def beat(db: Connection, run_id: int, owner: str) -> None:
    """Show that the run is alive; raises StoreError where another process has taken it over."""
    if db.execute(BEAT, {"now": time.time(), "run_id": run_id, "owner": owner}).rowcount == 0:
        raise StoreError(f"run {run_id} was taken over by another process; this one stops")


def end_run(engine: Engine, run: Run, status: str, *, gives_back: bool = False) -> None:
    """Let go of a run: finished, interrupted or refused; it may give back the positions behind its last session."""
    with explained(engine), engine.connect().execution_options(writes=True) as db, db.begin():
        if gives_back:
            db.execute(GIVE_BACK, {"run_id": run.id, "owner": run.owner})
        db.execute(END, {"status": status, "now": time.time(), "run_id": run.id, "owner": run.owner})


def list_unfinished(engine: Engine) -> list[Unfinished]:
    """Return the runs that can be resumed, newest first."""
    done = select(func.count()).where(DialogueRow.run_id == RunRow.id).scalar_subquery()
    query = (
        select(RunRow, done).where(RunRow.status != "finished", RunRow.kind == GENERATE).order_by(col(RunRow.id).desc())
    )
    alive_since = time.time() - LEASE_S
    with explained(engine), Session(engine) as db:
        return [
            Unfinished(
                id=row.id or 0,
                done=stored,
                count=row.count,
                is_alive=row.owner is not None and row.heartbeat_at >= alive_since,
                recipe=row.recipe,
                language=row.language,
                source=row.source,
                is_rehearsal=row.is_rehearsal,
                fill=(config := json.loads(row.config)).get("fill"),
                league=config["league"]["name"] if "league" in config else None,
            )
            for row, stored in db.exec(query)
        ]


def done_positions(engine: Engine, run_id: int) -> set[int]:
    """Return the positions of a run whose sessions are stored."""
    with explained(engine), Session(engine) as db:
        return set(db.exec(select(DialogueRow.position).where(DialogueRow.run_id == run_id)))


def left_positions(engine: Engine, run: Run) -> Iterator[int]:
    """Yield the positions of a run whose sessions are not stored, looking at a window of them at a time."""
    for first in range(run.first_position, run.positions.stop, WINDOW):
        window = range(first, min(first + WINDOW, run.positions.stop))
        position = col(DialogueRow.position)
        query = select(position).where(DialogueRow.run_id == run.id, position.between(window[0], window[-1]))
        with explained(engine), Session(engine) as db:
            stored = set(db.exec(query))
        yield from (left for left in window if left not in stored)


def count_done(engine: Engine, run_id: int) -> int:
    """Return how many sessions of a run are stored."""
    with explained(engine), Session(engine) as db:
        return db.exec(select(func.count()).where(DialogueRow.run_id == run_id)).one()


def next_position(engine: Engine, line: PlanLine) -> int:
    """Return where a plan goes on in this database."""
    with explained(engine), Session(engine) as db:
        ends = db.exec(
            select(RunRow.first_position + RunRow.count).where(
                RunRow.recipe == line.recipe,
                RunRow.language == line.language,
                RunRow.plan_seed == line.plan_seed,
                RunRow.source == line.source,
            )
        ).all()
    return max(ends, default=0)


def count_failed(engine: Engine, run_id: int) -> int:
    """Return how many sessions of a run failed."""
    query = select(func.count()).where(DialogueRow.run_id == run_id, DialogueRow.outcome == "failed")
    with explained(engine), Session(engine) as db:
        return db.exec(query).one()


def sum_spent(engine: Engine, run_id: int, currency: str) -> tuple[int, float]:
    """Return the answered calls of a run and what they cost in a currency."""
    with explained(engine), engine.connect() as db:
        calls, cost = db.execute(SPENT, {"run_id": run_id, "currency": currency}).one()
    return calls, cost or 0.0
