"""A job is held by one process, told of once, ended once; both databases decide alike."""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from store.db import Database
from store.errors import StoreError
from store.job_metrics import forget_metrics, keep_metrics, list_metrics
from store.job_tables import JobRow
from store.jobs import (
    CANCEL,
    Holder,
    Process,
    add_job,
    beat,
    claim_job,
    end_job,
    find_job,
    find_triggered,
    hand_over,
    list_jobs,
    read_name,
    start_training,
    wish_cancel,
)
from taxonomy.refusal import InputError

HOLDER = Holder("owner", "host", "boot", "token", Process(7, 70))
POINT = {"step": 1, "steps": 9, "loss": 2.5, "tokens": 2**40, "tokens_per_s": 10.0, "eta_s": 8.0, "mfu": None}


def add(database: Database, **changes: Any) -> JobRow:
    """Store a job that is starting."""
    told: dict[str, Any] = {
        "state": "starting", "model": "m", "mix": "little", "mix_sha256": "ab", "shards": "/s", "shard_hashes": "{}",
        "config_file": "c.yaml", "config": "a: 1\n", "accelerate": "plain", "world_size": 1, "workdir": "/w",
        "folder": "/f", "output": "/f/model", "versions": "{}", "owner": "owner", "host": "host", "boot": "boot",
        "token": "token", "follower_pid": 7, "follower_started": 70, "heartbeat_at": 5.0, "created_at": 5.0,
    }  # fmt: skip
    job = add_job(database, JobRow(**(told | changes)))
    assert job is not None
    return job


def id_of(job: JobRow) -> int:
    """Return a stored job's number."""
    assert job.id is not None
    return job.id


def read(database: Database, job: JobRow) -> JobRow:
    """Return a job as it is stored now."""
    return find_job(database, id_of(job))


def at_once(acts: list[Any]) -> None:
    """Run some functions at the same moment."""
    gate = threading.Barrier(len(acts))

    def run(act: Any) -> None:
        gate.wait()
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_database_draws_its_name_once(database: Database) -> None:
    names: list[str] = []
    at_once([lambda: names.append(read_name(database))] * 4)
    assert len(set(names)) == 1
    assert read_name(database) == names[0]
    assert len(names[0]) == 32


def test_a_job_goes_from_its_start_to_its_end(database: Database) -> None:
    job = add(database)
    assert start_training(database, id_of(job), "owner", Process(9, 2**40), '["python"]')
    running = read(database, job)
    assert (running.state, running.trainer_pid, running.trainer_started) == ("running", 9, 2**40)
    assert beat(database, id_of(job), "owner") is None
    assert end_job(database, job, "done", None)
    ended = read(database, job)
    assert (ended.state, ended.reason, ended.eta_s) == ("done", None, None)
    assert 0 <= ended.spent_s < 5
    assert not end_job(database, job, "failed", "too late")
    assert read(database, job).state == "done"


def test_what_is_told_is_stored_once_and_a_later_word_on_a_step_counts(database: Database) -> None:
    job = add(database)
    points = [POINT, {"step": 2, "loss": float("nan"), "mfu": 0.4}, {"step": 2, "eval_loss": 1.5}, {"other": 1}]
    assert keep_metrics(database, id_of(job), points, before=0, read=50, now=1.0)
    assert not keep_metrics(database, id_of(job), points, before=0, read=50, now=1.0)
    first, second = list_metrics(database, id_of(job))
    assert (first.step, first.loss, first.tokens, first.mfu) == (1, 2.5, 2**40, None)
    assert (second.step, second.loss, second.eval_loss, second.mfu) == (2, None, 1.5, 0.4)
    stored = read(database, job)
    assert (stored.step, stored.steps, stored.loss, stored.eval_loss, stored.mfu) == (2, 9, 2.5, 1.5, 0.4)
    assert stored.read_bytes == 50
    assert keep_metrics(database, id_of(job), [{"step": 2, "loss": 1.0}], before=50, read=80, now=2.0)
    assert [row.loss for row in list_metrics(database, id_of(job))] == [2.5, 1.0]
    forget_metrics(database, id_of(job), 1)
    assert [row.step for row in list_metrics(database, id_of(job))] == [1]
    assert read(database, job).step == 1


def test_a_job_is_taken_up_by_one_of_several_and_never_while_it_lives(database: Database) -> None:
    job = add(database)
    assert not claim_job(database, id_of(job), HOLDER, time.time())
    end_job(database, job, "interrupted", "stopped")
    won: list[str] = []

    def claim(name: str) -> None:
        if claim_job(database, id_of(job), replace(HOLDER, owner=name), time.time()):
            won.append(name)

    at_once([lambda name=name: claim(name) for name in ("a", "b", "c", "d")])
    (winner,) = won
    claimed = read(database, job)
    assert (claimed.state, claimed.owner, claimed.launches, claimed.reason) == ("starting", winner, 2, None)
    with pytest.raises(StoreError, match="taken over"):
        beat(database, id_of(job), "owner")
    assert not end_job(database, job, "failed", "by the one before")
    end_job(database, claimed, "done", None)
    assert not claim_job(database, id_of(job), HOLDER, time.time())


def test_a_job_is_handed_to_another_process_by_its_holder_alone(database: Database) -> None:
    job = add(database)
    with pytest.raises(StoreError, match="not to be started"):
        hand_over(database, id_of(job), "somebody", Process(8, 80))
    hand_over(database, id_of(job), "owner", Process(8, 80))
    assert (read(database, job).follower_pid, read(database, job).follower_started) == (8, 80)


def test_a_cancelled_job_is_told_so_and_does_not_start(database: Database) -> None:
    job = add(database)
    assert wish_cancel(database, id_of(job))
    assert not start_training(database, id_of(job), "owner", Process(9, 90), "[]")
    assert beat(database, id_of(job), "owner") == CANCEL
    assert end_job(database, job, "failed", "exit code 130")
    ended = read(database, job)
    assert (ended.state, ended.reason, ended.wish) == ("cancelled", None, None)
    assert not wish_cancel(database, id_of(job))


def test_a_job_that_was_done_first_is_not_cancelled(database: Database) -> None:
    job = add(database)
    wish_cancel(database, id_of(job))
    end_job(database, job, "done", None)
    assert read(database, job).state == "done"


def test_a_job_that_shows_itself_is_not_ended_by_who_thought_it_dead(database: Database) -> None:
    job = add(database)
    beat(database, id_of(job), "owner")
    assert not end_job(database, job, "dead", "silent", unless_beaten=True)
    assert end_job(database, read(database, job), "dead", "silent", unless_beaten=True)
    beat(database, id_of(job), "owner")
    revived = read(database, job)
    assert (revived.state, revived.reason, revived.ended_at) == ("running", None, None)


def test_of_two_triggers_at_once_one_makes_a_job(database: Database) -> None:
    made: list[JobRow | None] = []
    row = add(database, trigger_mix="big", trigger_after=0, trigger_count=10)
    told = row.model_dump(exclude={"id"}) | {"trigger_after": row.id, "trigger_count": 20}
    at_once([lambda: made.append(add_job(database, JobRow(**told)))] * 3)
    (one,) = [job for job in made if job is not None]
    last = find_triggered(database, "big")
    assert last is not None
    assert (last.id, last.trigger_count) == (one.id, 20)
    assert find_triggered(database, "other") is None
    assert len(list_jobs(database)) == 2


def test_an_unknown_job_is_told(database: Database) -> None:
    with pytest.raises(InputError, match="no job 77"):
        find_job(database, 77)
