"""Takes a league from its settings to its start, or up where it stopped; all is checked before any row is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from agents.budget import check_prices
from graphs.alike import print_estimates
from graphs.config import RunConfig, read_environment, resolve_config
from graphs.job import warn_of_one_judge
from graphs.judging.command import check_rubrics
from graphs.judging.rules import USUAL_RUBRIC
from graphs.launch import MAY_CHANGE, check_keys, read_flags
from graphs.league.course import Telling, carry_out
from graphs.league.plan import Draw, draw_seeds, estimate_league, line_of, read_recipes, sum_up
from graphs.spending import ask, check_limit, limit_cost
from store.db import Database, open_db
from store.league.entries import League, find_league, list_leagues
from store.runs import next_position
from taxonomy.refusal import InputError
from taxonomy.source import show_path


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    settings: dict[str, Any]
    recipes: str | None
    sessions: int | None
    rubrics: tuple[str, ...]
    html: Path | None
    dry_run: bool
    resume: str | None
    fresh: bool
    yes: bool
    json: bool


def launch(request: Request) -> int:
    """Start or resume a league, or estimate it; returns the exit code."""
    environment = read_environment()
    flags = read_flags(request.settings)
    if request.html is not None and not request.html.absolute().parent.is_dir():
        raise InputError(f"--html {show_path(request.html)}: there is no such folder")
    if request.resume is not None:
        return resume(request, flags, environment)
    names = read_recipes(request.recipes)
    rubrics = request.rubrics or (USUAL_RUBRIC,)
    check_rubrics(list(rubrics))
    if request.sessions is not None and request.sessions < 1:
        raise InputError(f"--sessions {request.sessions}: at least 1")
    config, _ = resolve_config(flags, None, environment)
    # What a league has no flag for is not taken from the environment either.
    config = config.model_copy(update={"count": None, "fill": None, "stored": None, "switches": {}})
    draw = draw_seeds(config, names, environment)
    check(draw, config)
    for name, unusable in draw.skipped.items():
        print(f"{name} cannot use {unusable.rows} rows, so nobody plays them; of the first it says: {unusable.reason}")
    size = draw.units.size()
    wanted = request.sessions or draw.units.round()
    told = estimate_league(draw, range(wanted if size is None else min(wanted, size)), rubrics)
    total = sum_up(told)
    if request.dry_run:
        print_estimates(told, total, config)
        return 0
    for job in draw.jobs.values():
        check_keys(job, environment)
    ask(total, yes=request.yes, is_limited=config.max_cost is not None)
    database = open_db(config.db, synchronous=config.synchronous)
    league = begin(request, draw, config, database, rubrics, wanted)
    return carry_out(Telling(request.html, request.json), draw, config, database, league, environment)


def check(draw: Draw, config: RunConfig) -> None:
    """Raise InputError where the limit cannot be held; say so where the judge is the counselor's model."""
    for job in draw.jobs.values():
        check_limit(job)
    cost = limit_cost(config)
    if cost is not None:
        check_prices(cost, [draw.critic])
    for job in draw.jobs.values():
        if "counselor" in job.endpoints:
            warn_of_one_judge(replace(job, endpoints={**job.endpoints, "critic": draw.critic}))
            return


def begin(
    request: Request, draw: Draw, config: RunConfig, database: Database, rubrics: tuple[str, ...], wanted: int
) -> League:
    """Settle which positions of the plan are played: those that no recipe has played yet in this database."""
    size = draw.units.size()
    first = 0
    if not request.fresh:
        first = max(next_position(database, line_of(draw, config, name)) for name in draw.jobs)
    last = first + wanted if size is None else min(first + wanted, size)
    if first >= last:
        raise InputError(f"all {size} rows of {draw.units.source} have been played; --fresh plays them again")
    for unfinished in list_leagues(database):
        if not unfinished.is_played:
            is_alive = any(entry.is_alive for entry in unfinished.entries.values())
            state = "still going" if is_alive else f"--resume {unfinished.name} goes on with it"
            print(f"league {unfinished.name} is unfinished; {state}")
    if first:
        print(f"going on at position {first} of the plan; --fresh starts at 0")
    return League(
        name=uuid4().hex[:6],
        recipes=tuple(draw.jobs),
        rubrics=rubrics,
        first_position=first,
        count=last - first,
        source=draw.units.source,
        skipped=draw.skipped,
        config=config.model_dump(mode="json", exclude={"db"}),
        entries={},
    )


def resume(request: Request, flags: dict[str, Any], environment: Mapping[str, str]) -> int:
    """Go on with a league under the settings it was started with; of one that is finished, tell the figures."""
    barred = [f"--{key}" for key in flags if key not in MAY_CHANGE]
    others = {"--recipes": request.recipes, "--sessions": request.sessions, "--rubric": request.rubrics}
    barred += [flag for flag, value in others.items() if value]
    barred += [flag for flag, is_on in (("--fresh", request.fresh), ("--dry-run", request.dry_run)) if is_on]
    if barred:
        raise InputError(f"--resume keeps the league's own settings; leave out {', '.join(barred)}")
    config, _ = resolve_config(flags, None, environment)
    database = open_db(config.db, create=False, synchronous=config.synchronous)
    league = find_league(database, request.resume or "")
    kept = {key: getattr(config, key) for key in MAY_CHANGE if key in flags}
    config = RunConfig.model_validate({**league.config, "db": config.db, **kept})
    draw = draw_seeds(config, league.recipes, environment)
    if draw.units.source != league.source:
        raise InputError(f"--resume {league.name}: {league.source} has changed since; it is now {draw.units.source}")
    check(draw, config)
    if not league.is_played:
        for job in draw.jobs.values():
            check_keys(job, environment)
    return carry_out(Telling(request.html, request.json), draw, config, database, league, environment)
