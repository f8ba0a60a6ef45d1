"""What a job is told to be stays true: one that has ended never trains again, and one that trains is never given up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import train.jobs
from store.db import Database, open_db
from store.errors import StoreError
from store.job_tables import JobRow
from store.jobs import LIVING, Process, State, describe_job, find_job, hand_over, start_training
from taxonomy.refusal import Refusal
from tests.store.test_jobs import add, id_of
from tests.train.made_jobs import (
    is_gone,
    launch,
    read_job,
    read_jobs,
    read_steps,
    run,
    start_job,
    wait_for,
    wait_for_step,
    write_config,
)
from tests.train.trainers import set_environment
from train.follow import follow
from train.job.place import PROC, TAG, find_place, find_process, is_running, list_tagged, this_process
from train.job.progress import Progress
from train.job.settle import settle
from train.jobs import cancel, describe_cancel


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database."""
    engine = open_db(f"sqlite:///{tmp_path}/factory.db")
    yield engine
    engine.dispose()


def held(database: Database, **changes: Any) -> JobRow:
    """Store a job that this process holds."""
    host, boot = find_place()
    mine = this_process()
    told = {"follower_pid": mine.pid, "follower_started": mine.started, "heartbeat_at": time.time()}
    return add(database, host=host, boot=boot, **told | changes)


