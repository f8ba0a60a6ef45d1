"""Selects the dialogues that a report is of, each with its standing."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from store.report.figures import Asked, Selection
from store.standing import Standing, standing_of
from store.tables import DecisionRow, DialogueRow, SeedRow

FETCHED = 2_000
"""Rows that are fetched together."""


class Kept(NamedTuple):
    """What is known of a selected dialogue without its text."""

    id: str
    run: int
    position: int
    recipe: str
    language: str
    outcome: str
    standing: Standing
    cell: tuple[str, str] | None
    end_reason: str | None
    error_kind: str | None
    reason: str | None
    ending: str
    exchanges: int
    waits_for: str | None


class Selected(NamedTuple):
    """The selected dialogues by id, the conditions that select them, and why policies held dialogues back."""

    selection: Selection
    dialogues: dict[str, Kept]
    conditions: list[ColumnElement[bool]]
    held_back: Counter[tuple[str, str]]


def list_conditions(asked: Asked) -> list[ColumnElement[bool]]:
    """Return what holds of the talks that are asked for, rehearsal aside."""
    wanted = [
        (col(DialogueRow.run_id), asked.run),
        (col(DialogueRow.recipe), asked.recipe),
        (col(DialogueRow.language), asked.language),
    ]
    named = [column == value for column, value in wanted if value is not None]
    return [col(DialogueRow.kind) == "talk", *named]


def select_dialogues(db: Session, asked: Asked) -> Selected:
    """Return the dialogues asked for; where there are others, those of the rehearsal model are left out."""
    conditions = list_conditions(asked)
    kinds = select(DialogueRow.is_rehearsal, func.count()).where(*conditions).group_by(col(DialogueRow.is_rehearsal))
    counts: dict[bool, int] = {bool(kind): count for kind, count in db.exec(kinds)}
    has_both = len(counts) > 1
    left_out = counts.get(True, 0) if has_both and not asked.with_rehearsal else 0
    if left_out:
        conditions.append(col(DialogueRow.is_rehearsal).is_(False))
    choices, held_back = read_choices(db, conditions)
    dialogues = {row.id: keep(row, choices.get(row.id)) for row in stream_dialogues(db, conditions)}
    selection = Selection(
        asked,
        len(dialogues),
        counts.get(True, 0) - left_out,
        left_out,
        len({kept.run for kept in dialogues.values()}),
    )
    return Selected(selection, dialogues, conditions, held_back)


def stream_dialogues(db: Session, conditions: Sequence[ColumnElement[bool]]) -> Iterator[Any]:
    """Yield the dialogues with where they came from, a few thousand at a time."""
    query = (
        select(  # type: ignore[call-overload,misc]
            DialogueRow.id,
            DialogueRow.run_id,
            DialogueRow.position,
            DialogueRow.recipe,
            DialogueRow.language,
            DialogueRow.outcome,
            DialogueRow.reason,
            DialogueRow.error_kind,
            DialogueRow.end_reason,
            DialogueRow.plan,
            DialogueRow.is_crisis,
            DialogueRow.is_edited,
            DialogueRow.people,
            DialogueRow.checks,
            DialogueRow.exchanges,
            SeedRow.emotion,
            SeedRow.scene,
        )
        .join(SeedRow, col(SeedRow.id) == col(DialogueRow.seed_id))
        .where(*conditions)
        .order_by(col(DialogueRow.run_id), col(DialogueRow.position))
    )
    yield from db.exec(query.execution_options(yield_per=FETCHED))


def keep(row: Any, choice: str | None) -> Kept:
    """Return what a report needs of a dialogue's row."""
    plan = json.loads(row.plan)
    standing = standing_of(
        row.outcome,
        choice,  # type: ignore[arg-type]
        row.people,
        is_crisis=row.is_crisis,
        is_edited=row.is_edited,
        is_seen=not row.is_edited or row.checks is not None,
    )
    return Kept(
        row.id,
        row.run_id,
        row.position,
        row.recipe,
        row.language,
        row.outcome,
        standing,
        (row.emotion, row.scene) if row.emotion is not None else None,
        row.end_reason,
        row.error_kind,
        row.reason if row.outcome == "rejected" else None,
        str(plan.get("ending") or "") if isinstance(plan, dict) else "",
        row.exchanges,
        find_wait(row, choice) if standing == "waiting" else None,
    )


def find_wait(row: Any, choice: str | None) -> str | None:
    """Return what a waiting dialogue waits for, where it is no ground that a policy gave."""
    if row.people is not None:
        return {"disputed": "disagreement", "pending": "second"}.get(row.people, "edited")
    if choice == "accept":
        return "crisis" if row.is_crisis else "edited"
    return "undecided" if choice is None else None


def read_choices(
    db: Session, conditions: Sequence[ColumnElement[bool]]
) -> tuple[dict[str, str], Counter[tuple[str, str]]]:
    """Return the newest decision on each dialogue, and how often each rule or rubric held one back."""
    query = (
        select(DecisionRow.dialogue_id, DecisionRow.choice, DecisionRow.reasons)
        .join(DialogueRow, col(DialogueRow.id) == col(DecisionRow.dialogue_id))
        .where(*conditions)
        .order_by(col(DecisionRow.id))
    )
    choices: dict[str, str] = {}
    reasons: dict[str, tuple[tuple[str, str], ...]] = {}
    for dialogue_id, choice, told in db.exec(query.execution_options(yield_per=FETCHED)):
        choices[dialogue_id] = choice
        reasons[dialogue_id] = tuple({(choice, name_ground(reason)) for reason in json.loads(told)})
    return choices, Counter(ground for grounds in reasons.values() for ground in grounds)


def name_ground(reason: str) -> str:
    """Return the rule or rubric that a reason begins with; what follows is about one dialogue alone."""
    return reason.split(":")[0].strip()[:60]
