"""Takes critics through many dialogues: estimate, budget, signals and closing words, as a run of sessions has them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from agents.cast import Role
from agents.endpoint import Endpoint, read_key
from agents.errors import ModelError
from agents.gateway import Gateway
from agents.policy import Policy
from agents.tally import Tally
from graphs.config import RunConfig
from graphs.crew import Crew, Ending, count_open, find_loop_factory
from graphs.estimate import Estimate
from graphs.judging.critics import Work
from graphs.progress import Progress, shorten
from graphs.provenance import find_commit, list_prompt_hashes, list_versions
from graphs.spending import ask, open_budget
from graphs.summary import print_estimate
from store.db import Database
from store.errors import StoreError
from store.judge_runs import start_judging
from store.ledger import Ledger
from store.runs import end_run

PARTIAL, INTERRUPTED = 3, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was asked for: by which policy, of which models, and how often."""

    config: RunConfig
    environment: Mapping[str, str]
    endpoints: Mapping[Role, Endpoint]
    policy: Policy | None
    """The policy that was named; without one each dialogue keeps its own."""
    default_policy: Policy
    rubrics: tuple[str, ...]
    repeats: int
    inner_voice: bool
    dry_run: bool
    yes: bool
    is_afresh: bool = False
    """Whether a verdict that a session's own recipe asked for counts as none."""
    elsewhere: tuple[int, float] = (0, 0.0)
    """Calls and money that count towards the limits beside this judging's own."""
    blind_to: tuple[str, ...] | None = None
    """Names that may not tell the critic who speaks; without, it is shown the lines as they were said."""
    goes_on: str = "the same command"
    """What goes on with what is left."""

    @property
    def is_rehearsal(self) -> bool:
        """Whether any of the models is the rehearsal's."""
        return any(endpoint.rehearsal for endpoint in self.endpoints.values())


Play = Callable[[Work, int], Awaitable[str]]
"""Judges what stands at a position; returns how it went, in a word for the summary."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is judged: `name` tells one file from another, and is empty for the store."""

    name: str
    count: int
    positions: Iterable[int]
    play: Play


def launch(plan: Plan, database: Database, told: Estimate, source: Source) -> tuple[int, dict[str, Any]]:
    """Judge it all, and say what came of it; returns the exit code, and the summary for a machine."""
    if plan.dry_run:
        print_estimate(told, in_full=True)
        return 0, {"asked": source.count}
    for endpoint in plan.endpoints.values():
        read_key(endpoint, plan.environment)
    ask(told, yes=plan.yes, is_limited=plan.config.max_cost is not None)
    started = time.monotonic()
    config = plan.config
    named = {"rubrics": plan.rubrics, "repeats": plan.repeats, "inner_voice": plan.inner_voice}
    run = start_judging(
        database,
        source=source.name,
        count=source.count,
        config={"model": config.model, "cast": config.cast, **named},
        versions=list_versions(),
        prompts=list_prompt_hashes(),
        git_commit=find_commit(),
        is_rehearsal=plan.is_rehearsal,
    )
    tally = Tally()
    budget = open_budget(config, tally, database, run.id, plan.elsewhere)
    progress = Progress(source.count, 0, tally, f"judging {run.id}", unit="dialogue")

    async def act() -> Ending:
        gateway = Gateway(plan.environment, config.concurrency, budget=budget)
        for endpoint in plan.endpoints.values():
            gateway.open_client(endpoint)
        ledger = Ledger(database, run.id, run.owner)
        work = Work(run.id, database, gateway, ledger, tally, plan.endpoints, plan.policy, plan.default_policy)

        async def play(position: int) -> None:
            try:
                progress.add(await source.play(work, position))
            except ModelError as error:
                if error.stops_run:
                    raise
                progress.say(str(error))
                progress.add("failed")

        try:
            crew = Crew(gateway, progress.say, play)
            return await crew.run(source.positions, max(1, count_open(source.count, config.concurrency)))
        finally:
            await ledger.close()
            await gateway.aclose()

    status = "interrupted"
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as loop:
            ending = loop.run(act())
        left = source.count - sum(progress.outcomes.values())
        status = "interrupted" if left else "finished"
    finally:
        progress.close()
        # A database that failed in the run fails here as well; the first of the two errors is the one to tell.
        with suppress(StoreError):
            end_run(database, run, status)
    seconds = time.monotonic() - started
    print_ending(run.id, progress.outcomes, left, tally, ending, seconds, plan.goes_on)
    summary = {
        "judging": run.id,
        "outcomes": dict(progress.outcomes),
        "left": left,
        "seconds": round(seconds, 2),
        "calls": tally.calls,
        "tokens": tally.tokens,
        "cost": dict(tally.cost),
        "refused": str(ending.refused) if ending.refused else None,
        "budget": ending.spent,
    }
    return read_code(ending, left, progress.outcomes), summary


def read_code(ending: Ending, left: int, outcomes: Mapping[str, int]) -> int:
    """Return the exit code."""
    if ending.refused is not None:
        return ending.refused.exit_code
    if ending.interrupted:
        return INTERRUPTED
    return PARTIAL if left or outcomes.get("failed") else 0


def print_ending(
    run_id: int,
    outcomes: Mapping[str, int],
    left: int,
    tally: Tally,
    ending: Ending,
    seconds: float,
    goes_on: str,
) -> None:
    """Print what came of it, and what to do next."""
    counted = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items())) or "none"
    cost = ", ".join(f"{amount:.2f} {currency}" for currency, amount in tally.cost.items()) or "no cost"
    print(f"judging {run_id}: {sum(outcomes.values())} dialogues in {seconds:.0f} s ({counted}), {left} left")
    print(f"{tally.calls} calls, {shorten(tally.tokens)} tokens, cache {tally.share_repeated():.0%}, {cost}")
    if ending.refused is not None:
        print(f"stopped: {ending.refused}")
    if ending.spent is not None:
        print(f"stopped: {ending.spent} used up")
    if left:
        print(f"{goes_on} goes on with what is left; nothing that was answered is asked again")
