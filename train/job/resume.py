"""Takes a job up again that ended before it was done: from its last whole checkpoint, with its own settings."""

import json
import time
from pathlib import Path
from uuid import uuid4

from store.db import Database
from store.errors import StoreError
from store.job_metrics import forget_metrics
from store.job_tables import JobRow
from store.jobs import NO_SHARDS, claim_job, describe_job, find_job, read_name
from taxonomy.refusal import InputError
from taxonomy.source import show_path
from train.checkpoints import find_checkpoint
from train.job.command import load_settings
from train.job.devices import choose_ranks
from train.job.folder import JobFolder, check_folder
from train.job.order import Held, make_holder, verify_shards
from train.job.provenance import find_commit, list_versions
from train.job.settle import settle


def prepare_resume(engine: Database, job_id: int, *, nproc: int | None, is_sure: bool) -> Held:
    """Check and hold a job that ended before it was done, to go on from its last whole checkpoint."""
    job = settle(engine, find_job(engine, job_id))
    check_resumable(job)
    folder = check_folder(job, read_name(engine))
    if not Path(job.workdir).is_dir():
        raise InputError(f"{show_path(Path(job.workdir))}, where job {job_id} was started, is gone; start a new job")
    world = load_settings(job.settings).world
    if nproc is not None and nproc != world.ranks:
        raise InputError(
            f"--nproc {nproc}: job {job_id} has {world.ranks} rank{'s' * (world.ranks != 1)} a machine, and what ZeRO"
            " keeps of the optimizer is tied to that; leave --nproc out, or start a new job"
        )
    choose_ranks(world.ranks)
    if verify_shards(Path(job.shards)).hashes != json.loads(job.shard_hashes):
        raise InputError(f"{show_path(Path(job.shards))}: the shards are not those of job {job_id}; start a new job")
    notes = compare_code(job, is_sure=is_sure)
    checkpoint = find_checkpoint(folder.output)
    step = int(checkpoint.name.rpartition("-")[2]) if checkpoint is not None else 0
    if not claim_job(engine, job_id, make_holder(), time.time()):
        raise StoreError(f"job {job_id} was taken up by another process at this moment; it is left to it")
    forget_metrics(engine, job_id, step)
    job = find_job(engine, job_id)
    if checkpoint is not None:
        notes.append(f"job {job_id} goes on from step {step}")
    elif job.machine_rank == 0:
        notes.append(f"job {job_id} has no whole checkpoint; it begins again")
        clear_output(folder)
        describe_job(engine, job_id, job.owner, read_bytes=0)
    return Held(find_job(engine, job_id), checkpoint, notes)


def check_resumable(job: JobRow) -> None:
    """Raise for a job that lives, is done, or never had a folder or shards."""
    if job.state in ("starting", "running"):
        raise StoreError(f"job {job.id} is running on {job.host}; python -m train.jobs cancel {job.id} ends it first")
    if job.state == "done":
        raise InputError(f"job {job.id} is done; its model is in {show_path(Path(job.output))}")
    if not job.folder:
        raise InputError(f"job {job.id} ended before it had a folder ({job.reason}); start a new one")
    if job.shards == NO_SHARDS:
        raise InputError(f"job {job.id} ended before its shards were made ({job.reason or job.state}); start a new one")


def compare_code(job: JobRow, *, is_sure: bool) -> list[str]:
    """Return what is another one than when the job was recorded; raises InputError unless the user is sure."""
    before, now = json.loads(job.versions), list_versions()
    changed = [
        f"{name} {before.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if job.git_commit != (commit := find_commit()):
        changed.append(f"commit {(job.git_commit or 'none')[:12]} -> {(commit or 'none')[:12]}")
    if not changed:
        return []
    line = f"job {job.id} was started with other code: {', '.join(changed)}"
    if not is_sure:
        raise InputError(f"{line}; its losses may differ from here on, --yes goes on all the same")
    return [line]


def clear_output(folder: JobFolder) -> None:
    """Set what a launch without a whole checkpoint has left aside: the trainer begins in an empty folder."""
    if folder.output.exists():
        folder.output.rename(folder.output.with_name(f"{folder.output.name}.before-{uuid4().hex[:6]}"))
