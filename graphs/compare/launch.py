"""Takes a comparison from its settings to its start, or up where it stopped; all is checked before a row is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.budget import check_prices
from agents.endpoint import read_key
from agents.question_set import load_questions
from graphs.alike import print_estimates
from graphs.compare.course import Telling, carry_out
from graphs.compare.kept import check_making, describe_making
from graphs.compare.plan import (
    Contest,
    choose_recipe,
    choose_spoken,
    describe_endpoints,
    draw_contest,
    estimate_contest,
    line_of,
    read_models,
    split_rubrics,
)
from graphs.config import RunConfig, find_config, read_environment, resolve_config
from graphs.judging.command import check_rubrics
from graphs.launch import MAY_CHANGE, read_flags
from graphs.league.plan import sum_up
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from graphs.spending import ask, limit_cost
from store.comparisons import find_comparison, list_unfinished, start_comparison
from store.db import Database, open_db
from store.runs import next_position, resume_run
from taxonomy.refusal import InputError
from taxonomy.source import show_path

REPORTS = Path("reports")


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    settings: dict[str, Any]
    models: str | None
    questions: tuple[str, ...]
    sessions: int | None
    recipe: str | None
    judge: str | None
    client: str | None
    rubrics: tuple[str, ...]
    out: Path | None
    dry_run: bool
    resume: str | None
    yes: bool
    json: bool


def launch(request: Request) -> int:
    """Start or resume a comparison, or estimate it; returns the exit code."""
    environment = read_environment()
    flags = read_flags(request.settings)
    check_out(request.out)
    if request.resume is not None:
        return resume(request, flags, environment)
    config, _ = resolve_config(flags, None, environment)
    # What a comparison has no flag for is not taken from the environment either.
    config = config.model_copy(update={"count": None, "fill": None, "stored": None, "seeds": None, "switches": {}})
    settings = settle(request, config, environment)
    contest = draw_contest(settings, config, environment)
    check(contest)
    told = estimate_contest(contest, 0)
    total = sum_up(told)
    if request.dry_run:
        print_estimates(told, total, config)
        return 0
    for endpoint in contest.endpoints.values():
        read_key(endpoint, environment)
    ask(total, yes=request.yes, is_limited=config.max_cost is not None)
    database = open_db(config.db, synchronous=config.synchronous)
    return begin(request, settings, contest, database, environment)


def settle(request: Request, config: RunConfig, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that a comparison is stored with; the questions stand in them word for word."""
    models = read_models(request.models, environment)
    if not request.questions:
        raise InputError("--questions: name a question set or more, as in --questions configs/questions/*.yaml")
    if request.sessions is not None and request.sessions < 0:
        raise InputError(f"--sessions {request.sessions}: at least 0")
    if request.recipe and not request.sessions:
        raise InputError(f"--recipe {request.recipe}: it is the method of the sessions; add --sessions N")
    check_rubrics(list(request.rubrics))
    answer_rubrics, session_rubrics = split_rubrics(request.rubrics)
    paths = [find_config("questions", name) for name in request.questions]
    questions = load_questions(paths, config.language)
    # Only --judge and --client name these two: a model of the run's own settings would be a third word for them.
    judge = request.judge or config.model
    return {
        # A list: the order in which they were named must outlive the store, which sorts keys.
        "models": list(models.items()),
        "judge": judge,
        "client": request.client or judge,
        "questions": [question.model_dump(mode="json") for question in questions],
        "files": [path.name for path in paths],
        "answer_rubrics": list(answer_rubrics),
        "session_rubrics": list(session_rubrics),
        "sessions": request.sessions or 0,
        "recipe": choose_recipe(request.recipe or config.recipe),
        "language": config.language,
        "session_language": choose_spoken(config.language, questions),
        "seed": config.seed,
        "config": config.model_dump(mode="json", exclude={"db"}),
    }


