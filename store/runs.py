"""Runs: started, held by a heartbeat lease, resumed by one at a time, and finished."""

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, text
from sqlmodel import Session, col, select

from store.errors import StoreError
from store.tables import DialogueRow, RunRow
from taxonomy.refusal import InputError

LEASE_S = 30.0
"""Seconds without a heartbeat after which a run counts as dead."""
BEAT = text("UPDATE runs SET heartbeat_at = :now WHERE id = :run_id AND owner = :owner")
CLAIM = text(
    "UPDATE runs SET owner = :owner, heartbeat_at = :now, status = 'running', ended_at = NULL"
    " WHERE id = :run_id AND (owner IS NULL OR heartbeat_at < :dead)"
)
END = text("UPDATE runs SET status = :status, owner = NULL, ended_at = :now WHERE id = :run_id AND owner = :owner")


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
    """A run that has not done all its sessions."""

    id: int
    done: int
    count: int
    is_alive: bool


def start_run(
    engine: Engine,
    line: PlanLine,
    *,
    first_position: int,
    count: int,
    config: dict[str, Any],
    versions: dict[str, str],
    prompts: dict[str, str],
    git_commit: str | None,
    is_rehearsal: bool,
) -> Run:
    """Store a new run and hold it."""
    now, owner = time.time(), uuid4().hex
    row = RunRow(
        recipe=line.recipe,
        language=line.language,
        plan_seed=line.plan_seed,
        source=line.source,
        first_position=first_position,
        count=count,
        config=json.dumps(config, ensure_ascii=False),
        versions=json.dumps(versions),
        prompts=json.dumps(prompts),
        git_commit=git_commit,
        is_rehearsal=is_rehearsal,
        status="running",
        owner=owner,
        heartbeat_at=now,
        started_at=now,
    )
    with Session(engine.execution_options(writes=True)) as db:
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
    with Session(engine) as db:
        row = db.get(RunRow, run_id)
        if row is None:
            raise InputError(f"--resume {run_id}: there is no such run in this database")
        return StoredConfig(json.loads(row.config), row.source)


def resume_run(engine: Engine, run_id: int) -> Run:
    """Take a dead or interrupted run over; raises StoreError where it lives or is finished."""
    owner, now = uuid4().hex, time.time()
    with engine.connect().execution_options(writes=True) as db, db.begin():
        found = db.execute(
            text('SELECT status, first_position, "count" AS sessions, config, heartbeat_at FROM runs WHERE id = :id'),
            {"id": run_id},
        ).one_or_none()
        if found is None:
            raise InputError(f"--resume {run_id}: there is no such run in this database")
        if found.status == "finished":
            raise InputError(f"--resume {run_id}: run {run_id} is finished; start a new one")
        claim = {"owner": owner, "now": now, "run_id": run_id, "dead": now - LEASE_S}
        if db.execute(CLAIM, claim).rowcount == 0:
            age = now - found.heartbeat_at
            raise StoreError(
                f"run {run_id} is alive (last seen {age:.0f} s ago); stop it first, or wait {LEASE_S - age:.0f} s"
            )
    return Run(run_id, owner, found.first_position, found.sessions, json.loads(found.config))


def beat(db: Connection, run_id: int, owner: str) -> None:
    """Show that the run is alive; raises StoreError where another process has taken it over."""
    if db.execute(BEAT, {"now": time.time(), "run_id": run_id, "owner": owner}).rowcount == 0:
        raise StoreError(f"run {run_id} was taken over by another process; this one stops")


def end_run(engine: Engine, run: Run, status: str) -> None:
    """Let go of a run: finished, interrupted or refused."""
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(END, {"status": status, "now": time.time(), "run_id": run.id, "owner": run.owner})


def list_unfinished(engine: Engine) -> list[Unfinished]:
    """Return the runs that can be resumed, newest first."""
    with Session(engine) as db:
        rows = db.exec(select(RunRow).where(RunRow.status != "finished").order_by(col(RunRow.id).desc())).all()
        return [
            Unfinished(
                row.id or 0,
                len(done_positions(engine, row.id or 0)),
                row.count,
                row.owner is not None and row.heartbeat_at >= time.time() - LEASE_S,
            )
            for row in rows
        ]


def done_positions(engine: Engine, run_id: int) -> set[int]:
    """Return the positions of a run whose sessions are stored."""
    with Session(engine) as db:
        return set(db.exec(select(DialogueRow.position).where(DialogueRow.run_id == run_id)))


def next_position(engine: Engine, line: PlanLine) -> int:
    """Return where a plan goes on in this database."""
    with Session(engine) as db:
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
    with Session(engine) as db:
        query = select(DialogueRow.id).where(DialogueRow.run_id == run_id, DialogueRow.outcome == "failed")
        return len(db.exec(query).all())
