"""What a run looks up stays fast however much is stored, for an index leads to it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from store.db import Database, open_db
from store.runs import Run, count_done, count_failed, left_positions
from tests.bench.lookups import CALLS_EACH, measure_lookups


@pytest.mark.slow
def test_the_calls_of_a_session_are_found_by_their_key_among_100_000() -> None:
    told = measure_lookups(100_000)
    assert told["database_mb"] > 60
    (step,) = told["plan"]
    assert step.startswith("SEARCH calls USING")
    assert "(run_id=? AND position=?)" in step


def test_the_sessions_that_are_left_are_found_by_an_index(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    run = Run(1, "", first_position=0, count=5 * CALLS_EACH, config={})
    asked = hear_queries(database)
    assert list(left_positions(database, run)) == list(run.positions)
    assert (count_done(database, 1), count_failed(database, 1)) == (0, 0)
    assert len(asked) == 3
    with database.connect() as db:
        for query, values in asked:
            plan = [row[-1] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
            assert plan
            assert all("USING" in step and "INDEX dialogues_by_run (run_id=?" in step for step in plan)
    database.dispose()


def hear_queries(database: Database) -> list[tuple[str, Any]]:
    """Return a list to which each query and its values are added."""
    asked: list[tuple[str, Any]] = []

    @event.listens_for(database, "before_cursor_execute")
    def hear(connection: Any, cursor: Any, query: str, values: Any, context: Any, is_many: bool) -> None:
        if query.startswith("SELECT"):
            asked.append((query, values))

    return asked
