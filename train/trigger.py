"""Starts a job when a mix has grown by so many accepted dialogues since the last one it triggered; for a cron line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from store.db import Database
from store.errors import StoreError
from store.export.draw import draw
from store.export.folder import choose_folder
from store.export.reading import frozen
from store.job_tables import JobRow
from store.jobs import (
    CANCEL,
    NO_SHARDS,
    TakenOver,
    add_job,
    beat,
    describe_job,
    end_job,
    find_job,
    find_triggered,
    read_name,
)
from store.mix import Mix, find_mix, load_mix
from taxonomy.refusal import InputError, Refusal
from taxonomy.source import show_path
from train.job.folder import OUTPUT, JobFolder, make_folder
from train.job.order import JOBS, Held, Order, Shards, make_holder, make_order, make_row, verify_shards
from train.job.settle import settle_all

SHARDS = "shards"
BEAT_S = 1.0
EXPORT_ENDS_S = 10.0


class Cancelled(Refusal):
    """Somebody has cancelled a job while it was prepared."""

    exit_code = 130


def prepare_triggered(engine: Database, url: str, flags: Namespace, extra: Sequence[str]) -> Held | str:
    """Return a job to start, with its fresh export, or a line that says why there is none yet."""
    name, wanted = flags.trigger[0], int(flags.trigger[1])
    mix = load_mix(find_mix(name))
    order = make_order(flags, extra)
    parent = choose_parent(flags.out)
    settle_all(engine)
    last = find_triggered(engine, mix.name)
    if last is not None and last.state in ("starting", "running"):
        return f"mix {mix.name}: job {last.id}, which it triggered last, is still {last.state}"
    held, counted = count_dialogues(engine, mix), find_triggered(engine, mix.name, counts=True)
    grown = held - ((counted.trigger_count or 0) if counted is not None else 0)
    if grown < wanted:
        since = f"since job {counted.id}" if counted is not None else "so far"
        return f"mix {mix.name}: {grown} accepted dialogues {since}, {wanted - grown} are missing"
    job = claim(engine, order, mix, held, last)
    if job is None:
        return f"mix {mix.name}: another process has just triggered a job for it"
    return fill(engine, url, job, find_mix(name), parent)


def choose_parent(told: str | None) -> Path:
    """Return the folder in which each triggered job has its own; raises InputError where it cannot be one."""
    path = Path(told) if told else JOBS
    if path.exists() and not path.is_dir():
        raise InputError(f"--out {show_path(path)}: is no folder; with --trigger it is the one that jobs are made in")
    if path.is_dir():
        if not os.access(path, os.W_OK | os.X_OK):
            raise InputError(f"--out {show_path(path)}: cannot be written to; choose another place")
        return path.resolve()
    return choose_folder(str(path))


def count_dialogues(engine: Database, mix: Mix) -> int:
    """Return how many stored dialogues a mix takes, after all its filters; rows of general data are not counted."""
    places = [place for place, source in enumerate(mix.sources) if source.store is not None]
    marks = ", ".join("?" * len(places))
    with tempfile.TemporaryDirectory() as folder, frozen(engine) as db:
        drawn = draw(db, mix, Path(folder))
        query = f"SELECT count(DISTINCT id) FROM slips WHERE gone = 0 AND source IN ({marks})"
        ((count,),) = drawn.scratch.ask(query, *places)
        drawn.scratch.close()
    return int(count)


def claim(engine: Database, order: Order, mix: Mix, held: int, last: JobRow | None) -> JobRow | None:
    """Record the job that follows the last triggered one; of two processes at once the database lets one do so."""
    shards = Shards(Path(NO_SHARDS), mix.name, "", {}, mix.kind)
    after = (last.id or 0) if last is not None else 0
    told = {"trigger_mix": mix.name, "trigger_after": after, "trigger_count": held}
    return add_job(engine, make_row(order, shards, make_holder(), **told))


def fill(engine: Database, url: str, job: JobRow, mix: Path, parent: Path) -> Held:
    """Export the mix into the folder of a triggered job; where that fails the job has ended, and its folder is gone."""
    assert job.id is not None
    path = parent / str(job.id)
    path = path.with_name(f"{path.name}-{job.owner[:6]}") if path.exists() else path
    folder = JobFolder(path, path / OUTPUT)
    is_made = False
    try:
        make_folder(folder, job.id, read_name(engine), job.config)
        is_made = True
        describe_job(engine, job.id, job.owner, folder=str(folder.path), output=str(folder.output))
        export(engine, url, job, mix, path / SHARDS)
        shards = verify_shards(path / SHARDS)
        check_wish(engine, job)
        told = {"shards": str(shards.folder), "mix_sha256": shards.mix_sha256}
        describe_job(engine, job.id, job.owner, shard_hashes=json.dumps(shards.hashes), **told)
    except BaseException as error:
        if is_made:
            shutil.rmtree(folder.path, ignore_errors=True)
        if isinstance(error, Exception):
            end_job(engine, job, "failed", str(error) or type(error).__name__)
        else:
            end_job(engine, job, "interrupted", "stopped while its shards were made; the next trigger starts a new job")
        raise
    rows = len(shards.hashes)
    note = (
        f"mix {job.mix}: {job.trigger_count} accepted dialogues, {rows} shard{'s' * (rows != 1)}; job {job.id} begins"
    )
    return Held(find_job(engine, job.id), notes=[note])


def export(engine: Database, url: str, job: JobRow, mix: Path, target: Path) -> None:
    """Export a mix by the command for it, which gives its memory back; raises InputError with its one line.

    Meanwhile the job shows that it lives, and a wish to cancel it ends the export.
    """
    words = [sys.executable, "-m", "store.export", "--mix", str(mix), "--out", str(target)]
    with tempfile.TemporaryFile() as said:
        command = subprocess.Popen(
            words, env=os.environ | {"DATABASE_URL": url}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=said,
        )  # fmt: skip
        try:
            while command.poll() is None:
                check_wish(engine, job)
                with suppress(subprocess.TimeoutExpired):
                    command.wait(BEAT_S)
        except BaseException:
            end_export(command)
            raise
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    if command.returncode:
        raise InputError(lines[-1] if lines else f"store.export left with exit code {command.returncode}")


def check_wish(engine: Database, job: JobRow) -> None:
    """Show that a job lives while it is prepared; raises Cancelled where somebody wishes its end."""
    assert job.id is not None
    try:
        wish = beat(engine, job.id, job.owner)
    except TakenOver:
        raise
    except StoreError:
        # The database may be there again at the next look.
        return
    if wish == CANCEL:
        raise Cancelled(f"job {job.id} was cancelled")


def end_export(command: "subprocess.Popen[bytes]") -> None:
    """End an export: asked first, so that it clears up, then killed."""
    command.send_signal(signal.SIGINT)
    try:
        command.wait(EXPORT_ENDS_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        command.kill()
        command.wait()
