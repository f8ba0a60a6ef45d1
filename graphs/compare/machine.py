"""Tells the figures of a comparison to a machine."""

from typing import Any

from graphs.compare.figures import Standings
from store.comparison_figures import Took


def describe(standings: Standings) -> dict[str, Any]:
    """Return what is told to a machine."""
    return {
        "comparison": standings.comparison.run,
        "models": {
            label: {
                "asked_for": endpoint.model_for("counselor"),
                "served": list(standings.took[label].served),
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
        "took": {label: describe_took(took) for label, took in standings.took.items()},
        "judging": describe_took(standings.judging),
        "pairs": list(standings.pairs),
        "differences": list(standings.differences),
        "sessions": {label: describe_sessions(standings, label) for label in standings.sat},
        "session_differences": list(standings.sat_differences),
    }


def describe_sessions(standings: Standings, label: str) -> dict[str, Any]:
    """Return one model's sessions for a machine."""
    sat = standings.sat[label]
    return {
        "run": sat.run,
        "outcomes": sat.outcomes,
        "lines": sat.lines,
        "rules": sat.rules,
        "costs": sat.costs,
        "counselor": describe_took(sat.took),
        "scores": list(standings.sat_scores[label]),
        "unscored": dict(standings.sat_unscored[label]),
    }


def describe_took(took: Took) -> dict[str, Any]:
    """Return what calls took for a machine."""
    return {
        "calls": took.calls,
        "prompt_tokens": took.prompt_tokens,
        "completion_tokens": took.completion_tokens,
        "reasoning_tokens": took.reasoning_tokens,
        "price": dict(took.price),
        "unpriced": took.unpriced,
        "median_latency_s": took.median_latency,
    }
