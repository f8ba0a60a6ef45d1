"""Gathers the figures of a store in one reading; the text of calls stays where it is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Engine, case
from sqlmodel import Session, col, func, select

from store.db import explained
from store.diversity import coverage_entropy
from store.report.figures import Asked, Cost, Coverage, Report, Tally
from store.report.judged import read_rubrics, read_rules
from store.report.selection import FETCHED, Kept, Selected, name_ground, select_dialogues
from store.report.spoken import read_spoken
from store.tables import CallRow, RunRow
from taxonomy.schema import Cell, Taxonomy

SESSIONS, OTHER = "sessions", "other"
NONE = "-"
"""No counselor call, no currency, no reason told."""


def gather(engine: Engine, asked: Asked, taxonomy: Taxonomy) -> Report:
    """Return the figures of the dialogues asked for."""
    with explained(engine), Session(engine) as db:
        selected = select_dialogues(db, asked)
        dialogues = selected.dialogues.values()
        costs, models = read_calls(db, selected)
        reasons = selected.held_back + Counter(
            ground for kept in dialogues for ground in {*list_grounds(kept.reason), *list_waits(kept.waits_for)}
        )
        return Report(
            selection=selected.selection,
            standings=count((kept.outcome, kept.standing) for kept in dialogues),
            coverage=cover(dialogues, taxonomy.cells),
            recipes=tally((kept.recipe, kept) for kept in dialogues),
            models=tally((" + ".join(sorted(models.get(kept.id, {NONE}))), kept) for kept in dialogues),
            reasons=count(reasons.elements()),
            stops=count(kept.end_reason or NONE for kept in dialogues if kept.outcome != "failed"),
            errors=count(kept.error_kind or NONE for kept in dialogues if kept.outcome == "failed"),
            endings=count((kept.ending or NONE, kept.end_reason or NONE) for kept in dialogues if kept.end_reason),
            rubrics=read_rubrics(db, selected.conditions),
            rules=read_rules(db, selected.conditions),
            costs=costs,
            spoken=read_spoken(db, list(dialogues)),
        )


def list_grounds(reason: str | None) -> list[tuple[str, str]]:
    """Return the grounds on which a recipe rejected a session."""
    return [("recipe", name_ground(part)) for part in (reason or "").split("; ") if part]


def list_waits(waits_for: str | None) -> list[tuple[str, str]]:
    """Return what a dialogue waits for that no policy named."""
    return [("standing", waits_for)] if waits_for else []


def count(things: Iterable[Any]) -> dict[Any, int]:
    """Return how often each occurs, most frequent first."""
    counts = Counter(things)
    return {key: counts[key] for key in sorted(counts, key=lambda key: (-counts[key], key))}


def tally(named: Iterable[tuple[str, Kept]]) -> dict[str, Tally]:
    """Return the standings under each name, the largest first."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for name, kept in named:
        tallies[name].add(kept.outcome, kept.standing)
    return {name: tallies[name] for name in sorted(tallies, key=lambda name: (-tallies[name].total, name))}


def cover(dialogues: Iterable[Kept], planned: Iterable[Cell]) -> Coverage:
    """Return how dialogues lie on the planned cells."""
    cells: dict[tuple[str, str], Tally] = {(cell.emotion, cell.scene): Tally() for cell in planned}
    outside = without_cell = 0
    for kept in dialogues:
        if kept.cell is None:
            without_cell += 1
        elif kept.cell in cells:
            cells[kept.cell].add(kept.outcome, kept.standing)
        else:
            outside += 1
    accepted = sum(cell.accepted > 0 for cell in cells.values())
    waiting = sum(cell.accepted == 0 and cell.waiting > 0 for cell in cells.values())
    spread = (cell for cell, tallied in cells.items() for _ in range(tallied.accepted))
    return Coverage(
        cells,
        len(cells),
        accepted,
        waiting,
        len(cells) - accepted - waiting,
        coverage_entropy(spread, len(cells)),
        outside,
        without_cell,
    )


def read_calls(db: Session, selected: Selected) -> tuple[list[Cost], Mapping[str, set[str]]]:
    """Return what calls cost, and the models that spoke as counselor in each dialogue.

    Calls of these dialogues count as sessions. Calls of judging and of sessions that were never finished are told
    beside them, unless only some dialogues are asked for.
    """
    ids = {(kept.run, kept.position): kept.id for kept in selected.dialogues.values()}
    told = col(CallRow.cached_tokens).is_not(None)
    parts = (CallRow.run_id, CallRow.position, CallRow.agent, CallRow.served_model, CallRow.currency)
    query = select(  # type: ignore[call-overload]
        *parts,
        func.count(),
        func.count() - func.count(col(CallRow.price)),
        func.coalesce(func.sum(CallRow.price), 0.0),
        func.coalesce(func.sum(CallRow.prompt_tokens), 0),
        func.coalesce(func.sum(CallRow.completion_tokens), 0),
        func.coalesce(func.sum(case((told, CallRow.prompt_tokens), else_=0)), 0),
        func.coalesce(func.sum(CallRow.cached_tokens), 0),
    ).group_by(*parts)
    asked = selected.selection.asked
    if asked.run is not None:
        query = query.where(CallRow.run_id == asked.run)
    if selected.selection.left_out:
        real = select(RunRow.id).where(col(RunRow.is_rehearsal).is_(False))
        query = query.where(col(CallRow.run_id).in_(real))
    models: dict[str, set[str]] = defaultdict(set)
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * 7)
    for run, position, agent, model, currency, *figures in db.exec(query.execution_options(yield_per=FETCHED)):
        dialogue_id = ids.get((run, position))
        if dialogue_id is None and not asked.is_all:
            continue
        if dialogue_id is not None and agent == "counselor":
            models[dialogue_id].add(model)
        key = (SESSIONS if dialogue_id is not None else OTHER, currency or NONE)
        sums[key] = [sum(pair) for pair in zip(sums[key], figures, strict=True)]
    return [sum_up_cost(*key, sums[key]) for key in sorted(sums, reverse=True)], models


def sum_up_cost(purpose: str, currency: str, sums: list[float]) -> Cost:
    """Return a cost from its sums."""
    calls, unpriced, price, prompt, completion, cacheable, cached = sums
    tokens = (int(prompt), int(completion), int(cacheable), int(cached))
    return Cost(purpose, currency, int(calls), int(unpriced), price, *tokens)
