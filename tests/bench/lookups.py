"""Measures how long a session's calls take to find among very many: python -m tests.bench.lookups [--calls 1000000]."""

import argparse
import asyncio
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from store.db import Database, open_db
from store.ledger import FIND_CALLS, Ledger
from store.runs import PlanLine, Run, start_run
from store.tables import CallRow

CALLS_EACH = 20
LOOKUPS = 2_000
CONTENT = "我听见你说这些天睡得很浅，心里像压着一块石头。" * 9  # 621 bytes
REASONING = "她提到睡眠，先接住情绪，再问从什么时候开始。" * 5


def fill(path: Path, calls: int) -> Run:
    """Make a database with one run of sessions of 20 calls each."""
    database = open_db(f"sqlite:///{path}")
    told: dict[str, Any] = {"config": {}, "versions": {}, "prompts": {}, "git_commit": None, "is_rehearsal": True}
    line = PlanLine("session", "zh", 0, "emotions.yaml 00")
    run = start_run(database, line, first_position=0, count=calls // CALLS_EACH, **told)
    database.dispose()
    columns = list(CallRow.model_fields)
    statement = f"INSERT INTO calls ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous=OFF")
        with db:
            db.executemany(statement, make_calls(run))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return run


def make_calls(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the rows of all calls of a run, as long as real ones are."""
    row: dict[str, Any] = dict.fromkeys(CallRow.model_fields)
    row |= {"run_id": run.id, "agent": "counselor", "branch": "counselor", "prompt_hash": b"p" * 12}
    row |= {"parameters_hash": b"q" * 10, "seed": 7, "outcome": "ok", "content": CONTENT, "reasoning": REASONING}
    row |= {"finish": "stop", "served_model": "model-1", "prompt_tokens": 2_048, "completion_tokens": 256}
    row |= {"latency_ms": 1_200, "created_at": 1.7e9}
    for position in run.positions:
        for number in range(CALLS_EACH):
            key = f"{position:8}{number:8}".encode()
            yield row | {"position": position, "number": number, "key": key, "messages": b"u" * 11 * (number + 2)}


def measure(database: Database, run: Run) -> list[float]:
    """Return how many seconds each of 2,000 sessions took to open, sorted."""
    chance = random.Random(0)

    async def act() -> list[float]:
        ledger = Ledger(database, run.id, run.owner)
        seconds = []
        for _ in range(LOOKUPS):
            position = chance.choice(run.positions)
            started = time.perf_counter()
            calls = ledger.open_session(position)
            seconds.append(time.perf_counter() - started)
            assert len(calls.answered) == calls.next_number == CALLS_EACH
        await ledger.close()
        return sorted(seconds)

    return asyncio.run(act())


def read_plan(database: Database, run: Run) -> list[str]:
    """Return how SQLite finds the calls of a session."""
    with database.connect() as db:
        query = f"EXPLAIN QUERY PLAN {FIND_CALLS.text}"
        return [row[-1] for row in db.exec_driver_sql(query, {"run_id": run.id, "position": 1})]


def measure_lookups(calls: int) -> dict[str, Any]:
    """Return the figures, measured in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "factory.db"
        run = fill(path, calls)
        database = open_db(f"sqlite:///{path}")
        seconds = measure(database, run)
        plan = read_plan(database, run)
        database.dispose()
        return {
            "calls": calls,
            "database_mb": round(path.stat().st_size / 1e6),
            "p50_ms": round(seconds[LOOKUPS // 2] * 1e3, 3),
            "p99_ms": round(seconds[LOOKUPS * 99 // 100] * 1e3, 3),
            "plan": plan,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    print(json.dumps(measure_lookups(parser.parse_args().calls)))


if __name__ == "__main__":
    main()
