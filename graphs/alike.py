"""What a league of methods and a comparison of models share: run beside run under one limit, then judged alike."""

from collections.abc import Collection, Mapping, Sequence

from agents.endpoint import Endpoint
from agents.policy import load_policy
from graphs.config import RunConfig, find_config
from graphs.crew import Ending
from graphs.estimate import Estimate
from graphs.job import Job
from graphs.judging.launch import Plan
from graphs.judging.rules import judge_all
from graphs.judging.stored import ask_critics
from graphs.launch import INTERRUPTED, PARTIAL, Played, play_sessions
from graphs.spending import limit_cost
from graphs.summary import print_estimate, print_reach
from store.db import Database
from store.judging import list_ids
from store.league.entries import sum_calls
from store.runs import Run, sum_spent

Stop = tuple[int, str]
"""An exit code, and what stopped all before the end."""


def print_estimates(told: Mapping[str, Estimate], total: Estimate, config: RunConfig) -> None:
    """Print what each part will take, all of it by role, and how far the limits will go."""
    for name, one in told.items():
        print_estimate(one, in_full=False, name=name)
    print_estimate(total, in_full=True, name="in all")
    print_reach(total, config.max_calls, limit_cost(config))


def spent_elsewhere(config: RunConfig, database: Database, run: Run, runs: Collection[int]) -> tuple[int, float]:
    """Return the calls and the money that all these runs but one have taken from the limits they share."""
    currency = cost.currency if (cost := limit_cost(config)) else ""
    calls, money = sum_calls(database, runs, currency)
    own_calls, own_money = sum_spent(database, run.id, currency)
    return calls - own_calls, money - own_money


def play_beside(
    name: str, job: Job, database: Database, run: Run, environment: Mapping[str, str], elsewhere: tuple[int, float]
) -> Played:
    """Play the sessions that are left of one of several runs, and say what they came to."""
    played = play_sessions(job, database, run, environment, elsewhere)
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(played.outcomes.items())) or "none"
    print(f"{name}: run {run.id}, {counted} in {played.seconds:.0f} s, {played.left} left")
    return played


def find_stop(ending: Ending) -> Stop | None:
    """Return what keeps the rest from going on, and say so; None where nothing does."""
    if ending.refused is not None:
        print(f"stopped: {ending.refused}")
        return ending.refused.exit_code, str(ending.refused)
    if ending.interrupted:
        return INTERRUPTED, "interrupted"
    if ending.spent is not None:
        print(f"stopped: {ending.spent} used up; --resume with a higher limit goes on")
        return PARTIAL, ending.spent
    return None


def judge_alike(
    config: RunConfig,
    judge: Endpoint,
    rubrics: tuple[str, ...],
    database: Database,
    sessions: Sequence[int],
    runs: Collection[int],
    environment: Mapping[str, str],
    goes_on: str,
    blind_to: tuple[str, ...] | None = None,
) -> tuple[int, str | None]:
    """Judge the sessions of some runs by the same checks and rubrics; returns an exit code, and what stopped it.

    `runs` are all that share the limits with them; `blind_to` are names that may not tell the judge who speaks.
    """
    default = load_policy(find_config("policy", "default"))
    currency = cost.currency if (cost := limit_cost(config)) else ""
    plan = Plan(
        config=config,
        environment=environment,
        endpoints={"critic": judge},
        policy=None,
        default_policy=default,
        rubrics=rubrics,
        repeats=1,
        inner_voice=False,
        dry_run=False,
        # All of it was asked about when it began.
        yes=True,
        is_afresh=True,
        elsewhere=sum_calls(database, runs, currency),
        blind_to=blind_to,
        goes_on=goes_on,
    )
    ended = [id for run in sessions for id in list_ids(database, run=run, outcomes=("done", "rejected"))]
    judge_all(database, ended, None, default)
    code, told = ask_critics(plan, database, [id for run in sessions for id in list_ids(database, run=run)])
    return code, told.get("refused") or told.get("budget") or ("interrupted" if code == INTERRUPTED else None)
