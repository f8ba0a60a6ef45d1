"""Judging runs: one at a time in a database, kept like any other run, and taken up again on the same work."""

import time
from typing import Any, Unpack
from uuid import uuid4

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.db import explained
from store.errors import StoreError
from store.runs import LEASE_S, Maker, PlanLine, Run, make_row
from store.tables import RunRow

KIND = "judge"


def start_judging(
    engine: Engine,
    *,
    source: str,
    count: int,
    config: dict[str, Any],
    **maker: Unpack[Maker],
) -> Run:
    """Hold a judging run. One on the same file with the same settings is taken up, so that its answers serve again.

    Raises StoreError where one is alive: two that ask about the same dialogues would pay twice.
    """
    now, owner = time.time(), uuid4().hex
    line = PlanLine(KIND, "", 0, source)
    with explained(engine), Session(engine.execution_options(writes=True)) as db:
        earlier = db.exec(select(RunRow).where(RunRow.kind == KIND).order_by(col(RunRow.id).desc())).all()
        for row in earlier:
            age = now - row.heartbeat_at
            if row.status == "running" and row.owner is not None and age < LEASE_S:
                raise StoreError(f"judging {row.id} is alive (last seen {age:.0f} s ago); let it end first")
        mine = make_row(KIND, line, range(count), config, owner, maker)
        wanted = (mine.source, mine.config, mine.prompts)
        same = (row for row in earlier if source and (row.source, row.config, row.prompts) == wanted)
        row = next(same, mine)
        row.owner, row.heartbeat_at, row.status, row.ended_at = owner, now, "running", None
        row.count = count
        db.add(row)
        db.commit()
        assert row.id is not None
        return Run(row.id, owner, 0, count, config)
