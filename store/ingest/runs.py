"""The run of an ingest: one for a file, held while it is read, taken up again by the same command."""

import json
import time
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from store.db import explained
from store.errors import StoreError
from store.runs import INGEST, LEASE_S, Maker, PlanLine, Run, make_row
from store.tables import RunRow

END = text(
    "UPDATE runs SET status = :status, owner = NULL, ended_at = :now, config = :config"
    " WHERE id = :run_id AND owner = :owner"
)
REMOVE_EMPTY = text(
    "DELETE FROM runs WHERE id = :run_id AND NOT EXISTS (SELECT 1 FROM seeds WHERE run_id = :run_id)"
    " AND NOT EXISTS (SELECT 1 FROM dialogues WHERE run_id = :run_id)"
)


def hold_run(engine: Engine, source: str, language: str | None, config: dict[str, Any], maker: Maker) -> Run:
    """Hold the run of a file, the earlier one where the same file was brought in the same way before.

    Raises StoreError where that one is alive.
    """
    now, owner = time.time(), uuid4().hex
    line = PlanLine(INGEST, language or "", 0, source)
    with explained(engine), Session(engine.execution_options(writes=True)) as db:
        query = select(RunRow).where(RunRow.kind == INGEST, RunRow.source == source).order_by(col(RunRow.id).desc())
        same = (row for row in db.exec(query).all() if {**json.loads(row.config), "counts": None} == config)
        row = next(same, None) or make_row(INGEST, line, range(0), config, owner, maker)
        age = now - row.heartbeat_at
        if row.id is not None and row.status == "running" and row.owner is not None and age < LEASE_S:
            told = f"run {row.id} is bringing this file in (last seen {age:.0f} s ago)"
            raise StoreError(f"{told}; let it end, or wait {LEASE_S - age:.0f} s")
        row.owner, row.heartbeat_at, row.status, row.ended_at = owner, now, "running", None
        db.add(row)
        db.commit()
        assert row.id is not None
        return Run(row.id, owner, 0, row.count, json.loads(row.config))


def end_ingest(engine: Engine, run: Run, status: str, counts: dict[str, Any] | None) -> None:
    """Let go of a run with what came of it; one that has brought nothing in leaves no trace."""
    before = run.config["counts"]
    # Of a file that was brought in before, nothing is new: what came of it then is what there is to know.
    config = run.config | {"counts": before if before and counts and not counts["in"] else counts}
    values = {
        "status": status,
        "now": time.time(),
        "run_id": run.id,
        "owner": run.owner,
        "config": json.dumps(config, ensure_ascii=False, sort_keys=True),
    }
    with explained(engine), engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(END, values)
        if status == "finished":
            db.execute(REMOVE_EMPTY, {"run_id": run.id})