def find_gone() -> Process:
    """Return a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    process = find_process(child.pid)
    child.wait()
    assert process is not None
    return process


@pytest.mark.parametrize("state", sorted(set(get_args(State)) - set(LIVING)))
def test_a_job_that_has_ended_is_neither_started_nor_handed_over(database: Database, state: str) -> None:
    job = held(database, state=state, reason="so it was", ended_at=6.0)
    assert not start_training(database, id_of(job), job.owner, this_process(), "[]")
    with pytest.raises(StoreError, match="is not to be started"):
        hand_over(database, id_of(job), job.owner, this_process())
    assert find_job(database, id_of(job)) == job


def test_a_job_that_is_still_prepared_is_told_as_one_that_will_be_cancelled(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train.jobs, "CANCEL_S", 0.3)
    job = held(database, folder=str(tmp_path / "f"), output=str(tmp_path / "f/model"))
    told = cancel(database, job)
    assert (told.state, told.wish) == ("starting", "cancel")
    assert describe_cancel(told).startswith(f"job {job.id} will be cancelled: process {os.getpid()}")
    ended, code = follow(database, job, None)
    assert (ended.state, ended.started_at, ended.trainer_pid, code) == ("cancelled", None, None, 130)
    assert describe_cancel(ended) == f"job {job.id} was cancelled"


def test_a_job_whose_holder_is_gone_is_cancelled_at_once(database: Database) -> None:
    gone = find_gone()
    job = held(database, follower_pid=gone.pid, follower_started=gone.started)
    assert cancel(database, job).state == "cancelled"


def find_follower(launcher: int) -> Process | None:
    """Return the process that a launcher has started to follow its job."""
    for line in (PROC / str(launcher) / "task" / str(launcher) / "children").read_text().split():
        try:
            words = (PROC / line / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"train.follow" in words:
            return find_process(int(line))
    return None


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_just_after_the_detach_leaves_nothing_that_trains(place: Path, word: signal.Signals) -> None:
    write_config(place, stop_at=1)
    command = start_job(place, "--detach")
    follower: Process = wait_for(lambda: find_follower(command.pid))
    command.send_signal(word)
    _, err = command.communicate(timeout=60)
    assert (command.returncode, err) == (130, "interrupted\n")
    assert not is_running(follower)
    job = read_job(place)
    assert (job.state, job.started_at) == ("interrupted", None)
    assert job.reason == "stopped before it began; --resume goes on"
    assert is_gone(job)


def test_a_closed_pipe_ends_neither_the_follower_nor_the_job(place: Path) -> None:
    write_config(place, pause=0.3, steps=5)
    command = start_job(place)
    assert command.stderr is not None
    assert command.stderr.readline().startswith("job 1: step 1/5")
    command.stderr.close()
    command.wait(timeout=60)
    assert command.returncode == 0
    assert read_job(place).state == "done"
    assert [row.step for row in read_steps(place)] == [1, 2, 3, 4, 5]


def test_a_dead_terminal_ends_neither_the_follower_nor_the_job(place: Path) -> None:
    write_config(place, pause=0.3, steps=5)
    reader, terminal = os.openpty()
    flags = ["--config", "train.yaml", "--shards", "shards", "--accelerate", "plain", "--nproc", "1"]
    command = subprocess.Popen(
        ["nohup", sys.executable, "-m", "tests.train.made_launch", *flags], cwd=place, env=set_environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    wait_for_step(place, 2)
    os.close(reader)
    assert command.wait(timeout=60) == 0
    assert read_job(place).state == "done"


def test_what_nobody_can_read_is_shown_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        progress = Progress("job 1")
        progress.tell({"step": 1, "loss": 2.0})
        progress.say("a line")
        progress.tell({"step": 2, "loss": 1.0})
        progress.close()
        monkeypatch.setattr(sys, "stderr", None)
        progress.say("a line where stderr was closed before the start")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), closed.fileno())


def test_an_unexpected_error_of_the_follower_ends_its_trainer(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch(place)
    write_config(place, deaf=False, rank=True, stop_at=1).rename(place / "jobs/1/config.yaml")
    engine = open_db(f"sqlite:///{place}/factory.db")
    describe_job(engine, 1, read_job(place).owner, state="starting", trainer_pid=None, trainer_started=None)

    def break_off(*_: object) -> int:
        assert wait_for(lambda: len(list_tagged(read_job(place).token)) == 2)
        raise RuntimeError("broken")

    monkeypatch.setattr("train.follow.watch", break_off)
    with pytest.raises(RuntimeError, match="broken"):
        follow(engine, find_job(engine, 1), None)
    assert is_gone(read_job(place))
    engine.dispose()


def test_a_row_read_before_the_hand_over_kills_no_living_trainer(database: Database) -> None:
    gone = find_gone()
    stale = held(database, follower_pid=gone.pid, follower_started=gone.started)
    environment = {**os.environ, TAG: stale.token}
    trainer = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment)
    try:
        hand_over(database, id_of(stale), stale.owner, this_process())
        process = find_process(trainer.pid)
        assert process is not None
        assert start_training(database, id_of(stale), stale.owner, process, "[]")
        assert settle(database, stale).state == "running"
        assert trainer.poll() is None
    finally:
        trainer.kill()
        trainer.wait()


def test_a_job_whose_working_folder_is_gone_is_not_resumed(place: Path) -> None:
    work = place / "work"
    work.mkdir()
    write_config(place, stop_at=3)
    words = ("--db", f"sqlite:///{place}/factory.db", "--out", place / "made")
    for name in ("train.yaml", "shards"):
        (work / name).symlink_to(place / name)
    command = start_job(work, *words)
    wait_for_step(place, 3)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    work.rename(place / "moved")
    before = read_job(place)
    told = run(place, "--resume", 1)
    assert (told.returncode, read_job(place)) == (2, before)
    assert told.stderr == f"{work}, where job 1 was started, is gone; start a new job\n"


def test_a_trainer_that_cannot_be_started_is_a_failed_job(place: Path) -> None:
    launch(place)
    engine = open_db(f"sqlite:///{place}/factory.db")
    describe_job(engine, 1, read_job(place).owner, state="starting", workdir=str(place / "gone"))
    with pytest.raises(Refusal, match=r"gone: the trainer cannot be started \(No such file or directory\)"):
        follow(engine, find_job(engine, 1), None)
    (job,) = read_jobs(place)
    assert (job.state, job.reason) == (
        "failed", f"{place}/gone: the trainer cannot be started (No such file or directory)"
    )  # fmt: skip
    engine.dispose()
