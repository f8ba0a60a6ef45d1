"""Makes the jobs that are told as living true: what is gone is ended, by whoever looks next."""

import signal
import time

from store.db import Database
from store.job_tables import JobRow
from store.jobs import LEASE_S, LIVING, NO_SHARDS, Process, end_job, find_job, list_jobs, read_name
from train.job.ending import Ending, judge_unseen
from train.job.folder import folder_of, is_ours
from train.job.metrics import carry_metrics
from train.job.place import end_processes, find_place, is_running

KILL = ((signal.SIGKILL, 10.0),)


def follower_of(job: JobRow) -> Process:
    """Return the process that follows a job."""
    return Process(job.follower_pid, job.follower_started)


def trainer_of(job: JobRow) -> Process | None:
    """Return the head of a job's trainer, where one was started."""
    if job.trainer_pid is None or job.trainer_started is None:
        return None
    return Process(job.trainer_pid, job.trainer_started)


def is_here(job: JobRow) -> bool:
    """Whether a job's processes can be seen from here."""
    host, boot = find_place()
    return bool(boot) and (job.host, job.boot) == (host, boot)


def is_alive(job: JobRow) -> bool:
    """Whether a job's processes live; of those that cannot be seen from here only the heartbeat is known."""
    if not is_here(job):
        return time.time() - job.heartbeat_at < LEASE_S
    trainer = trainer_of(job)
    return is_running(follower_of(job)) or (trainer is not None and is_running(trainer))


def settle(engine: Database, job: JobRow) -> JobRow:
    """Return a job as it is: where it is told as living and is not, it is ended first.

    A job whose follower was killed and whose trainer goes on stays running, and what it told meanwhile is stored.
    """
    if job.state not in LIVING or job.id is None:
        return job
    here, alive = is_here(job), is_alive(job)
    if alive and (not here or is_running(follower_of(job))):
        return job
    if not alive and is_changed(job, find_job(engine, job.id)):
        # It was handed over, or has shown itself, since the row was read.
        return find_job(engine, job.id)
    folder, ours = folder_of(job), is_ours(job, read_name(engine))
    if here and not alive:
        # Ranks whose head is gone would wait for each other, and hold their devices, for ever.
        end_processes(job.token, None, KILL)
    if ours and job.machine_rank == 0:
        carry_all(engine, job)
    if not alive:
        silent = time.time() - job.heartbeat_at
        ending = judge_unseen(folder, is_ours=ours and job.machine_rank == 0, was_here=here, silent_s=silent)
        if job.shards == NO_SHARDS:
            ending = Ending("dead", "it was killed while its shards were made; the next trigger starts a new job")
        end_job(engine, job, ending.state, ending.reason, unless_beaten=True)
    return find_job(engine, job.id)


def is_changed(job: JobRow, seen: JobRow) -> bool:
    """Whether a job has another holder, trainer, state or heartbeat than when it was read."""
    names = ("state", "owner", "follower_pid", "follower_started", "trainer_pid", "trainer_started", "heartbeat_at")
    return any(getattr(job, name) != getattr(seen, name) for name in names)


def carry_all(engine: Database, job: JobRow) -> None:
    """Store all that the trainer of a job has told."""
    assert job.id is not None
    read = job.read_bytes
    while True:
        _, further = carry_metrics(engine, job.id, folder_of(job).metrics, read)
        if further == read:
            return
        read = further


def settle_all(engine: Database) -> list[JobRow]:
    """Return all jobs as they are, newest first."""
    return [settle(engine, job) for job in list_jobs(engine)]
