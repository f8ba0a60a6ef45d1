"""Tells the figures of a comparison to a machine."""

from typing import Any

from graphs.compare.account import list_account, sum_judging
from graphs.compare.figures import Standings
from store.comparison_calls import Amount, Took, add_up


def describe(standings: Standings) -> dict[str, Any]:
    """Return what is told to a machine."""
    account = list_account(standings)
    return {
        "comparison": standings.comparison.run,
        "models": {
            label: {
                "asked_for": endpoint.model_for("counselor"),
                "served": list(standings.find_took("answer", label).served),
                "rehearsal": endpoint.rehearsal,
            }
            for label, endpoint in standings.contest.models.items()
        },
        "judge": {
            "name": standings.contest.judge.name,
            "model": standings.contest.judge.model_for("critic"),
            "rehearsal": standings.contest.judge.rehearsal,
        },
        "questions": len(standings.contest.questions),
        "answered": dict(standings.answered),
        "by_life": {life: dict(told) for life, told in standings.by_life.items()},
        "took": [{"for": row.key.removeprefix("took_"), "name": row.name} | describe_took(row.took) for row in account],
        "took_in_all": describe_took(add_up(row.took for row in account)),
        "judging": describe_took(sum_judging(standings)),
        "pairs": list(standings.pairs),
        "differences": list(standings.differences),
        "finding_differences": list(standings.found_differences),
        "sessions": {label: describe_sessions(standings, label) for label in standings.sat},
        "session_differences": list(standings.sat_differences),
        "session_finding_differences": list(standings.sat_found_differences),
    }


def describe_sessions(standings: Standings, label: str) -> dict[str, Any]:
    """Return one model's sessions for a machine."""
    sat = standings.sat[label]
    return {
        "run": sat.run,
        "outcomes": sat.outcomes,
        "lines": sat.lines,
        "drafts": {key: getattr(standings.drafts[label], key) for key in ("kept", "refused", "first", "first_refused")},
        "rules": sat.rules,
        "roles": {
            purpose.role: describe_took(took)
            for purpose, took in standings.calls.items()
            if (purpose.kind, purpose.model) == ("session", label)
        },
        "scores": list(standings.sat_scores[label]),
        "unscored": dict(standings.sat_unscored[label]),
    }


def describe_took(took: Took) -> dict[str, Any]:
    """Return what calls took for a machine."""
    return {
        "calls": took.calls,
        "prompt_tokens": describe_amount(took.prompt_tokens, took.calls),
        "completion_tokens": describe_amount(took.completion_tokens, took.calls),
        "reasoning_tokens": describe_amount(took.reasoning_tokens, took.calls),
        "untold": {
            "prompt_tokens": took.prompt_tokens.untold,
            "completion_tokens": took.completion_tokens.untold,
            "reasoning_tokens": took.reasoning_tokens.untold,
        },
        "price": dict(took.price),
        "unpriced": took.unpriced,
        "median_latency_s": took.median_latency,
    }


def describe_amount(amount: Amount, calls: int) -> int | None:
    """Return a sum of tokens, the least where some are untold; None where none of the calls told theirs."""
    return None if calls and amount.untold == calls else amount.sum