def check(contest: Contest) -> None:
    """Raise InputError where the limit cannot be held; say so where the judge may favour its own."""
    cost = limit_cost(contest.config)
    if cost is not None:
        check_prices(cost, list(contest.endpoints.values()))
    if contest.judge.rehearsal:
        print("the judge is the rehearsal model, which is no judge: nothing it says is about quality; --judge MODEL")
    for label in contest.list_judges_own():
        if not contest.judge.rehearsal:
            print(f"the judge plays on the model of {label} and would judge its own work: --judge MODEL")


def begin(
    request: Request, settings: dict[str, Any], contest: Contest, database: Database, environment: Mapping[str, str]
) -> int:
    """Store the comparison and carry it out; its sessions go on where the plan stopped in this database.

    So no client is one of those whose sessions a tuned model may have learnt from.
    """
    for number, is_alive in list_unfinished(database):
        state = "still going" if is_alive else f"--resume {number} goes on with it"
        print(f"comparison {number} is unfinished; {state}")
    first = max((next_position(database, line_of(job)) for job in contest.jobs.values()), default=0)
    if first:
        print(f"the sessions go on at position {first} of the plan")
    settings |= {"first_position": first, "endpoints": describe_endpoints(contest)} | describe_making(contest)
    run = start_comparison(
        database,
        settings,
        len(contest.questions),
        versions=list_versions(),
        prompts=list_prompt_hashes(),
        git_commit=find_commit(),
        is_rehearsal=bool(contest.rehearsed),
    )
    telling = Telling(request.out or REPORTS / f"compare-{run.id}", request.json)
    return carry_out(telling, contest, database, run.id, run, environment)


def resume(request: Request, flags: dict[str, Any], environment: Mapping[str, str]) -> int:
    """Go on with a comparison under the settings it was started with; of one that is finished, tell the figures."""
    barred = [f"--{key}" for key in flags if key not in MAY_CHANGE]
    others = {
        "--models": request.models, "--questions": request.questions, "--sessions": request.sessions,
        "--recipe": request.recipe, "--judge": request.judge, "--client": request.client, "--rubric": request.rubrics,
        "--dry-run": request.dry_run,
    }  # fmt: skip
    barred += [flag for flag, value in others.items() if value]
    if barred:
        raise InputError(f"--resume keeps the comparison's own settings; leave out {', '.join(barred)}")
    if request.resume and not request.resume.isdecimal():
        raise InputError(f"--resume {request.resume!r}: name a comparison by its number")
    config, _ = resolve_config(flags, None, environment)
    database = open_db(config.db, create=False, synchronous=config.synchronous)
    found = find_comparison(database, int(request.resume) if request.resume else None)
    settings = found.settings
    kept = {key: getattr(config, key) for key in MAY_CHANGE if key in flags}
    config = RunConfig.model_validate({**settings["config"], "db": config.db, **kept})
    contest = draw_contest(settings, config, environment)
    check_same(contest, settings, found.run)
    check(contest)
    run = None
    if found.status != "finished":
        check_making(contest, found)
        for endpoint in contest.endpoints.values():
            read_key(endpoint, environment)
        run = resume_run(database, found.run)
    telling = Telling(request.out or REPORTS / f"compare-{found.run}", request.json)
    return carry_out(telling, contest, database, found.run, run, environment)


def check_same(contest: Contest, settings: Mapping[str, Any], run: int) -> None:
    """Raise InputError where an endpoint is not what it was: half the answers would be another model's."""
    for name, endpoint in describe_endpoints(contest).items():
        if settings["endpoints"].get(name) != endpoint:
            raise InputError(f"--resume {run}: the endpoint {name} has changed since it began; start a new comparison")


def check_out(out: Path | None) -> None:
    """Raise InputError where the reports could not be written when all has been paid for."""
    for folder in [out, *out.absolute().parents] if out is not None else [REPORTS]:
        if folder.is_dir():
            return
        if folder.exists():
            raise InputError(f"--out {show_path(folder)}: is no folder; name another one")
