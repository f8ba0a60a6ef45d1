"""Takes a run from its settings to its closing summary: all input is checked before anything is written."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.endpoint import read_key
from agents.gateway import Gateway
from agents.tally import Tally
from graphs.config import (
    RunConfig,
    read_cast,
    read_environment,
    read_pairs,
    resolve_config,
)
from graphs.job import Job, prepare
from graphs.progress import Progress
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from graphs.runner import Ending, Runner, count_open
from graphs.spending import ask, check_limit, estimate, limit_cost, open_budget
from graphs.summary import print_estimate, print_reach, print_summary, summarise
from graphs.units import TextUnits
from store.db import Database, open_db
from store.errors import StoreError
from store.ledger import Ledger
from store.runs import (
    PlanLine,
    Run,
    count_done,
    count_failed,
    end_run,
    find_config_of,
    left_positions,
    list_unfinished,
    next_position,
    resume_run,
    start_run,
)
from taxonomy.refusal import InputError

MAY_CHANGE = ("db", "concurrency", "max_calls", "max_cost", "synchronous")
"""Settings that a resumed run may change: they touch neither a request nor the plan."""
PARTIAL, INTERRUPTED = 3, 130
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    settings: dict[str, Any]
    config: Path | None
    dry_run: bool
    resume: str | None
    fresh: bool
    yes: bool
    json: bool


def launch(request: Request) -> int:
    """Start or resume a run, or estimate it; returns the exit code."""
    environment = read_environment()
    flags = read_flags(request.settings)
    if request.resume is not None:
        return resume(request, flags, environment)
    config, _ = resolve_config(flags, request.config, environment)
    job = prepare(config, environment)
    check_limit(job)
    name_skipped(job)
    size = job.units.size()
    count = config.count or job.units.round()
    told = estimate(job, range(count if size is None else min(count, size)))
    if request.dry_run:
        print_estimate(told, in_full=True)
        print_reach(told, config.max_calls, limit_cost(config))
        return 0
    check_keys(job, environment)
    ask(told, yes=request.yes, is_limited=config.max_cost is not None)
    database = open_db(config.db, synchronous=config.synchronous)
    line = PlanLine(job.recipe.name, config.language or "", config.seed, job.units.source)
    first = 0 if request.fresh else next_position(database, line)
    last = first + count if size is None else min(first + count, size)
    if first >= last:
        raise InputError(f"all {size} rows of {job.units.source} have been run; --fresh runs them again")
    for unfinished in list_unfinished(database):
        state = "still going" if unfinished.is_alive else f"--resume {unfinished.id} goes on with it"
        print(f"run {unfinished.id} has {unfinished.done} of {unfinished.count} sessions; {state}")
    if first:
        print(f"going on at position {first} of the plan; --fresh starts at 0")
    run = start_run(
        database,
        line,
        first_position=first,
        count=last - first,
        config=config.model_dump(mode="json", exclude={"db"}),
        versions=list_versions(),
        prompts=list_prompt_hashes(),
        git_commit=find_commit(),
        is_rehearsal=job.is_rehearsal,
    )
    return play(request, job, database, run, environment)


def resume(request: Request, flags: dict[str, Any], environment: Mapping[str, str]) -> int:
    """Go on with an unfinished run under the settings it was started with."""
    barred = [key for key in flags if key not in MAY_CHANGE]
    if barred or request.config or request.fresh or request.dry_run:
        named = ", ".join(f"--{key}" for key in barred) or "--config, --fresh or --dry-run"
        raise InputError(f"--resume keeps the run's own settings; leave out {named}")
    config, _ = resolve_config(flags, None, environment)
    database = open_db(config.db, create=False, synchronous=config.synchronous)
    unfinished = list_unfinished(database)
    if request.resume:
        if not request.resume.isdecimal():
            raise InputError(f"--resume {request.resume!r}: name a run by its number")
        run_id = int(request.resume)
    elif unfinished:
        run_id = unfinished[0].id
    else:
        print("nothing to resume: every run in this database is finished")
        return 0
    stored = find_config_of(database, run_id)
    kept = {key: getattr(config, key) for key in MAY_CHANGE if key in flags}
    job = prepare(RunConfig.model_validate({**stored.config, "db": config.db, **kept}), environment)
    if job.units.source != stored.source:
        raise InputError(f"--resume {run_id}: {stored.source} has changed since; it is now {job.units.source}")
    check_limit(job)
    check_keys(job, environment)
    run = resume_run(database, run_id)
    return play(request, job, database, run, environment)


def play(request: Request, job: Job, database: Database, run: Run, environment: Mapping[str, str]) -> int:
    """Run the sessions that are left, and say what came of it."""
    started = time.monotonic()
    done = count_done(database, run.id)
    tally = Tally()
    budget = open_budget(job.config, tally, database, run.id)
    progress = Progress(run.count, done, tally, f"run {run.id}")

    async def act() -> Ending:
        gateway = Gateway(environment, job.config.concurrency, budget=budget)
        for endpoint in job.endpoints.values():
            gateway.open_client(endpoint)
        ledger = Ledger(database, run.id, run.owner)
        runner = Runner(
            run_id=run.id,
            job=job,
            gateway=gateway,
            ledger=ledger,
            tally=tally,
            progress=progress,
        )
        try:
            dialogues = count_open(run.count - done, job.config.concurrency)
            return await runner.run(left_positions(database, run), dialogues)
        finally:
            await ledger.close()
            await gateway.aclose()

    status = "interrupted"
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as loop:
            ending = loop.run(act())
        left = run.count - count_done(database, run.id)
        status = "interrupted" if left else "finished"
    finally:
        progress.close()
        # A database that failed in the run fails here as well; the first of the two errors is the one to tell.
        with suppress(StoreError):
            end_run(database, run, status)
    seconds = time.monotonic() - started
    print_summary(run, progress.outcomes, left, tally, ending, seconds, job.config.db)
    if request.json:
        print(summarise(run, progress.outcomes, left, tally, ending, seconds))
    if ending.refused is not None:
        return ending.refused.exit_code
    if ending.interrupted:
        return INTERRUPTED
    return PARTIAL if left or count_failed(database, run.id) else 0


def read_flags(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags with their KEY=VALUE pairs read."""
    flags = dict(settings)
    if "switches" in flags:
        flags["switches"] = read_pairs(flags["switches"], "--set")
    if "cast" in flags:
        flags["cast"] = read_cast(flags["cast"])
    return flags


def name_skipped(job: Job) -> None:
    """Say which rows of a file of texts cannot be used."""
    skipped = job.units.skipped if isinstance(job.units, TextUnits) else []
    if skipped:
        named = "; ".join(f"{row.file}:{row.row} {row.reason}" for row in skipped[:SHOWN])
        more = f"; and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        print(f"skipped {len(skipped)} rows: {named}{more}")


def check_keys(job: Job, environment: Mapping[str, str]) -> None:
    """Raise ModelError ("refused") where a key that the run needs is not set."""
    for endpoint in job.endpoints.values():
        read_key(endpoint, environment)


def find_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it exists; a fifth less CPU a call over a network."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
