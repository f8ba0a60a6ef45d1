"""The counts by cell are the standings of the dialogues there, whatever was decided and said about them."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlmodel import Session, insert, select

from store.coverage import CellCount, count_cells
from store.db import Database, open_db
from store.runs import PlanLine, start_run
from store.shell.made import find_standing
from store.standing import Review, people_say
from store.tables import DecisionRow, DialogueRow, ReviewRow, SeedRow
from taxonomy.schema import Cell

LINE = PlanLine("session", "zh", 0, "emotions.yaml 00")
CELLS = [Cell(*place) for place in product(("worry", "grief", "envy"), ("S01", "W01"))] + [Cell("shame", "L01")]
"""Seven: a number that no part of the kinds below goes round in."""
CHOICES: tuple[tuple[str, ...], ...] = ((), ("accept",), ("reject",), ("person",), ("reject", "accept"))
WORDS: tuple[tuple[tuple[str, bool], ...], ...] = (
    (),
    (("accept", False),),
    (("reject", False),),
    (("comment", False),),
    (("comment", True),),
    (("accept", False), ("reject", False)),
    (("reject", True), ("accept", False)),
    (("accept", True), ("reject", True)),
    (("reject", True), ("accept", True), ("comment", True)),
)
KINDS = list(product(("done", "rejected", "failed"), CHOICES, WORDS, (False, True), (False, True)))
LARGE = 100_000


def start(database: Database) -> int:
    """Store a run and return its number."""
    told: dict[str, Any] = {"config": {}, "versions": {}, "prompts": {}, "git_commit": None, "is_rehearsal": False}
    return start_run(database, LINE, first_position=0, count=1, **told).id


def keep(database: Database, run_id: int, kinds: Iterator[Any], **fields: Any) -> None:
    """Store a dialogue of each kind, going round the cells."""
    tables: dict[type, list[dict[str, Any]]] = {DialogueRow: [], DecisionRow: [], ReviewRow: []}
    with Session(database.execution_options(writes=True)) as db:
        known = {(seed.emotion, seed.scene): seed.id for seed in db.exec(select(SeedRow))}
        if not known:
            seeds = [SeedRow(digest=str(c).encode(), kind="cell", emotion=c.emotion, scene=c.scene) for c in CELLS]
            db.add_all(seeds)
            db.flush()
            known = {(seed.emotion, seed.scene): seed.id for seed in seeds}
        for position, (outcome, choices, words, is_crisis, is_edited) in enumerate(kinds):
            key = f"{run_id}/{position}"
            row: dict[str, Any] = {"id": key, "run_id": run_id, "position": position, "outcome": outcome}
            row |= {"seed_id": known[CELLS[position % len(CELLS)]], "is_crisis": is_crisis, "is_edited": is_edited}
            log = [Review(word, settles, f"r{number}") for number, (word, settles) in enumerate(words)]
            row |= {
                "people": people_say(log),
                "recipe": "session",
                "language": "zh",
                "is_rehearsal": False,
                "plan": "{}" + " " * 900,
            }
            tables[DialogueRow].append(row | {"risk_tier": "none", "exchanges": 8, "created_at": 0.0} | fields)
            decided = {"dialogue_id": key, "policy": "default", "version": 1, "reasons": "[]", "created_at": 0.0}
            tables[DecisionRow] += [decided | {"choice": choice} for choice in choices]
            said = {"dialogue_id": key, "created_at": 0.0, "way": "page", "wanted": 1}
            tables[ReviewRow] += [
                said | {"verdict": line.word, "is_adjudication": line.is_adjudication, "reviewer": line.reviewer}
                for line in log
            ]
        for table, rows in tables.items():
            if rows:
                db.execute(insert(table), rows)
        db.commit()


def count_one_by_one(database: Database) -> dict[Cell, Counter[str]]:
    """Return the same counts from the standing of each dialogue."""
    counts = {cell: Counter[str]() for cell in CELLS}
    with Session(database) as db:
        for dialogue in db.exec(select(DialogueRow)):
            seed = db.get_one(SeedRow, dialogue.seed_id)
            counts[Cell(seed.emotion or "", seed.scene or "")][find_standing(db, dialogue)] += 1
    return counts


def test_cells_are_counted_by_the_standing_of_each_dialogue(database: Database) -> None:
    keep(database, start(database), iter(KINDS))
    counted = count_cells(database, "session", "zh", is_rehearsal=False)
    expected = count_one_by_one(database)
    assert sum(count.total() for count in expected.values()) == len(KINDS)
    assert all(len(count) == 3 for count in expected.values()), "a cell lacks a standing, and tests nothing of it"
    told = {
        cell: {"accepted": count.accepted, "waiting": count.waiting, "rejected": count.rejected}
        for cell, count in counted.items()
    }
    assert told == expected


def test_other_recipes_languages_and_rehearsals_are_not_counted(database: Database) -> None:
    good = ("done", ("accept",), (), False, False)
    for fields in ({"recipe": "interactive"}, {"language": "en"}, {"is_rehearsal": True}, {}):
        keep(database, start(database), iter([good]), **fields)
    one = {CELLS[0]: CellCount(accepted=1)}
    assert count_cells(database, "session", "zh", is_rehearsal=False) == one
    assert count_cells(database, "session", "zh", is_rehearsal=True) == one
    assert count_cells(database, "session", "en", is_rehearsal=True) == {}


def test_the_sessions_of_a_run_are_told_apart_whatever_became_of_them(database: Database) -> None:
    kinds = [(outcome, ("accept",), (), False, False) for outcome in ("done", "failed", "rejected", "done")]
    earlier, run = start(database), start(database)
    keep(database, earlier, iter(kinds))
    keep(database, run, iter(kinds[:2]))
    counts = count_cells(database, "session", "zh", is_rehearsal=False, run_id=run)
    assert [counts[cell].own for cell in CELLS[:4]] == [1, 1, 0, 0]
    assert counts[CELLS[0]].held == 2


@pytest.mark.slow
def test_a_hundred_thousand_dialogues_are_counted_within_three_seconds(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    random = Random(0)
    keep(database, start(database), (random.choice(KINDS) for _ in range(LARGE)))
    began = time.monotonic()
    counts = count_cells(database, "session", "zh", is_rehearsal=False)
    seconds = time.monotonic() - began
    assert sum(count.held + count.rejected for count in counts.values()) == LARGE
    assert seconds < 3, seconds
    database.dispose()
