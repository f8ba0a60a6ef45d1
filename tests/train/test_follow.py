"""Whoever is killed, the job is told as it is: by whoever looks next, and never by another process's number."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from store.db import Database, open_db
from store.job_metrics import list_metrics
from store.job_tables import JobRow
from store.jobs import LEASE_S, Process, find_job
from tests.store.test_jobs import add
from tests.train.made_jobs import (
    ask_jobs,
    is_gone,
    kill,
    read_job,
    read_steps,
    start_job,
    wait_for,
    wait_for_step,
    write_config,
)
from train.job.ending import judge_seen, judge_unseen
from train.job.folder import JobFolder
from train.job.log import mask
from train.job.metrics import carry_metrics, read_points
from train.job.place import find_place, find_process, is_running, list_tagged, this_process
from train.job.reason import find_exit_code, find_reason
from train.job.settle import follower_of, settle, trainer_of

TORCH_REPORT = """W1121 17:00:00.000000 12 torch/distributed/run.py:852] Setting OMP_NUM_THREADS
{said}
E1121 17:00:01.000000 12 torch/distributed/elastic/multiprocessing/api.py:984] failed (exitcode: {code}) local_rank: 0
Traceback (most recent call last):
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.sft FAILED
Failures:
[1]:
  exitcode  : -15 (pid: 14)
