"""Takes a run from its settings to its closing summary: all input is checked before anything is written."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.endpoint import read_key
from agents.gateway import Gateway
from agents.tally import Tally
from graphs.config import read_cast, read_environment, read_pairs, resolve_config
from graphs.crew import Ending, count_open, find_loop_factory
from graphs.fill import Filling, check_fill, measure_gap, open_filling, word_unfinished
from graphs.job import Job, prepare, read_settings, warn_of_one_judge
from graphs.progress import Progress
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from graphs.runner import Runner
from graphs.spending import ask, check_limit, estimate, limit_cost, open_budget
from graphs.summary import (
    describe_cells,
    name_skipped,
    print_cells,
    print_estimate,
    print_reach,
    print_summary,
    summarise,
)
from store.db import Database, open_db
from store.errors import StoreError
from store.ledger import Ledger
from store.records import DialogueRecord
from store.requests import count_taken_over
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
    check_fill(config)
    job = prepare(config, environment)
    check_limit(job)
    name_skipped(job)
    warn_of_one_judge(job)
    gap = measure_gap(job) if config.fill is not None else None
    if gap is not None:
        print_cells(gap)
        if not gap.missing:
            print(f"every cell has {gap.wanted}: nothing to run")
            if request.json:
                print(json.dumps({"run": None, "fill": describe_cells(gap)}))
            return 0
    size = job.units.size()
    count = gap.left if gap is not None else config.count or job.units.round()
    told = most = estimate(job, range(count if size is None else min(count, size)))
    name = "estimate"
    if request.dry_run or gap is not None:
        print_estimate(told, in_full=request.dry_run)
    if gap is not None:
        most, name = told.scale(gap.most), f"at most, with {gap.tries} sessions a cell"
    if request.dry_run:
        if gap is not None:
            print_estimate(most, in_full=False, name=name)
        print_reach(told, config.max_calls, limit_cost(config))
        return 0
    check_keys(job, environment)
    ask(most, yes=request.yes, is_limited=config.max_cost is not None, name=name)
    return begin(request, job, environment, count, gap)


def begin(request: Request, job: Job, environment: Mapping[str, str], count: int, gap: Filling | None) -> int:
    """Start a run where the plan stopped in this database."""
    config, size = job.config, job.units.size()
    database = open_db(config.db, synchronous=config.synchronous)
    line = PlanLine(job.recipe.name, config.language or "", config.seed, job.units.source)
    first = 0 if request.fresh else next_position(database, line)
    if gap is not None:
        count = gap.reserve(first)
    last = first + count if size is None else min(first + count, size)
    if first >= last:
        raise InputError(f"all {size} rows of {job.units.source} have been run; --fresh runs them again")
    for unfinished in list_unfinished(database):
        how = f"graphs.league --resume {unfinished.league}" if unfinished.league else f"--resume {unfinished.id}"
        state = "still going" if unfinished.is_alive else f"{how} goes on with it"
        print(f"{word_unfinished(job, database, unfinished)}; {state}")
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
    elif own := [one.id for one in unfinished if one.league is None]:
        run_id = own[0]
    else:
        print("nothing to resume: every run in this database is finished")
        return 0
    stored = find_config_of(database, run_id)
    if league := stored.config.get("league"):
        goes_on = f"python -m graphs.league --resume {league['name']}"
        raise InputError(f"--resume {run_id}: that run is part of league {league['name']}; {goes_on} goes on with it")
    kept = {key: getattr(config, key) for key in MAY_CHANGE if key in flags}
    settings, requested = read_settings({**stored.config, **kept}, config.db)
    job = prepare(settings, environment, requested)
    if job.units.source != stored.source:
        raise InputError(f"--resume {run_id}: {stored.source} has changed since; it is now {job.units.source}")
    check_limit(job)
    warn_of_one_judge(job)
    check_keys(job, environment)
    run = resume_run(database, run_id)
    return play(request, job, database, run, environment)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run in this process: outcomes, sessions left, what was counted, how it ended, how long it took."""

    outcomes: Mapping[str, int]
    left: int
    tally: Tally
    ending: Ending
    seconds: float
    filling: Filling | None


def play(request: Request, job: Job, database: Database, run: Run, environment: Mapping[str, str]) -> int:
    """Run the sessions that are left, and say what came of it."""
    played = play_sessions(job, database, run, environment)
    left, ending, filling = played.left, played.ending, played.filling
    print_summary(run, played.outcomes, left, played.tally, ending, played.seconds, job.config.db)
    if filling is not None:
        print_cells(filling)
    if request.json:
        print(summarise(run, played.outcomes, left, played.tally, ending, played.seconds, filling))
    if ending.refused is not None:
        return ending.refused.exit_code
    if ending.interrupted:
        return INTERRUPTED
    if filling is not None:
        return PARTIAL if filling.missing else 0
    return PARTIAL if left or count_failed(database, run.id) else 0


def play_sessions(
    job: Job, database: Database, run: Run, environment: Mapping[str, str], elsewhere: tuple[int, float] = (0, 0.0)
) -> Played:
    """Run the sessions that are left, and let go of the run; calls and money spent `elsewhere` count to its limits."""
    started = time.monotonic()
    done = count_done(database, run.id)
    filling = open_filling(job, database, run) if job.config.fill is not None else None
    left = filling.left if filling is not None else run.count - done
    tally = Tally()
    calls, money = elsewhere
    budget = open_budget(job.config, tally, database, run.id, (calls - count_taken_over(database, run.id), money))
    progress = Progress(done + left, done, tally, f"run {run.id}")

    def settle(record: DialogueRecord) -> None:
        if filling is not None:
            filling.settle(record)
            progress.expect(filling.left)

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
            settle=settle,
        )
        try:
            dialogues = max(1, count_open(left, job.config.concurrency))
            return await runner.run(left_positions(database, run) if filling is None else filling, dialogues)
        finally:
            await ledger.close()
            await gateway.aclose()

    status = "interrupted"
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as loop:
            ending = loop.run(act())
        if filling is not None:
            # Counted anew: people review while a run goes on.
            filling = open_filling(job, database, run)
        left = filling.left if filling is not None else run.count - count_done(database, run.id)
        status = "interrupted" if left else "finished"
    finally:
        progress.close()
        # A database that failed in the run fails here as well; the first of the two errors is the one to tell.
        with suppress(StoreError):
            end_run(database, run, status, gives_back=filling is not None and status == "finished")
    return Played(progress.outcomes, left, tally, ending, time.monotonic() - started, filling)


def read_flags(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags with their KEY=VALUE pairs read."""
    flags = dict(settings)
    if "switches" in flags:
        flags["switches"] = read_pairs(flags["switches"], "--set")
    if "cast" in flags:
        flags["cast"] = read_cast(flags["cast"])
    return flags


def check_keys(job: Job, environment: Mapping[str, str]) -> None:
    """Raise ModelError ("refused") where a key that the run needs is not set."""
    for endpoint in job.endpoints.values():
        read_key(endpoint, environment)
