"""Jobs: recorded, held by one process at a time, and ended with a reason."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from sqlalchemy import Engine, or_, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from store.db import explained, persist
from store.errors import StoreError
from store.job_tables import DatabaseRow, JobRow
from taxonomy.refusal import InputError

State = Literal["starting", "running", "done", "failed", "interrupted", "cancelled", "dead"]
LIVING = ("starting", "running")
CANCEL = "cancel"
MOST_JOBS = 2**31
"""No job's number reaches it: a larger one is an error of the database's driver."""
NO_SHARDS = "."
"""The folder of the export of a triggered job until it is made."""
LEASE_S = 30.0
"""Seconds without a heartbeat after which a job of another machine counts as dead."""
BEAT = text(
    "UPDATE jobs SET heartbeat_at = :now, state = CASE WHEN state = 'dead' THEN 'running' ELSE state END,"
    " reason = NULL, ended_at = NULL WHERE id = :id AND owner = :owner AND state IN ('starting', 'running', 'dead')"
)
START = text(
    "UPDATE jobs SET state = 'running', trainer_pid = :pid, trainer_started = :started, command = :command,"
    " started_at = :now, heartbeat_at = :now"
    " WHERE id = :id AND owner = :owner AND wish IS NULL AND state IN ('starting', 'running')"
)
END = (
    "UPDATE jobs SET state = CASE WHEN wish = 'cancel' AND :state <> 'done' THEN 'cancelled' ELSE :state END,"
    " reason = CASE WHEN wish = 'cancel' AND :state <> 'done' THEN NULL ELSE :reason END,"
    " wish = NULL, ended_at = :now, eta_s = NULL,"
    " spent_s = spent_s + CASE WHEN started_at IS NULL THEN 0 ELSE :now - started_at END"
    " WHERE id = :id AND owner = :owner AND state IN ('starting', 'running')"
)
CLAIM = text(
    "UPDATE jobs SET state = 'starting', reason = NULL, wish = NULL, owner = :owner, host = :host, boot = :boot,"
    " token = :token, follower_pid = :pid, follower_started = :started, trainer_pid = NULL, trainer_started = NULL,"
    " launches = launches + 1, heartbeat_at = :now, started_at = NULL, ended_at = NULL"
    " WHERE id = :id AND state NOT IN ('starting', 'running', 'done')"
)
HAND_OVER = text(
    "UPDATE jobs SET state = 'starting', follower_pid = :pid, follower_started = :started, heartbeat_at = :now"
    " WHERE id = :id AND owner = :owner AND trainer_pid IS NULL AND state IN ('starting', 'running')"
)


class TakenOver(StoreError):
    """A job is held by another process."""


class Process(NamedTuple):
    """A process of a machine; `started` is in ticks since its boot."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a job: a secret of its own, where it runs, and what its trainer's processes are known by."""

    owner: str
    host: str
    boot: str
    token: str
    process: Process


def read_name(engine: Engine) -> str:
    """Return the name of this database, drawn when it is first asked for."""

    def draw() -> str:
        with Session(engine.execution_options(writes=True)) as db:
            row = db.get(DatabaseRow, 1)
            if row is None:
                row = DatabaseRow(number=1, name=uuid4().hex)
                db.add(row)
                db.commit()
                db.refresh(row)
            return row.name

    with explained(engine):
        try:
            return persist(draw)
        except IntegrityError:
            # Another process has drawn it at the same moment.
            return persist(draw)


def add_job(engine: Engine, row: JobRow) -> JobRow | None:
    """Store a new job and return it; None where another job was triggered after the same one."""

    def add() -> JobRow:
        with Session(engine.execution_options(writes=True), expire_on_commit=False) as db:
            kept = JobRow(**row.model_dump())
            db.add(kept)
            db.commit()
            return kept

    with explained(engine):
        try:
            return persist(add)
        except IntegrityError:
            if row.trigger_mix is None:
                raise
            return None


def describe_job(engine: Engine, id: int, owner: str, **columns: Any) -> None:
    """Write down what is learnt of a job after it was recorded."""
    settings = ", ".join(f"{name} = :{name}" for name in columns)
    change(engine, f"UPDATE jobs SET {settings} WHERE id = :id AND owner = :owner", id=id, owner=owner, **columns)