Root Cause (first observed failure):
[0]:
  exitcode  : {code} (pid: 13)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database."""
    engine = open_db(f"sqlite:///{tmp_path}/factory.db")
    yield engine
    engine.dispose()


def test_a_killed_trainer_leaves_a_dead_job_and_none_of_its_ranks(place: Path) -> None:
    write_config(place, stop_at=3, rank=True)
    command = start_job(place)
    job = wait_for_step(place, 3)
    assert len(list_tagged(job.token)) == 2
    kill(trainer_of(job))
    _, err = command.communicate(timeout=60)
    assert command.returncode == 1
    assert err.splitlines()[-1] == "job 1 is dead: the trainer was killed by SIGKILL; --resume goes on"
    assert (read_job(place).state, read_job(place).step) == ("dead", 3)
    assert is_gone(job)


def test_a_killed_follower_leaves_the_trainer_at_work_and_whoever_looks_tells_of_it(place: Path) -> None:
    write_config(place, steps=12, pause=0.4)
    command = start_job(place)
    job = wait_for_step(place, 1)
    kill(follower_of(job))
    command.communicate(timeout=60)
    seen = json.loads(ask_jobs(place, "list", "--json").stdout)
    assert seen["state"] == "running"
    trainer = trainer_of(job)
    assert trainer is not None
    wait_for(lambda: not is_running(trainer))
    seen = json.loads(ask_jobs(place, "show", 1, "--json").stdout)
    assert (seen["state"], seen["step"], seen["eval_loss"]) == ("done", 12, 0.5)
    assert [row.step for row in read_steps(place)] == list(range(1, 13))


def test_where_both_are_killed_the_job_is_dead_for_the_next_who_looks(place: Path) -> None:
    write_config(place, stop_at=3, rank=True)
    command = start_job(place)
    job = wait_for_step(place, 2)
    kill(follower_of(job))
    wait_for(lambda: len((place / "jobs/1/model/metrics.jsonl").read_text().splitlines()) == 3)
    kill(trainer_of(job))
    command.communicate(timeout=60)
    assert read_job(place).state == "running"
    told = ask_jobs(place, "list")
    assert told.returncode == 0
    assert "dead" in told.stdout
    assert "running" not in told.stdout
    settled = read_job(place)
    assert settled.reason == "its processes are gone, and it was not done; --resume goes on"
    assert [row.step for row in read_steps(place)] == [1, 2, 3]
    assert is_gone(job), "a rank whose head is gone holds its device for ever"


def test_a_cut_off_launch_is_dead_though_its_trainer_is_not_known(database: Database) -> None:
    host, boot = find_place()
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    process = find_process(gone.pid)
    gone.wait()
    assert process is not None
    job = add(
        database, host=host, boot=boot, follower_pid=process.pid, follower_started=process.started,
        heartbeat_at=time.time(),
    )  # fmt: skip
    assert settle(database, job).state == "dead"


def here(database: Database, **changes: Any) -> JobRow:
    """Store a job of this machine that trains, with a heartbeat of now."""
    host, boot = find_place()
    return add(database, state="running", host=host, boot=boot, heartbeat_at=time.time(), **changes)


def test_another_process_with_the_number_of_a_follower_is_not_mistaken_for_it(database: Database) -> None:
    mine = this_process()
    living = here(database, follower_pid=mine.pid, follower_started=mine.started)
    assert settle(database, living).state == "running"
    other = here(database, follower_pid=mine.pid, follower_started=mine.started - 1)
    assert settle(database, other).state == "dead"
    trains = here(database, trainer_pid=mine.pid, trainer_started=mine.started + 1)
    assert settle(database, trains).state == "dead"


@pytest.mark.parametrize("where", ["host", "boot"])
def test_of_a_job_elsewhere_only_the_heartbeat_is_judged(database: Database, where: str) -> None:
    mine = this_process()
    told = {"host": find_place()[0], "boot": find_place()[1]} | {where: "another"}
    told |= {"follower_pid": mine.pid, "follower_started": mine.started}
    fresh = add(database, state="running", heartbeat_at=time.time(), **told)
    assert settle(database, fresh).state == "running"
    silent = add(database, state="running", heartbeat_at=time.time() - LEASE_S - 1, **told)
    settled = settle(database, silent)
    assert settled.state == "dead"
    assert "no sign of life for 3" in (settled.reason or "")


def test_a_process_that_has_ended_and_was_not_asked_for_counts_as_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    wait_for(lambda: find_process(child.pid) is None)
    assert child.wait() == 0
    assert not is_running(Process(os.getpid(), 1))
    assert is_running(this_process())


def test_metrics_are_read_by_whole_lines_each_once(database: Database, tmp_path: Path) -> None:
    job = add(database)
    assert job.id is not None
    path = tmp_path / "metrics.jsonl"
    assert carry_metrics(database, job.id, path, 0) == ([], 0)
    path.write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "lo')
    points, read = carry_metrics(database, job.id, path, 0)
    assert ([point["step"] for point in points], read) == ([1], 25)
    path.write_text(
        '{"step": 1, "loss": 3.0}\n{"step": 2, "lo{"step": 2, "loss": 2.0}\n{"step": 3, "loss": NaN}\n[1]\n'
    )
    _, read = carry_metrics(database, job.id, path, read)
    assert [(row.step, row.loss) for row in list_metrics(database, job.id)] == [(1, 3.0), (3, None)]
    stale, known = carry_metrics(database, job.id, path, 25)
    assert (stale, known) == ([], read)
    path.write_text('{"step": 1, "loss": 9.0}\n')
    _, read = carry_metrics(database, job.id, path, read)
    assert read == 25
    assert find_job(database, job.id).loss == 9.0


def test_a_line_of_no_step_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'\xff\xfe\n{"loss": 1}\n{"step": "2"}\n{"step": 4}\n')
    assert read_points(path, 0)[0] == [{"step": 4}]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["loading", "train.yaml:3: unknown key 'learnin_rate'; correct it"],
            "train.yaml:3: unknown key 'learnin_rate'",
        ),
        (["Traceback (most recent call last):", '  File "x"', "[rank0]: ValueError: no"], "ValueError: no"),
        (["no room", "  0%|      | 0/10", "/x.py:1: UserWarning: leaked", "  warnings.warn("], "no room"),
        (TORCH_REPORT.format(said="no such model", code=2).splitlines(), "no such model"),
        (TORCH_REPORT.format(said="[rank1]: KeyError: 'a'", code=1).splitlines(), "KeyError: 'a'"),
    ],
)
def test_the_reason_is_what_a_rank_said_last(lines: list[str], expected: str) -> None:
    assert (find_reason(lines) or "").startswith(expected)


def test_the_first_rank_that_failed_tells_the_exit_code() -> None:
    assert find_exit_code(TORCH_REPORT.format(said="", code=2).splitlines()) == 2
    assert find_exit_code(["plain"]) is None


def judge(tmp_path: Path, code: int, *, log: str = "", end: Any = None, stopped: str | None = None) -> Any:
    """Return how a job is judged that left these files."""
    folder = JobFolder(tmp_path, tmp_path / "model")
    folder.output.mkdir(exist_ok=True)
    folder.log.write_text(log)
    folder.end.write_text(json.dumps(end))
    return judge_seen(folder, code, stopped, "mine.yaml", is_first=True)


def test_an_end_is_judged_by_what_is_sure(tmp_path: Path) -> None:
    done, failed = {"state": "done", "reason": None}, {"state": "failed", "reason": "NaN"}
    assert judge(tmp_path, 0, end=done).state == "done"
    assert judge(tmp_path, 1, end=done)[:2] == ("done", "the trainer left with exit code 1 after it was done")
    assert judge(tmp_path, 130, end=failed, stopped="stopped")[:2] == ("interrupted", "stopped")
    assert judge(tmp_path, 1, end=failed)[:2] == ("failed", "NaN")
    assert judge(tmp_path, 1, end={"state": "failed", "reason": "it was interrupted"}).state == "interrupted"
    assert judge(tmp_path, 1, log=TORCH_REPORT.format(said="", code=-9))[:2] == (
        "dead", "the trainer was killed by SIGKILL; --resume goes on"
    )  # fmt: skip
    refused = judge(tmp_path, 1, log=TORCH_REPORT.format(said=f"{tmp_path}/config.yaml:1: no", code=2))
    assert (refused.state, refused.reason, refused.is_refusal) == ("failed", "mine.yaml:1: no", True)
    assert judge(tmp_path, 5)[:2] == ("failed", "the trainer left with exit code 5")
    folder = JobFolder(tmp_path, tmp_path / "model")
    judge(tmp_path, 0, end=done)
    assert judge_unseen(folder, is_ours=True, was_here=True, silent_s=1).state == "done"
    assert judge_unseen(folder, is_ours=False, was_here=True, silent_s=1).state == "dead"


def test_secrets_are_masked_wherever_they_stand() -> None:
    line = "key=longsecretvalue Bearer abcdefg.hij https://u:pw@h/ sk-abcdefgh1234"
    assert mask(line, ["longsecretvalue"]) == "key=*** Bearer *** https://u:***@h/ ***"


def test_a_follower_that_cannot_store_goes_on_and_stores_later(place: Path) -> None:
    write_config(place, steps=8, pause=0.4)
    command = start_job(place)
    wait_for_step(place, 1)
    engine = open_db(f"sqlite:///{place}/factory.db")
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("ALTER TABLE jobs RENAME TO hidden"))
    time.sleep(2)
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("ALTER TABLE hidden RENAME TO jobs"))
    engine.dispose()
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert "no such table: jobs" in err
    assert [row.step for row in read_steps(place)] == list(range(1, 9))


def test_a_job_that_another_process_has_taken_over_is_let_go(place: Path) -> None:
    write_config(place, stop_at=1)
    command = start_job(place)
    job = wait_for_step(place, 1)
    engine = open_db(f"sqlite:///{place}/factory.db")
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE jobs SET owner = 'another'"))
    engine.dispose()
    _, err = command.communicate(timeout=60)
    assert command.returncode == 1
    assert "was taken over by another process" in err.splitlines()[-1]
    assert is_gone(job)
    assert read_job(place).state == "running"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
