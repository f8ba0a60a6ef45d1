"""Reads the scores that the league's own judge gave each recipe's talks, with 95 % intervals over the talks."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from store.intervals import Mean, measure_mean, measure_share
from store.report.judged import is_standing, join_attempt
from store.tables import AttemptRow, DialogueRow, VerdictRow

ALL = "all items"
"""The mean of a rubric's items, where they are of one kind and one range; those set aside are not in it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What the store must know of a rubric: its items' ranges, and whether the mean of its items means anything."""

    rubric: str
    version: int
    low: float
    high: float
    ranges: Mapping[str, tuple[float, float]]
    has_mean: bool
    aside: frozenset[str] = frozenset()
    """Items about the client: they have their own row and are not in the mean, which is the counselor's."""
    faults: Mapping[str, str | None] = field(default_factory=dict)
    """Of a flow's yes-or-no questions, which answer is a fault; empty for a rubric that is no flow."""

    def mean(self, scores: Mapping[str, float]) -> float:
        """Return the mean of one readable verdict's items."""
        return statistics.fmean(score for item, score in scores.items() if item not in self.aside)


@dataclass(frozen=True, slots=True)
class RubricScores:
    """One rubric on one recipe: talks with a readable verdict, those without, and each item's mean over the talks."""

    rubric: str
    version: int
    judged: int
    unscored: int
    items: dict[str, Mean]


def read_scores(
    db: Session, conditions: Sequence[ColumnElement[bool]], scales: Sequence[Scale], judge: str
) -> list[RubricScores]:
    """Return the scores by each scale; a talk counts once, with the mean of its lines where lines are judged.

    Only verdicts that were asked for after the session count: those of a recipe's own critic chose what it kept.
    """
    return [sum_up(scale, dict(read_talks(db, conditions, scale, judge))) for scale in scales]


def read_talks(
    db: Session, conditions: Sequence[ColumnElement[bool]], scale: Scale, judge: str
) -> Iterator[tuple[str, list[dict[str, float]]]]:
    """Yield each judged talk with its readable verdicts, the newest of each line."""
    query = (
        select(VerdictRow.dialogue_id, VerdictRow.exchange, VerdictRow.scores)
        .join(DialogueRow, col(DialogueRow.id) == col(VerdictRow.dialogue_id))
        .outerjoin(AttemptRow, join_attempt(VerdictRow))
        .where(
            is_standing(VerdictRow),
            VerdictRow.rubric == scale.rubric,
            VerdictRow.version == scale.version,
            VerdictRow.model == judge,
            VerdictRow.about == "line",
            VerdictRow.repeat == 0,
            col(VerdictRow.judged_in).is_not(None),
            *conditions,
        )
        .order_by(col(VerdictRow.dialogue_id), col(VerdictRow.number))
    )
    newest: dict[str, dict[int, str | None]] = defaultdict(dict)
    for dialogue_id, exchange, scores in db.exec(query):
        newest[dialogue_id][exchange] = scores
    for dialogue_id, verdicts in newest.items():
        yield dialogue_id, [json.loads(scores) for scores in verdicts.values() if scores]


def sum_up(scale: Scale, talks: Mapping[str, Sequence[Mapping[str, float]]]) -> RubricScores:
    """Return the figures of one rubric."""
    values: dict[str, list[float]] = defaultdict(list)
    for verdicts in talks.values():
        for item in scale.ranges:
            given = [scores[item] for scores in verdicts if item in scores]
            if given:
                values[item].append(statistics.fmean(given))
        if scale.has_mean and verdicts:
            values[ALL].append(statistics.fmean(map(scale.mean, verdicts)))
    ranges = {**({ALL: (scale.low, scale.high)} if scale.has_mean else {}), **scale.ranges}
    judged = sum(bool(verdicts) for verdicts in talks.values())
    items = {
        item: measure_yes(values[item]) if item in scale.faults else measure_mean(values[item], *limits)
        for item, limits in ranges.items()
    }
    return RubricScores(scale.rubric, scale.version, judged, len(talks) - judged, items)


def measure_yes(answers: Sequence[float]) -> Mean:
    """Return the share of yes, which is 1, with the interval of a share."""
    share = measure_share(round(sum(answers)), len(answers))
    return Mean(share.of, share.share, share.low, share.high)
