"""Starts jobs as a person does, in processes of their own, and reads what the database holds of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from store.db import open_db
from store.errors import StoreError
from store.job_metrics import list_metrics
from store.job_tables import JobMetricRow, JobRow
from store.jobs import Process, list_jobs
from tests.train.made_shards import write_talks
from tests.train.trainers import set_environment
from train.job.place import end_processes, find_process, is_running, list_tagged
from train.job.settle import KILL, follower_of, trainer_of

PATIENCE_S = 60.0


def make_shards(folder: Path, mix: str = "little") -> Path:
    """Write an export of a few talks with a manifest that names its mix; returns its folder."""
    write_talks(folder)
    name_mix(folder, mix, "talks")
    return folder


def name_mix(folder: Path, mix: str, kind: str) -> None:
    """Have the manifest of an export name its mix."""
    path = folder / "manifest.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told |= {"mix": {"name": mix, "version": 1, "kind": kind}, "mix_sha256": "ab" * 32}
    path.write_text(json.dumps(told), encoding="utf-8")


def write_config(folder: Path, **settings: Any) -> Path:
    """Write a configuration, a key a line; returns its path."""
    path = folder / "train.yaml"
    told = {"model_name_or_path": "Qwen/Qwen2.5-0.5B-Instruct"} | settings
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in told.items()), encoding="utf-8")
    return path


def start(
    folder: Path, *words: object, module: str = "tests.train.made_launch", **environment: str
) -> "subprocess.Popen[str]":
    """Start a command in a folder, in a session of its own so that its signals are its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=folder, env=set_environment(**environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
    )  # fmt: skip


def run(
    folder: Path, *words: object, module: str = "tests.train.made_launch", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder to its end."""
    command = start(folder, *words, module=module, **environment)
    out, err = command.communicate(timeout=300)
    return subprocess.CompletedProcess(command.args, command.returncode, out, err)


def launch(folder: Path, *words: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a job with the trainer in appearance, on one rank without accelerate."""
    flags = ("--config", "train.yaml", "--shards", "shards", "--accelerate", "plain", "--nproc", 1)
    return run(folder, *flags, *words, **environment)


def start_job(folder: Path, *words: object, **environment: str) -> "subprocess.Popen[str]":
    """Start a job as `launch` does, without waiting for it."""
    flags = ("--config", "train.yaml", "--shards", "shards", "--accelerate", "plain", "--nproc", 1)
    return start(folder, *flags, *words, **environment)


def ask_jobs(folder: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    """Run train.jobs."""
    return run(folder, *words, module="train.jobs")


def read_jobs(folder: Path) -> list[JobRow]:
    """Return the jobs of the database in a folder, newest first, as they are stored; none while it is being made."""
    try:
        engine = open_db(f"sqlite:///{folder}/factory.db", create=False)
    except StoreError:
        return []
    try:
        return list_jobs(engine)
    finally:
        engine.dispose()


def read_job(folder: Path) -> JobRow:
    """Return the only job of the database in a folder."""
    (job,) = read_jobs(folder)
    return job


def read_steps(folder: Path, job: int = 1) -> list[JobMetricRow]:
    """Return the metrics that the database in a folder holds of a job."""
    engine = open_db(f"sqlite:///{folder}/factory.db", create=False)
    try:
        return list_metrics(engine, job)
    finally:
        engine.dispose()


def wait_for(look: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """Return the first true value of `look`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain")


def wait_for_step(folder: Path, step: int) -> JobRow:
    """Return the only job when it is at a step or further."""

    def look() -> JobRow | None:
        jobs = read_jobs(folder)
        return jobs[0] if jobs and (jobs[0].step or 0) >= step else None

    job: JobRow = wait_for(look)
    return job


def kill(process: Process | None) -> None:
    """End a process at once, and wait until it is gone."""
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not is_running(process))


def is_gone(job: JobRow) -> bool:
    """Whether no process of a job is left but its follower."""
    trainer = trainer_of(job)
    return not list_tagged(job.token) and (trainer is None or not is_running(trainer))


@contextmanager
def cleaned_up(folder: Path) -> Iterator[None]:
    """End what the jobs of a folder have left running, whatever a test found."""
    try:
        yield
    finally:
        for job in read_jobs(folder):
            end_processes(job.token, None, KILL)
            follower = follower_of(job)
            if is_running(follower) and follower != find_process(os.getpid()):
                os.kill(follower.pid, signal.SIGKILL)
