"""Requests to run a dialogue again from a line on: which are open, what they go on from, and what is taken over."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack
from uuid import uuid4

from sqlalchemy import Connection, Engine, bindparam, text
from sqlmodel import Session

from store.db import explained, persist
from store.errors import StoreError
from store.rows import INSERT_STALE, insert
from store.runs import GENERATE, Maker, PlanLine, Run, make_row
from store.tables import CallRow, DialogueRow, RunRow

KEY = "requests"
"""Where the settings of a run name the requests that it carries out."""
NO_ANSWER = "request"
"""The error kind of a dialogue that says why its request cannot be carried out; no other try is made."""
JUDGING = "judge/%"
"""Branches of calls that judged a session after it had ended."""
ASKED = text(
    "SELECT r.id, r.dialogue_id, r.number, d.run_id, d.position, u.kind FROM reviews r"
    " JOIN dialogues d ON d.id = r.dialogue_id JOIN runs u ON u.id = d.run_id WHERE r.verdict = 'again' AND NOT EXISTS"
    " (SELECT 1 FROM reviews b WHERE b.dialogue_id = r.dialogue_id AND b.verdict = 'undo' AND b.undoes = r.id)"
    " ORDER BY r.id"
)
CARRIED_OUT = text(
    "SELECT request_id FROM dialogues WHERE request_id IS NOT NULL AND (outcome <> 'failed' OR error_kind = :no_answer)"
)
UNFINISHED = text("SELECT id, config FROM runs WHERE kind = :kind AND status <> 'finished' AND config LIKE :named")
LOCK = text("SELECT id FROM reviews WHERE id IN :ids ORDER BY id FOR UPDATE").bindparams(
    bindparam("ids", expanding=True)
)
READ = text(
    "SELECT r.id, r.number, d.id AS dialogue_id, d.run_id, d.position, d.risk_tier FROM reviews r"
    " JOIN dialogues d ON d.id = r.dialogue_id WHERE r.id = :id"
)
LINES = text("SELECT speaker, call_number FROM utterances WHERE dialogue_id = :id ORDER BY number")
CALLS = text(
    "SELECT number, agent FROM calls WHERE run_id = :run_id AND position = :position AND branch NOT LIKE :judging"
    " ORDER BY number"
)
INPUTS = text("SELECT position, parent_id FROM dialogues WHERE run_id = :run_id AND parent_id IS NOT NULL")
NEWEST = text("SELECT coalesce(max(id), 0) FROM runs")
PARENT = text("SELECT parent_id FROM dialogues WHERE id = :id AND request_id IS NOT NULL")
FREE = {"prompt_tokens": "0", "cached_tokens": "0", "completion_tokens": "0", "reasoning_tokens": "0"} | {
    "latency_ms": "0",
    "price": "CASE WHEN price IS NOT NULL THEN 0 END",
}
"""What a call that was taken over took: nothing, for it was paid where it was made."""
TAKEN_OVER = text(
    "SELECT count(*) FROM calls WHERE run_id = :run_id AND latency_ms = 0 AND prompt_tokens = 0"
    " AND completion_tokens = 0"
)


def copy_calls() -> str:
    """Return the statement that takes calls over from one session into another; a second time it changes nothing."""
    names = [column.name for column in CallRow.__table__.columns]  # type: ignore[attr-defined]
    given = {"run_id": "CAST(:run_id AS INTEGER)", "position": "CAST(:position AS INTEGER)"} | FREE
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(given.get(name, f'"{name}"') for name in names)
    return (
        f"INSERT INTO calls ({columns}) SELECT {values} FROM calls WHERE run_id = :old_run AND position = :old_position"
        " AND number IN :numbers ON CONFLICT DO NOTHING"
    )


INSERT_DIALOGUE = insert(DialogueRow)
COPY = text(copy_calls()).bindparams(bindparam("numbers", expanding=True))


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the log that asks for a dialogue to be run again from utterance `number` on; None is from the start.

    `held_by` is the unfinished run that is to carry it out; `is_played` tells a dialogue of our own from others.
    """

    id: int
    dialogue_id: str
    number: int | None
    run_id: int
    position: int
    is_played: bool
    held_by: int | None


@dataclass(frozen=True, slots=True)
class Origin:
    """A dialogue as whoever goes on from it needs it: its lines as (speaker, call), its calls as (number, agent)."""

    id: str
    run_id: int
    position: int
    number: int | None
    risk_tier: str
    lines: Sequence[tuple[str, int | None]]
    calls: Sequence[tuple[int, str]]


def list_open(engine: Engine) -> list[Asked]:
    """Return the requests that nobody has taken back and no dialogue answers yet, oldest first."""
    with explained(engine), engine.connect() as db:
        return read_open(db)


def read_open(db: Connection) -> list[Asked]:
    """Return the open requests within a transaction."""
    done = set(db.execute(CARRIED_OUT, {"no_answer": NO_ANSWER}).scalars())
    unfinished = db.execute(UNFINISHED, {"kind": GENERATE, "named": f'%"{KEY}"%'})
    held = {line: run for run, config in unfinished for line in json.loads(config).get(KEY, {}).get("lines", ())}
    return [
        Asked(row.id, row.dialogue_id, row.number, row.run_id, row.position, row.kind == GENERATE, held.get(row.id))
        for row in db.execute(ASKED)
        if row.id not in done
    ]


