"""Comparisons as they are stored: begun, found again, written question by question, and read as a whole."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack
from uuid import uuid4

from sqlalchemy import Connection, Engine
from sqlmodel import Session, col, select

from store.comparison_rows import (
    Asked,
    answer_values,
    pair_values,
    read_answer,
    read_pair,
    read_verdict,
    verdict_values,
)
from store.comparison_tables import (
    ComparisonAnswerRow,
    ComparisonPairRow,
    ComparisonSessionsRow,
    ComparisonVerdictRow,
)
from store.db import explained
from store.rows import insert
from store.runs import GENERATE, LEASE_S, Maker, PlanLine, Run, make_row
from store.tables import RunRow
from taxonomy.refusal import InputError

KIND = "compare"
"""The kind of a comparison's own run: it holds no dialogue, so statistics, the review queue and exports pass it by."""
ANSWERING = "answer/"
"""Where the branch of a call begins that answered a question; the model's name follows."""
SCORING, PREFERRING = "score/", "pair/"
"""Where the branch of a call begins that scored an answer, or preferred one of two."""
INSERT_ANSWER = insert(ComparisonAnswerRow)
INSERT_VERDICT = insert(ComparisonVerdictRow)
INSERT_PAIR = insert(ComparisonPairRow)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison as it was begun; `settings` is what was asked for, `sessions` each model's run of sessions."""

    run: int
    status: str
    started_at: float
    git_commit: str | None
    versions: Mapping[str, str]
    prompts: Mapping[str, str]
    """The hash of every prompt, by id and language."""
    settings: Mapping[str, Any]
    sessions: Mapping[str, int]

    @property
    def runs(self) -> list[int]:
        """All runs that belong to it, its own first."""
        return [self.run, *self.sessions.values()]


def start_comparison(engine: Engine, settings: Mapping[str, Any], count: int, **maker: Unpack[Maker]) -> Run:
    """Store a new comparison of so many questions, and hold it."""
    owner = uuid4().hex
    line = PlanLine(KIND, settings["language"] or "", settings["seed"], "questions")
    row = make_row(KIND, line, range(count), dict(settings), owner, maker)
    with explained(engine), Session(engine.execution_options(writes=True)) as db:
        db.add(row)
        db.commit()
        assert row.id is not None
        return Run(row.id, owner, 0, count, dict(settings))


def start_sessions(
    engine: Engine,
    comparison: int,
    model: str,
    line: PlanLine,
    *,
    positions: range,
    config: dict[str, Any],
    **maker: Unpack[Maker],
) -> Run:
    """Store the run of a model's sessions as part of the comparison, both or neither, and hold it."""
    owner = uuid4().hex
    row = make_row(GENERATE, line, positions, config, owner, maker)
    with explained(engine), Session(engine.execution_options(writes=True)) as db:
        db.add(row)
        db.flush()
        assert row.id is not None
        db.add(ComparisonSessionsRow(run_id=comparison, model=model, sessions_run_id=row.id))
        db.commit()
        return Run(row.id, owner, positions.start, len(positions), config)


def find_comparison(engine: Engine, run: int | None) -> Comparison:
    """Return a comparison by the number of its run, the newest without one; raises InputError where there is none."""
    with explained(engine), Session(engine) as db:
        query = select(RunRow).where(RunRow.kind == KIND).order_by(col(RunRow.id).desc())
        known = {row.id: row for row in db.exec(query)}
        if not known:
            raise InputError("there is no comparison in this database; --models and --questions start one")
        if run is not None and run not in known:
            named = ", ".join(map(str, sorted(number for number in known if number is not None)))
            raise InputError(f"--resume {run}: that is no comparison; choose one of {named}")
        row = known[run] if run is not None else next(iter(known.values()))
        mine = select(ComparisonSessionsRow).where(ComparisonSessionsRow.run_id == row.id)
        sessions = {each.model: each.sessions_run_id for each in db.exec(mine)}
    settings = json.loads(row.config)
    return Comparison(
        run=row.id or 0,
        status=row.status,
        started_at=row.started_at,
        git_commit=row.git_commit,
        versions=json.loads(row.versions),
        prompts=json.loads(row.prompts),
        settings=settings,
        sessions={label: sessions[label] for label, _ in settings["models"] if label in sessions},
    )


def list_unfinished(engine: Engine) -> list[tuple[int, bool]]:
    """Return the comparisons that have not come to their end, the newest first, and whether each is alive."""
    query = select(RunRow).where(RunRow.kind == KIND, RunRow.status != "finished").order_by(col(RunRow.id).desc())
    alive_since = time.time() - LEASE_S
    with explained(engine), Session(engine) as db:
        return [(row.id or 0, row.owner is not None and row.heartbeat_at >= alive_since) for row in db.exec(query)]


def find_status(engine: Engine, run: int) -> str:
    """Return how a run stands."""
    with explained(engine), Session(engine) as db:
        return db.exec(select(RunRow.status).where(RunRow.id == run)).one()


def save_asked(db: Connection, run: int, position: int, asked: Asked) -> None:
    """Write all that is kept of a question, in the transaction that is given."""
    place = {"run_id": run, "position": position}
    db.execute(INSERT_ANSWER, [place | answer_values(answer) for answer in asked.answers])
    verdicts = [place | verdict_values(model, verdict) for model, given in asked.verdicts.items() for verdict in given]
    if verdicts:
        db.execute(INSERT_VERDICT, verdicts)
    if asked.pairs:
        db.execute(INSERT_PAIR, [place | pair_values(pair) for pair in asked.pairs])


def list_asked(engine: Engine, run: int) -> set[int]:
    """Return the places of the questions that are done."""
    query = select(ComparisonAnswerRow.position).where(ComparisonAnswerRow.run_id == run).distinct()
    with explained(engine), Session(engine) as db:
        return set(db.exec(query))


def read_asked(engine: Engine, run: int, models: Sequence[str]) -> dict[int, Asked]:
    """Return what is kept of each question that is done, by its place; answers stand in the order of the models."""
    with explained(engine), Session(engine) as db:
        answers = db.exec(select(ComparisonAnswerRow).where(ComparisonAnswerRow.run_id == run)).all()
        verdicts = db.exec(select(ComparisonVerdictRow).where(ComparisonVerdictRow.run_id == run)).all()
        pairs = db.exec(select(ComparisonPairRow).where(ComparisonPairRow.run_id == run)).all()
    order = {model: number for number, model in enumerate(models)}
    found: dict[int, Asked] = {}
    for place in sorted({row.position for row in answers}):
        mine = sorted((row for row in answers if row.position == place), key=lambda row: order[row.model])
        given = {
            row.model: tuple(
                read_verdict(each)
                for each in sorted(verdicts, key=lambda each: each.rubric)
                if (each.position, each.model) == (place, row.model)
            )
            for row in mine
        }
        shown = sorted(
            (row for row in pairs if row.position == place), key=lambda row: (order[row.first], order[row.second])
        )
        found[place] = Asked(tuple(map(read_answer, mine)), given, tuple(map(read_pair, shown)))
    return found
