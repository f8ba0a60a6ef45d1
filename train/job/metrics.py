"""Carries what a trainer tells in metrics.jsonl into the database, each whole line once."""

import json
import time
from pathlib import Path
from typing import Any

from store.db import Database
from store.job_metrics import keep_metrics
from store.jobs import find_job

MOST_BYTES = 4_000_000
"""Read together; the rest follows at the next look."""


def read_points(path: Path, start: int) -> tuple[list[dict[str, Any]], int]:
    """Return what stands in the whole lines from a byte on, and where the next look begins.

    A line that a kill has torn, or that is no JSON object with a step, is passed over.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            # A shorter file is another one: it is read from its beginning.
            begin = start if start <= size else 0
            file.seek(begin)
            data = file.read(MOST_BYTES)
    except OSError:
        return [], start
    whole = data[: data.rfind(b"\n") + 1]
    points = []
    for line in whole.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and isinstance(told.get("step"), int):
            points.append(told)
    return points, begin + len(whole)


def carry_metrics(engine: Database, job_id: int, path: Path, start: int) -> tuple[list[dict[str, Any]], int]:
    """Store what is new since a byte; returns it, and where the next look begins.

    Where somebody else has read on meanwhile, nothing is stored twice.
    """
    points, read = read_points(path, start)
    if read == start or keep_metrics(engine, job_id, points, before=start, read=read, now=time.time()):
        return points, read
    return [], find_job(engine, job_id).read_bytes
