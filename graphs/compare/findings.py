"""Lays two models' findings side by side, answer by answer and session by session, as scores are."""

from collections.abc import Mapping, Sequence

from agents.checks.finding import Severity
from graphs.compare.differences import Difference, compare_places
from store.comparison_drafts import Drafts
from store.comparison_figures import Sat
from store.comparison_rows import Asked

SEVERITIES: tuple[Severity, ...] = ("reject", "flag")
Counts = Mapping[str, Mapping[str, Mapping[int, int]]]
"""Findings by severity, model and place; a place without an answer or a finished session is absent."""


def compare_findings(counts: Counts, pairs: Sequence[tuple[str, str]]) -> list[Difference]:
    """Return how many more findings one of each pair has than the other, at the places where both have something."""
    return [
        compare_places(severity, one, other, models[one], models[other], find_most(models), is_held=False)
        for severity, models in counts.items()
        for one, other in pairs
        if {one, other} <= models.keys()
    ]


def find_most(models: Mapping[str, Mapping[int, int]]) -> int:
    """Return the most findings anywhere, or 1: findings have no highest number, and this is how far apart two lie."""
    return max((count for places in models.values() for count in places.values()), default=0) or 1


def count_in_answers(asked: Mapping[int, Asked], labels: Sequence[str]) -> Counts:
    """Return the findings in each answer."""
    given = [(place, answer) for place, each in asked.items() for answer in each.answers if answer.text is not None]
    return {
        severity: {
            label: {
                place: sum(found.severity == severity for found in answer.findings)
                for place, answer in given
                if answer.model == label
            }
            for label in labels
        }
        for severity in SEVERITIES
    }


def count_in_sessions(sat: Mapping[str, Sat], drafts: Mapping[str, Drafts]) -> Counts:
    """Return the findings on the counselor's lines in each session that is done."""
    return {
        severity: {
            label: {
                place: drafts[label].found.get(severity, {}).get(place, 0)
                for place, outcome in each.ended.items()
                if outcome == "done"
            }
            for label, each in sat.items()
        }
        for severity in SEVERITIES
    }
