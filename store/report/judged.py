"""Reads what critics and checks said of the lines that stand: scores by rubric, version and judge; findings by rule."""

import json
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from store.report.figures import ItemScores, JudgedRubric, RuleCount
from store.report.selection import FETCHED
from store.tables import AttemptRow, CallRow, DialogueRow, FindingRow, UtteranceRow, VerdictRow

UNKNOWN = "?"
"""A judge whose call is not kept."""

Key = tuple[str, int, str]


def is_standing(row: type[FindingRow] | type[VerdictRow]) -> ColumnElement[bool]:
    """Return whether a row is about the session or about a draft that was chosen, or nothing was drafted twice."""
    other = aliased(AttemptRow)
    tried = select(other.attempt).where(col(other.dialogue_id) == col(row.dialogue_id)).exists()
    return or_(col(row.exchange) == 0, col(AttemptRow.is_chosen).is_(True), ~tried)


def join_attempt(row: type[FindingRow] | type[VerdictRow]) -> ColumnElement[bool]:
    """Return what ties a row to the draft it is about."""
    return and_(
        col(AttemptRow.dialogue_id) == col(row.dialogue_id),
        col(AttemptRow.exchange) == col(row.exchange),
        col(AttemptRow.attempt) == col(row.attempt),
    )


def read_rubrics(db: Session, conditions: Sequence[ColumnElement[bool]]) -> list[JudgedRubric]:
    """Return the scores on lines that stand, not thoughts; a judge's newest counts, its repeats are counted apart."""
    query = (
        select(  # type: ignore[call-overload]
            VerdictRow.dialogue_id,
            VerdictRow.exchange,
            VerdictRow.attempt,
            VerdictRow.rubric,
            VerdictRow.version,
            VerdictRow.scores,
            VerdictRow.repeat,
            func.coalesce(VerdictRow.model, CallRow.served_model, UNKNOWN).label("judge"),
        )
        .join(DialogueRow, col(DialogueRow.id) == col(VerdictRow.dialogue_id))
        .outerjoin(AttemptRow, join_attempt(VerdictRow))
        .outerjoin(
            CallRow,
            and_(
                col(VerdictRow.judged_in).is_(None),
                col(CallRow.run_id) == col(DialogueRow.run_id),
                col(CallRow.position) == col(DialogueRow.position),
                col(CallRow.number) == col(VerdictRow.call_number),
            ),
        )
        .where(is_standing(VerdictRow), col(VerdictRow.about) == "line", *conditions)
        .order_by(col(VerdictRow.dialogue_id), col(VerdictRow.number))
    )
    count = ScoreCount()
    for row in db.exec(query.execution_options(yield_per=FETCHED)):
        count.take(row)
    return count.sum_up()


class ScoreCount:
    """Counts verdicts as they stream by, one dialogue at a time."""

    def __init__(self) -> None:
        self._dialogue = ""
        self._newest: dict[tuple[Key, int, int], str | None] = {}
        self._verdicts: Counter[Key] = Counter()
        self._unscored: Counter[Key] = Counter()
        self._repeats: Counter[Key] = Counter()
        self._scores: dict[Key, Counter[str]] = defaultdict(Counter)

    def take(self, row: Any) -> None:
        """Take a verdict; those of a dialogue come together, oldest first."""
        if row.dialogue_id != self._dialogue:
            self._settle()
            self._dialogue = row.dialogue_id
        key = (row.rubric, row.version, row.judge)
        if row.repeat:
            self._repeats[key] += 1
        else:
            self._newest[key, row.exchange, row.attempt] = row.scores

    def _settle(self) -> None:
        for (key, _, _), scores in self._newest.items():
            self._verdicts[key] += 1
            if scores:
                self._scores[key][scores] += 1
            else:
                self._unscored[key] += 1
        self._newest.clear()

    def sum_up(self) -> list[JudgedRubric]:
        """Return the figures of every rubric by version and judge."""
        self._settle()
        return [
            JudgedRubric(
                *key,
                verdicts=self._verdicts[key],
                unscored=self._unscored[key],
                repeats=self._repeats[key],
                items=[sum_up_item(item, counts) for item, counts in count_scores(self._scores[key]).items()],
            )
            for key in sorted(self._verdicts)
        ]


def count_scores(verdicts: Mapping[str, int]) -> dict[str, Counter[float]]:
    """Return how often each item was given each score, from verdicts as JSON with how often each was given."""
    counts: dict[str, Counter[float]] = defaultdict(Counter)
    for scores, times in verdicts.items():
        for item, score in json.loads(scores).items():
            if math.isfinite(score):
                counts[item][float(score)] += times
    return counts


def sum_up_item(item: str, counts: Counter[float]) -> ItemScores:
    """Return an item's figures from how often each score was given."""
    total = counts.total()
    mean = sum(score * count for score, count in counts.items()) / total
    return ItemScores(item, total, mean, find_counted_median(counts), dict(sorted(counts.items())))


def find_counted_median(counts: Mapping[float, int]) -> float:
    """Return the median of values that are given with how often they occur."""
    total, seen, middle = sum(counts.values()), 0, []
    for value in sorted(counts):
        reached = seen + counts[value]
        middle += [value for rank in ((total - 1) // 2, total // 2) if seen <= rank < reached]
        seen = reached
    return statistics.fmean(middle)


def read_rules(db: Session, conditions: Sequence[ColumnElement[bool]]) -> list[RuleCount]:
    """Return the findings on what stands by rule, most frequent first; a client's line stands as it was said."""
    query = (
        select(  # type: ignore[call-overload]
            FindingRow.rule,
            FindingRow.version,
            FindingRow.severity,
            FindingRow.speaker,
            func.count().label("findings"),
            func.count(func.distinct(FindingRow.dialogue_id)).label("dialogues"),
        )
        .join(DialogueRow, col(DialogueRow.id) == col(FindingRow.dialogue_id))
        .outerjoin(AttemptRow, join_attempt(FindingRow))
        .where(or_(is_standing(FindingRow), col(FindingRow.speaker) == "client"), *conditions)
        .group_by(FindingRow.rule, FindingRow.version, FindingRow.severity, FindingRow.speaker)
    )
    lines = count_utterances(db, conditions)
    rules = [
        RuleCount(
            row.rule,
            row.version,
            row.severity,
            row.speaker,
            row.findings,
            row.dialogues,
            100 * row.findings / lines[row.speaker] if lines.get(row.speaker) else None,
        )
        for row in db.exec(query)
    ]
    return sorted(rules, key=lambda rule: (-rule.findings, rule.rule, rule.version, rule.speaker))


def count_utterances(db: Session, conditions: Sequence[ColumnElement[bool]]) -> dict[str, int]:
    """Return how many utterances each speaker has."""
    query = (
        select(UtteranceRow.speaker, func.count())
        .join(DialogueRow, col(DialogueRow.id) == col(UtteranceRow.dialogue_id))
        .where(*conditions)
        .group_by(col(UtteranceRow.speaker))
    )
    return dict(db.exec(query).all())
