"""A run is held by one process at a time, and a plan goes on where it stopped."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from store.db import Database
from store.errors import StoreError
from store.runs import (
    LEASE_S,
    PlanLine,
    done_positions,
    end_run,
    find_config_of,
    list_unfinished,
    next_position,
    resume_run,
    start_run,
)
from taxonomy.refusal import InputError

LINE = PlanLine("session", "zh", 0, "emotions.yaml 00")
TOLD: dict[str, Any] = {
    "config": {"recipe": "session"},
    "versions": {},
    "prompts": {},
    "git_commit": None,
    "is_rehearsal": False,
}


def test_a_plan_goes_on_where_the_same_plan_stopped(database: Database) -> None:
    assert next_position(database, LINE) == 0
    start_run(database, LINE, first_position=0, count=5, **TOLD)
    start_run(database, LINE, first_position=5, count=2, **TOLD)
    assert next_position(database, LINE) == 7
    for other in (replace(LINE, language="en"), replace(LINE, plan_seed=1), replace(LINE, recipe="interactive")):
        assert next_position(database, other) == 0


def test_a_living_run_is_not_taken_over(database: Database) -> None:
    run = start_run(database, LINE, first_position=0, count=5, **TOLD)
    with pytest.raises(StoreError, match="is alive"):
        resume_run(database, run.id)


def test_a_dead_run_is_taken_over_with_its_settings(database: Database) -> None:
    run = start_run(database, LINE, first_position=3, count=5, **TOLD)
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE runs SET heartbeat_at = heartbeat_at - :age"), {"age": LEASE_S + 1})
    resumed = resume_run(database, run.id)
    assert resumed.positions == range(3, 8)
    assert resumed.owner != run.owner
    with pytest.raises(StoreError, match="is alive"):
        resume_run(database, run.id)


def test_an_interrupted_run_is_resumed_at_once_and_a_finished_one_never(database: Database) -> None:
    run = start_run(database, LINE, first_position=0, count=5, **TOLD)
    end_run(database, run, "interrupted")
    assert [(left.id, left.done, left.is_alive) for left in list_unfinished(database)] == [(run.id, 0, False)]
    again = resume_run(database, run.id)
    end_run(database, again, "finished")
    assert list_unfinished(database) == []
    with pytest.raises(InputError, match="is finished"):
        resume_run(database, run.id)


def test_an_unknown_run_is_told(database: Database) -> None:
    for ask in (resume_run, find_config_of):
        with pytest.raises(InputError, match="no such run"):
            ask(database, 77)
    assert done_positions(database, 77) == set()
