"""What a run may spend: estimated before it starts, asked about where it is dear, and held to its limits."""

from agents.budget import Budget, Cost, check_prices, read_cost
from agents.tally import Tally
from graphs.config import RunConfig
from graphs.estimate import Estimate, estimate_run
from graphs.job import Job
from graphs.summary import print_estimate, word_cost
from graphs.units import list_plans
from store.db import Database
from store.runs import sum_spent
from taxonomy.refusal import InputError

ASK_ABOVE = 5.0
"""Units of an endpoint's currency above which a run needs --yes."""
SAMPLE = 1_000
"""Sessions from which a larger plan is estimated."""


def check_limit(job: Job) -> None:
    """Raise InputError where --max-cost is given and an endpoint's cost cannot be held against it."""
    cost = limit_cost(job.config)
    if cost is not None:
        check_prices(cost, job.endpoints.values())


def limit_cost(config: RunConfig) -> Cost | None:
    """Return the limit of --max-cost."""
    return read_cost(config.max_cost) if config.max_cost is not None else None


def open_budget(
    config: RunConfig, tally: Tally, database: Database, run_id: int, elsewhere: tuple[int, float] = (0, 0.0)
) -> Budget:
    """Return what is left to spend: the limits, less what the run and, in calls and money, others have spent before."""
    most_cost = limit_cost(config)
    calls, cost = sum_spent(database, run_id, most_cost.currency if most_cost else "")
    return Budget(tally, config.max_calls, most_cost, calls + elsewhere[0], cost + elsewhere[1])


def estimate(job: Job, positions: range) -> Estimate:
    """Return what the sessions at these positions will take, from an even sample where they are many."""
    sample = positions[:: max(1, len(positions) // SAMPLE)]
    plans = list_plans(job.units, sample)
    told = estimate_run(job.recipe, job.switches, plans, job.endpoints, job.config.language or "zh")
    return told.scale(len(positions))


def ask(told: Estimate, *, yes: bool, is_limited: bool, name: str = "estimate") -> None:
    """Print the estimate of a paid run; raises InputError where it needs --yes or --max-cost and has neither."""
    if not told.cost and not told.unpriced:
        return
    print_estimate(told, in_full=False, name=name)
    if yes or is_limited:
        return
    if told.unpriced:
        raise InputError(f"{word_cost(told)}; add --yes to start it, or give the endpoint file its prices")
    if any(amount > ASK_ABOVE for amount in told.cost.values()):
        raise InputError(
            f"this run may cost more than {ASK_ABOVE:g} ({word_cost(told)}); add --yes or --max-cost to start it"
        )