def read_origin(engine: Engine, request_id: int) -> Origin:
    """Return what a request goes on from."""
    with explained(engine), engine.connect() as db:
        row = db.execute(READ, {"id": request_id}).one()
        place = {"run_id": row.run_id, "position": row.position, "judging": JUDGING}
        return Origin(
            row.dialogue_id,
            row.run_id,
            row.position,
            row.number,
            row.risk_tier,
            [(speaker, call) for speaker, call in db.execute(LINES, {"id": row.dialogue_id})],
            [(number, agent) for number, agent in db.execute(CALLS, place)],
        )


def list_taken_inputs(engine: Engine, run_id: int) -> dict[int, str]:
    """Return what was the input of each session of a run, where that was stored here itself."""
    with explained(engine), engine.connect() as db:
        return {row.position: row.parent_id for row in db.execute(INPUTS, {"run_id": run_id})}


def find_newest_run(engine: Engine) -> int:
    """Return the number of the newest run, 0 where there is none."""
    with explained(engine), engine.connect() as db:
        newest: int = db.execute(NEWEST).scalar_one()
        return newest


def hold_requests(
    engine: Engine, line: PlanLine, lines: Sequence[int], config: dict[str, Any], **maker: Unpack[Maker]
) -> Run:
    """Store a run that is to carry these requests out, and hold it; raises StoreError where another one has them."""
    owner = uuid4().hex

    def save() -> Run:
        row = make_row(GENERATE, line, range(len(lines)), config, owner, maker)
        with Session(engine.execution_options(writes=True)) as db:
            connection = lock_requests(db, lines)
            free = {asked.id for asked in read_open(connection) if asked.held_by is None}
            if gone := sorted(set(lines) - free):
                named = ", ".join(map(str, gone))
                raise StoreError(f"request {named}: undone, or taken up by another run just now; ask again")
            db.add(row)
            db.commit()
            assert row.id is not None
            return Run(row.id, owner, 0, len(lines), config)

    with explained(engine):
        return persist(save)


def close_request(engine: Engine, asked: Asked, reason: str, **maker: Unpack[Maker]) -> None:
    """Store a failed dialogue with the reason why a request cannot be carried out, in a run that is finished at once.

    One that was taken back or taken up meanwhile is left alone.
    """

    def save() -> None:
        with Session(engine.execution_options(writes=True)) as db:
            connection = lock_requests(db, [asked.id])
            if asked.id not in {one.id for one in read_open(connection) if one.held_by is None}:
                return
            of, old = db.get_one(RunRow, asked.run_id), db.get_one(DialogueRow, asked.dialogue_id)
            line = PlanLine(of.recipe, of.language, of.plan_seed, f"requests on run {of.id}")
            row = make_row(GENERATE, line, range(1), {KEY: {"run": of.id, "lines": [asked.id]}}, "", maker)
            row.status, row.owner, row.ended_at = "finished", None, row.started_at
            row.is_rehearsal = of.is_rehearsal
            db.add(row)
            db.flush()
            assert row.id is not None
            connection.execute(INSERT_DIALOGUE, refused_values(old, row.id, asked.id, reason))
            connection.execute(INSERT_STALE, {"dialogue_id": f"{row.id}/0"})
            db.commit()

    with explained(engine):
        persist(save)


def lock_requests(db: Session, lines: Sequence[int]) -> Connection:
    """Return the connection of a transaction that writes; on PostgreSQL a second one waits, then sees the first's."""
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(LOCK, {"ids": list(lines)})
    return connection


def refused_values(old: DialogueRow, run_id: int, request_id: int, reason: str) -> dict[str, Any]:
    """Return the row of a dialogue that could not be played: its parent's, without anything that was said."""
    return old.model_dump() | {
        "id": f"{run_id}/0",
        "run_id": run_id,
        "position": 0,
        "parent_id": old.id,
        "request_id": request_id,
        "outcome": "failed",
        "error_kind": NO_ANSWER,
        "reason": reason,
        "end_reason": None,
        "is_edited": False,
        "people": None,
        "exchanges": 0,
        "checks": None,
        "created_at": time.time(),
    }


def take_over(db: Connection, origin: tuple[int, int], numbers: Sequence[int], session: tuple[int, int]) -> None:
    """Copy calls of the session (run, position) that another one goes on from; those that are there stay."""
    if numbers:
        old: Mapping[str, int] = {"old_run": origin[0], "old_position": origin[1]}
        db.execute(COPY, {**old, "run_id": session[0], "position": session[1], "numbers": list(numbers)})


def count_taken_over(engine: Engine, run_id: int) -> int:
    """Return how many calls of a run were taken over from other sessions."""
    with explained(engine), engine.connect() as db:
        count: int = db.execute(TAKEN_OVER, {"run_id": run_id}).scalar_one()
        return count


def find_root(db: Connection, dialogue_id: str) -> str:
    """Return the dialogue that another one goes back to by requests alone; its own id where nobody asked for it."""
    while (parent := db.execute(PARENT, {"id": dialogue_id}).scalar_one_or_none()) is not None:
        dialogue_id = parent
    return dialogue_id
