"""What a trainer tells of its steps: stored once, with how far its file is read."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from store.db import explained, persist
from store.job_tables import JobMetricRow
from store.jobs import change

TOLD = tuple(name for name in JobMetricRow.model_fields if name not in ("job_id", "at"))
"""What a trainer may tell of a step."""
LATEST = ("loss", "eval_loss", "tokens_per_s", "loss_tokens_per_s", "mfu")
"""Of these the newest value stands with the job too."""
SAY = text(
    f"INSERT INTO job_metrics (job_id, at, {', '.join(TOLD)}) VALUES (:job_id, :at, {', '.join(f':{n}' for n in TOLD)})"
    " ON CONFLICT (job_id, step) DO UPDATE SET at = excluded.at, "
    + ", ".join(f"{name} = coalesce(excluded.{name}, job_metrics.{name})" for name in TOLD if name != "step")
)
ADVANCE = text(
    "UPDATE jobs SET read_bytes = :read, step = coalesce(:step, step), steps = coalesce(:steps, steps),"
    " eta_s = :eta_s, "
    + ", ".join(f"{name} = coalesce(:{name}, {name})" for name in LATEST)
    + " WHERE id = :id AND read_bytes = :before"
)


def keep_metrics(
    engine: Engine, id: int, points: Sequence[Mapping[str, Any]], *, before: int, read: int, now: float
) -> bool:
    """Store what a trainer told, with how far its file is read; False where somebody else has read on from `before`."""
    rows = [
        {name: finite(point.get(name)) for name in TOLD} | {"job_id": id, "at": now}
        for point in points
        if isinstance(point.get("step"), int)
    ]
    latest: dict[str, Any] = dict.fromkeys((*LATEST, "step", "steps", "eta_s"))
    for point in points:
        latest |= {name: value for name in latest if (value := finite(point.get(name))) is not None}

    def act() -> bool:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            told = latest | {"id": id, "before": before, "read": read}
            if not db.execute(ADVANCE, told).rowcount:
                return False
            if rows:
                db.execute(SAY, rows)
            return True

    with explained(engine):
        return persist(act)


def finite(value: Any) -> int | float | None:
    """Return a number as both databases keep it; None for what is none, NaN or infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def forget_metrics(engine: Engine, id: int, step: int) -> None:
    """Remove what was told of the steps after one: the job goes on from there."""
    change(engine, "DELETE FROM job_metrics WHERE job_id = :id AND step > :step", id=id, step=step)
    change(engine, "UPDATE jobs SET step = :step, loss = NULL, eta_s = NULL WHERE id = :id", id=id, step=step)


def list_metrics(engine: Engine, id: int) -> list[JobMetricRow]:
    """Return what a trainer told, step by step."""
    query = select(JobMetricRow).where(JobMetricRow.job_id == id).order_by(col(JobMetricRow.step))
    with explained(engine), Session(engine, expire_on_commit=False) as db:
        return list(db.exec(query))
