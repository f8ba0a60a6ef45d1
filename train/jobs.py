"""Lists, shows and cancels fine-tune jobs: python -m train.jobs list|show JOB|cancel JOB [--db URL] [--json]."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError, Refusal

if TYPE_CHECKING:
    from store.db import Database
    from store.job_tables import JobMetricRow, JobRow

COLUMNS = ("job", "state", "model", "mix", "step", "loss", "tokens/s", "started", "took")
WIDEST = 32
CANCEL_S = 30.0
"""How long is waited for a holder to end its job: it finishes a step of the preparation, or ends the trainer."""


def build_parser() -> Parser:
    """Return the flags."""
    parser = Parser("train.jobs", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|cancel")
    for name, told in (("list", "all jobs, newest first"), ("show", "all of one"), ("cancel", "end one")):
        verb = verbs.add_parser(name, help=told, description=told)
        if name != "list":
            verb.add_argument("job", type=int, metavar="JOB")
        verb.add_argument("--db", metavar="URL", help="default $DATABASE_URL, else sqlite:///factory.db")
        verb.add_argument("--json", action="store_true", help="as JSON")
    return parser


def main() -> int:
    """List, show or cancel."""
    flags = build_parser().parse_args()
    from store.db import choose_url, open_db
    from store.job_metrics import list_metrics
    from store.jobs import find_job
    from train.job.settle import settle, settle_all

    engine = open_db(choose_url(flags.db), create=False)
    try:
        if flags.verb == "list":
            jobs = settle_all(engine)
            tell([json.dumps(tell_job(job), ensure_ascii=False) for job in jobs] if flags.json else list_lines(jobs))
            return 0
        job = settle(engine, find_job(engine, flags.job))
        if flags.verb == "cancel":
            job = cancel(engine, job)
            tell([json.dumps(tell_job(job), ensure_ascii=False) if flags.json else describe_cancel(job)])
            return 0
        metrics = list_metrics(engine, flags.job)
        if flags.json:
            rows = [row.model_dump(exclude={"job_id"}) for row in metrics]
            tell([json.dumps(tell_job(job) | {"metrics": rows}, ensure_ascii=False)])
        else:
            tell(show_lines(job, metrics))
        return 0
    finally:
        engine.dispose()


def tell(lines: Sequence[str]) -> None:
    """Print some lines; nothing in what a trainer said can steer a terminal."""
    from store.shell.terminal import show_text

    sys.stdout.write("".join(f"{show_text(line)}\n" for line in lines))


def tell_job(job: "JobRow") -> dict[str, Any]:
    """Return a job for a machine: no secret of its holder is in it."""
    told = job.model_dump(exclude={"owner", "token", "boot", "read_bytes"})
    for name in ("shard_hashes", "command", "settings", "versions"):
        told[name] = json.loads(told[name])
    return told | {"took_s": find_seconds(job)}


def find_seconds(job: "JobRow") -> float:
    """Return how long a job has trained in all its launches."""
    from store.jobs import LIVING

    running = time.time() - job.started_at if job.state in LIVING and job.started_at is not None else 0.0
    return job.spent_s + running


def list_lines(jobs: Sequence["JobRow"]) -> list[str]:
    """Return a table of jobs."""
    if not jobs:
        return ["no jobs; python -m train.launch --config FILE --shards DIR starts one"]
    rows = [COLUMNS, *(list_cells(job) for job in jobs)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def list_cells(job: "JobRow") -> tuple[str, ...]:
    """Return a job as the cells of a table."""
    from train.job.progress import show_seconds

    step = "" if job.step is None else f"{job.step}/{job.steps if job.steps is not None else '?'}"
    return (
        str(job.id),
        job.state,
        shorten(job.model),
        shorten(job.mix),
        step,
        "" if job.loss is None else f"{job.loss:.4g}",
        "" if job.tokens_per_s is None else f"{job.tokens_per_s:,.0f}",
        show_time(job.created_at),
        show_seconds(find_seconds(job)),
    )


def shorten(name: str) -> str:
    """Return the end of a name, which tells more than its beginning."""
    return name if len(name) <= WIDEST else f"…{name[-WIDEST + 1 :]}"


def show_time(at: float | None) -> str:
    """Return a moment in the local time."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def show_lines(job: "JobRow", metrics: Sequence["JobMetricRow"]) -> list[str]:
    """Return all of a job that a person wants to know."""
    from train.job.plot import draw
    from train.job.progress import describe, show_seconds

    versions, hashes = json.loads(job.versions), json.loads(job.shard_hashes)
    step = "" if job.step is None else f"{job.step} of {job.steps if job.steps is not None else '?'}"
    latest = describe({name: getattr(job, name) for name in job.__class__.model_fields})
    machine = f", machine {job.machine_rank} of {job.machines}" if job.machines > 1 else ""
    told = {
        "state": job.state + (f": {job.reason}" if job.reason else ""),
        "model": job.model,
        "mix": job.mix,
        "shards": f"{job.shards} ({len(hashes)} file{'s' * (len(hashes) != 1)}, mix {job.mix_sha256[:12]})",
        "config": job.config_file,
        "ranks": f"{job.world_size} by {Path(job.accelerate).stem}{machine}",
        "host": job.host,
        "step": step,
        "latest": latest,
        "began": show_time(job.created_at),
        "ended": show_time(job.ended_at),
        "took": f"{show_seconds(find_seconds(job))} in {job.launches} launch{'es' * (job.launches != 1)}",
        "folder": job.folder,
        "output": job.output,
        "commit": job.git_commit or "",
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "command": " ".join(json.loads(job.command)),
        "trigger": "" if job.trigger_mix is None else f"{job.trigger_mix} at {job.trigger_count} dialogues",
    }
    lines = [f"job {job.id}", *(f"  {name:<9}{value}" for name, value in told.items() if value)]
    lines += ["  configuration", *(f"    {line}" for line in job.config.splitlines())]
    points = [(row.step, row.loss) for row in metrics if row.loss is not None]
    plot = draw(points)
    return [*lines, *(["  loss by step", *plot] if plot else [])]


