"""Carries out what reviewers asked for: dialogues played again from one of their lines on, as new ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.config import read_environment, resolve_config
from graphs.estimate import Estimate
from graphs.job import Job, prepare, read_settings, warn_of_one_judge
from graphs.launch import INTERRUPTED, MAY_CHANGE, PARTIAL, Played, Request, check_keys, play_sessions, read_flags
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from graphs.requests import Requested, find_kept
from graphs.spending import ask, check_limit, estimate, limit_cost
from graphs.summary import print_estimate, print_summary, summarise
from store.db import Database, open_db
from store.requests import KEY, Asked, close_request, find_newest_run, hold_requests, list_open, read_origin
from store.runs import Maker, PlanLine, Run, count_failed, find_config_of
from taxonomy.refusal import InputError


@dataclass(frozen=True, slots=True)
class Group:
    """The requests on dialogues of one run: they are played on its settings, in one run of their own."""

    job: Job
    requested: Requested
    told: Estimate


def carry_out(request: Request) -> int:
    """Play the open requests, or estimate them; returns the exit code."""
    environment = read_environment()
    flags = read_flags(request.settings)
    barred = [f"--{key}" for key in flags if key not in (*MAY_CHANGE, "count")]
    others = {"--config": request.config, "--fresh": request.fresh, "--resume": request.resume is not None}
    barred += [flag for flag, is_given in others.items() if is_given]
    if barred:
        raise InputError(f"--requests keeps the settings of each dialogue's own run; leave out {', '.join(barred)}")
    config, _ = resolve_config(flags, None, environment)
    database = open_db(config.db, create=False, synchronous=config.synchronous)
    kept = {key: getattr(config, key) for key in MAY_CHANGE if key in flags}
    groups, refused, is_blocked = plan(
        database, list_requests(database, flags.get("count")), config.db, kept, environment
    )
    for asked, reason in refused:
        if not request.dry_run:
            close_request(database, asked, reason, **make(is_rehearsal=False))
    if request.dry_run:
        for group in groups:
            print_estimate(group.told, in_full=True, name=f"at most, on run {group.requested.run}")
        return 0
    for group in groups:
        check_keys(group.job, environment)
    for group in groups:
        is_limited = group.job.config.max_cost is not None
        ask(group.told, yes=request.yes, is_limited=is_limited, name=f"at most, on run {group.requested.run}")
    code, summaries = play_groups(groups, database, environment)
    if request.json:
        print(json.dumps({"refused": [asked.id for asked, _ in refused], "runs": summaries}, ensure_ascii=False))
    return code or (PARTIAL if refused or is_blocked else 0)


def list_requests(database: Database, count: int | None) -> list[Asked]:
    """Return the requests to carry out, oldest first; say which of them a run has that is not finished."""
    asked = list_open(database)
    for run in sorted({one.held_by for one in asked if one.held_by is not None}):
        named = ", ".join(str(one.id) for one in asked if one.held_by == run)
        print(f"request {named} belongs to run {run}, which is unfinished; --resume {run} goes on with it")
    free = [one for one in asked if one.held_by is None]
    if not free:
        print("no request is open: nothing to run")
    return free[:count]


def plan(
    database: Database,
    asked: Sequence[Asked],
    db: str,
    kept: Mapping[str, Any],
    environment: Mapping[str, str],
) -> tuple[list[Group], list[tuple[Asked, str]], bool]:
    """Return the requests by run, those that cannot be carried out with the reason, and whether others are held up."""
    refused: list[tuple[Asked, str]] = []
    by_run: dict[int, list[Asked]] = {}
    for one in asked:
        reason = find_obstacle(database, one)
        if reason is None:
            by_run.setdefault(one.run_id, []).append(one)
        else:
            print(f"request {one.id} cannot be carried out: {reason}")
            refused.append((one, reason))
    groups: list[Group] = []
    newest = find_newest_run(database)
    for run, members in by_run.items():
        requested = Requested(run=run, lines=tuple(one.id for one in members), draw=newest)
        try:
            groups.append(open_group(database, requested, db, kept, environment))
        except InputError as error:
            named = ", ".join(str(one.id) for one in members)
            print(f"request {named} stays open: {error}")
    return groups, refused, len(groups) < len(by_run)


def find_obstacle(database: Database, asked: Asked) -> str | None:
    """Return why a request can never be carried out, or None."""
    if not asked.is_played:
        return f"dialogue {asked.dialogue_id} was not played here"
    try:
        find_kept(read_origin(database, asked.id))
    except InputError as error:
        return str(error)
    return None


def open_group(
    database: Database, requested: Requested, db: str, kept: Mapping[str, Any], environment: Mapping[str, str]
) -> Group:
    """Return the requests on one run with the job that plays them: its settings, but for limits and counts."""
    settings, _ = read_settings(find_config_of(database, requested.run).config, db)
    given = {"count": None, "fill": None, "max_calls": None, "max_cost": None, **kept}
    job = prepare(settings.model_copy(update=given), environment, requested)
    check_limit(job)
    warn_of_one_judge(job)
    return Group(job, requested, estimate(job, range(len(requested.lines))))


def play_groups(
    groups: Sequence[Group], database: Database, environment: Mapping[str, str]
) -> tuple[int, list[dict[str, Any]]]:
    """Play one group after the other, within one budget; returns the exit code and a summary of each."""
    summaries: list[dict[str, Any]] = []
    calls, money, failed = 0, 0.0, 0
    for group in groups:
        run = hold(group, database)
        print(f"run {run.id} plays {run.count} of run {group.requested.run} again")
        played = play_sessions(group.job, database, run, environment, (calls, money))
        cost = limit_cost(group.job.config)
        calls += played.tally.calls
        money += played.tally.cost.get(cost.currency, 0.0) if cost is not None else 0.0
        ending, told = played.ending, (run, played.outcomes, played.left, played.tally, played.ending, played.seconds)
        print_summary(*told, group.job.config.db)
        summaries.append(json.loads(summarise(*told)))
        if code := stop_code(played):
            return code, summaries
        failed += played.left + count_failed(database, run.id)
        if ending.spent is not None:
            break
    return PARTIAL if failed else 0, summaries


def stop_code(played: Played) -> int:
    """Return the exit code of what ends the whole command, else 0."""
    if played.ending.refused is not None:
        return played.ending.refused.exit_code
    return INTERRUPTED if played.ending.interrupted else 0


def hold(group: Group, database: Database) -> Run:
    """Return the run of a group; its settings are those of the run that it is about, and name the requests."""
    job, config = group.job, group.job.config
    line = PlanLine(job.recipe.name, config.language or "", config.seed, job.units.source)
    settings = config.model_dump(mode="json", exclude={"db"}) | {KEY: group.requested.model_dump(mode="json")}
    return hold_requests(database, line, group.requested.lines, settings, **make(is_rehearsal=job.is_rehearsal))


def make(*, is_rehearsal: bool) -> Maker:
    """Return what a run keeps of the code and the models that make it."""
    return {
        "versions": list_versions(),
        "prompts": list_prompt_hashes(),
        "git_commit": find_commit(),
        "is_rehearsal": is_rehearsal,
    }
