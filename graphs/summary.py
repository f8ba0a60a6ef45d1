"""Says what a run will take before it starts, and what came of it and what to do next when it has ended."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from agents.budget import Cost
from agents.tally import Tally
from graphs.crew import Ending
from graphs.estimate import Estimate
from graphs.fill import Filling
from graphs.job import Job
from graphs.progress import shorten
from graphs.stored_units import StoredSeeds
from graphs.units import TextUnits
from store.address import mask_url
from store.runs import Run

SHOWN = 3
"""Rows that cannot be used and are named."""
MOST_NAMED = 20
"""Cells that gave up and are named; the rest are counted."""


def name_skipped(job: Job) -> None:
    """Say which of the texts that were brought cannot be used."""
    skipped = job.units.skipped if isinstance(job.units, TextUnits | StoredSeeds) else []
    if skipped:
        named = "; ".join(f"{row.file}:{row.row} {row.reason}" for row in skipped[:SHOWN])
        more = f"; and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        print(f"skipped {len(skipped)} rows: {named}{more}")


def print_estimate(estimate: Estimate, *, in_full: bool, name: str = "estimate") -> None:
    """Print what a run will take: by role when asked for in full, else in one line."""
    if in_full:
        print(f"{'role':<12}{'calls':>10}{'prompt tokens':>16}{'answer tokens':>16}")
        for role, calls in estimate.calls.items():
            prompt, answer = shorten(estimate.prompt[role]), shorten(estimate.completion[role])
            print(f"{role:<12}{shorten(calls):>10}{prompt:>16}{answer:>16}")
    calls, tokens = (
        sum(estimate.calls.values()),
        sum(estimate.prompt.values()) + sum(estimate.completion.values()),
    )
    print(
        f"{name}: {estimate.sessions} sessions, {shorten(calls)} calls, {shorten(tokens)} tokens, {word_cost(estimate)}"
    )


def print_reach(estimate: Estimate, most_calls: int | None, most_cost: Cost | None) -> None:
    """Print how far a budget will go."""
    limits: list[tuple[str, float, float]] = []
    if most_calls is not None:
        limits.append((f"--max-calls {most_calls}", most_calls, sum(estimate.calls.values())))
    if most_cost is not None:
        limits.append((f"--max-cost {most_cost}", most_cost.amount, estimate.cost[most_cost.currency]))
    for name, limit, total in limits:
        sessions = int(estimate.sessions * min(1.0, limit / total)) if total else estimate.sessions
        print(f"{name} is enough for about {sessions} of {estimate.sessions} sessions")


def word_cost(estimate: Estimate) -> str:
    """Return the estimated cost in words."""
    parts = [f"at most {amount:.2f} {currency}" for currency, amount in estimate.cost.items()]
    if estimate.unpriced:
        parts.append(f"unknown cost at {', '.join(sorted(estimate.unpriced))} (no prices in its endpoint file)")
    return ", ".join(parts) or "no cost"


def print_summary(
    run: Run,
    outcomes: Mapping[str, int],
    left: int,
    tally: Tally,
    ending: Ending,
    seconds: float,
    db: str,
) -> None:
    """Print what came of a run, and what to do next."""
    total = sum(outcomes.values())
    counted = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items())) or "none"
    print(f"run {run.id}: {total} sessions in {seconds:.0f} s ({counted}), {left} left")
    told = tally.share_told()
    share = f"cache {tally.share_repeated():.0%}" + (f" (the endpoint says {told:.0%})" if told is not None else "")
    cost = ", ".join(f"{amount:.2f} {currency}" for currency, amount in tally.cost.items()) or "no cost"
    print(f"{tally.calls} calls, {shorten(tally.tokens)} tokens, {share}, {cost}")
    where = "" if db == "sqlite:///factory.db" else f" --db {mask_url(db)}"
    if ending.refused is not None:
        print(f"stopped: {ending.refused}")
    if ending.spent is not None:
        print(f"stopped: {ending.spent} used up; --resume with a higher limit goes on")
    if left:
        print(f"go on:  python -m graphs.run --resume {run.id}{where}")
    if total:
        print(f"next:   python -m store.dialogues list{where}")


def print_cells(filling: Filling) -> None:
    """Print how many cells are filled, and name those that gave up."""
    wanted, counts = filling.wanted, filling.counts
    states = count_states(filling)
    print(
        f"{len(counts)} cells, {wanted} wanted in each: {states['accepted']} have them accepted,"
        f" {states['waiting']} with some that wait for a person, {states['missing']} lack {filling.missing} in all"
    )
    lost = filling.list_lost()
    for cell in lost[:MOST_NAMED]:
        count = counts[cell]
        print(
            f"gave up after {count.own} sessions: {cell.emotion} x {cell.scene}"
            f" ({count.accepted} accepted, {count.waiting} waiting)"
        )
    if len(lost) > MOST_NAMED:
        print(f"and {len(lost) - MOST_NAMED} more cells gave up; --json names them all")


def count_states(filling: Filling) -> dict[str, int]:
    """Return how many cells have all they want accepted, have it with some waiting, and lack some."""
    counts = filling.counts.values()
    accepted = sum(count.accepted >= filling.wanted for count in counts)
    held = sum(count.held >= filling.wanted for count in counts)
    return {"accepted": accepted, "waiting": held - accepted, "missing": len(counts) - held}


def describe_cells(filling: Filling) -> dict[str, Any]:
    """Return what the summary in JSON says of a fill."""
    return {
        "wanted": filling.wanted,
        "cells": count_states(filling),
        "missing": filling.missing,
        "gave_up": [cell._asdict() | asdict(filling.counts[cell]) for cell in filling.list_lost()],
    }


def summarise(
    run: Run,
    outcomes: Mapping[str, int],
    left: int,
    tally: Tally,
    ending: Ending,
    seconds: float,
    filling: Filling | None = None,
) -> str:
    """Return the summary as one line of JSON."""
    roles = {
        role: {
            "calls": count.calls,
            "prompt_tokens": count.prompt,
            "repeated_tokens": count.repeated,
            "completion_tokens": count.completion,
            "reasoning_tokens": count.reasoning,
        }
        for role, count in tally.roles.items()
    }
    return json.dumps(
        {
            "run": run.id,
            "outcomes": dict(outcomes),
            "left": left,
            "seconds": round(seconds, 2),
            "calls": tally.calls,
            "tokens": tally.tokens,
            "cost": dict(tally.cost),
            "cache_share": round(tally.share_repeated(), 4),
            "cache_share_told": tally.share_told(),
            "interrupted": ending.interrupted,
            "refused": str(ending.refused) if ending.refused else None,
            "budget": ending.spent,
            "roles": roles,
        }
        | ({"fill": describe_cells(filling)} if filling is not None else {}),
        ensure_ascii=False,
    )