def cancel(engine: "Database", job: "JobRow") -> "JobRow":
    """End a job that this database started on this machine; raises Refusal for any other.

    A job whose holder lives is ended by it alone, and is still living here where that takes longer.
    """
    from store.jobs import LIVING, end_job, find_job, wish_cancel
    from train.job.place import end_processes, is_running
    from train.job.settle import KILL, follower_of, is_here, trainer_of

    if job.state not in LIVING:
        raise InputError(f"job {job.id} is {job.state}; there is nothing to cancel")
    if not is_here(job):
        raise InputError(f"job {job.id} runs on {job.host}; cancel it there")
    number = job.id
    assert number is not None
    wish_cancel(engine, number)
    trainer = trainer_of(job)
    if trainer is not None and not end_processes(job.token, trainer):
        raise Refusal(f"job {job.id}: some of its processes cannot be ended; look for {trainer.pid}")
    until = time.monotonic() + CANCEL_S
    while is_running(follower_of(job)) and time.monotonic() < until:
        time.sleep(0.1)
        # Its holder may have handed it over to another process of this machine.
        job = find_job(engine, number)
        if job.state not in LIVING:
            return job
    if is_running(follower_of(job)):
        return job
    end_processes(job.token, None, KILL)
    end_job(engine, job, "cancelled", None)
    return find_job(engine, number)


def describe_cancel(job: "JobRow") -> str:
    """Return what has become of the wish to cancel a job."""
    from store.jobs import LIVING

    if job.state in LIVING:
        return f"job {job.id} will be cancelled: process {job.follower_pid}, which holds it, has not ended it yet"
    return f"job {job.id} was {job.state}"


if __name__ == "__main__":
    run_main(main)