def find_job(engine: Engine, id: int) -> JobRow:
    """Return a job; raises InputError where there is none."""
    with explained(engine), Session(engine, expire_on_commit=False) as db:
        row = db.get(JobRow, id) if 0 < id < MOST_JOBS else None
    if row is None:
        raise InputError(f"there is no job {id} in this database; python -m train.jobs list shows them")
    return row


def list_jobs(engine: Engine) -> list[JobRow]:
    """Return all jobs, newest first."""
    with explained(engine), Session(engine, expire_on_commit=False) as db:
        return list(db.exec(select(JobRow).order_by(col(JobRow.id).desc())))


def find_triggered(engine: Engine, mix: str, *, counts: bool = False) -> JobRow | None:
    """Return the last job that was triggered for a mix; with `counts`, the last that has used up its dialogues.

    A job that never got shards has not, unless a person cancelled it.
    """
    query = select(JobRow).where(JobRow.trigger_mix == mix).order_by(col(JobRow.id).desc()).limit(1)
    if counts:
        query = query.where(or_(col(JobRow.shards) != NO_SHARDS, col(JobRow.state) == "cancelled"))
    with explained(engine), Session(engine, expire_on_commit=False) as db:
        return db.exec(query).first()


def claim_job(engine: Engine, id: int, holder: Holder, now: float) -> bool:
    """Take over a job that has ended before it was done; of two at once one is let in."""
    told = asdict(holder) | holder.process._asdict()
    told.pop("process")
    return change(engine, CLAIM, id=id, now=now, **told) == 1


def hand_over(engine: Engine, id: int, owner: str, process: Process) -> None:
    """Say that another process holds a job that is starting; raises StoreError where somebody else does."""
    if not change(engine, HAND_OVER, id=id, owner=owner, now=time.time(), **process._asdict()):
        raise StoreError(f"job {id} is not to be started by this process; python -m train.jobs show {id} tells more")


def start_training(engine: Engine, id: int, owner: str, process: Process, command: str) -> bool:
    """Say which process trains; returns whether it may go on, for the job may have ended meanwhile."""
    return change(engine, START, id=id, owner=owner, now=time.time(), command=command, **process._asdict()) == 1


def beat(engine: Engine, id: int, owner: str) -> str | None:
    """Show that a job lives, and return what somebody wishes of it; raises StoreError where another one holds it."""

    def act() -> str | None:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            if not db.execute(BEAT, {"id": id, "owner": owner, "now": time.time()}).rowcount:
                raise TakenOver(f"job {id} was taken over by another process; this one stops")
            wish: str | None = db.execute(text("SELECT wish FROM jobs WHERE id = :id"), {"id": id}).scalar()
            return wish

    with explained(engine):
        return persist(act)


def wish_cancel(engine: Engine, id: int) -> bool:
    """Ask for the end of a job; returns whether it was living."""
    wish = "UPDATE jobs SET wish = 'cancel' WHERE id = :id AND state IN ('starting', 'running')"
    return change(engine, wish, id=id) == 1


def end_job(engine: Engine, job: JobRow, state: State, reason: str | None, *, unless_beaten: bool = False) -> bool:
    """End a job that lives and that nobody else has taken over since `job` was read; returns whether this ended it.

    A job whose end was wished for is cancelled, unless it was done first. With `unless_beaten` it is left alone where
    its holder has shown itself since.
    """
    told: dict[str, Any] = {"id": job.id, "owner": job.owner, "state": state, "reason": reason, "now": time.time()}
    statement = END
    if unless_beaten:
        statement += " AND heartbeat_at = :seen"
        told["seen"] = job.heartbeat_at
    return change(engine, statement, **told) == 1


def change(engine: Engine, statement: Any, **told: Any) -> int:
    """Run one statement in a transaction of its own; returns how many rows it changed."""
    asked = text(statement) if isinstance(statement, str) else statement

    def act() -> int:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            return db.execute(asked, told).rowcount

    with explained(engine):
        return persist(act)
