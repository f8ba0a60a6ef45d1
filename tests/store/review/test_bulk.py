"""A verdict on many at once happens as it was counted and typed, and leaves alone what must be read."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from store.db import Database
from store.review.bulk import bulk_phrase
from tests.store.review.talks import keep_talks
from tests.store.review.visit import Visitor, open_page


@pytest.fixture
def app(database: Database) -> FastAPI:
    """Return the application on 70 talks: more than go into a transaction."""
    keep_talks(database, 70, change=lambda position: {"is_crisis": position == 69})
    return open_page(database, overlap=0.0)


def count_lines(database: Database, where: str = "1 = 1") -> int:
    """Return how many lines of the log are such."""
    with database.connect() as db:
        count: int = db.execute(text(f"SELECT count(*) FROM reviews WHERE {where}")).scalar_one()
        return count


def test_a_bulk_accept_takes_all_but_danger_what_others_read_and_what_is_said(app: FastAPI, database: Database) -> None:
    ann, bo = Visitor(app, "ann"), Visitor(app, "bo")
    ann.say("1/0", "accept")
    ann.say("1/1", "reject", reasons=["pii"])
    bo.post("/api/dialogues/1/2/lease")
    ann.post("/api/dialogues/1/3/lease")
    told = {"word": "accept", "expected": 70, "typed": bulk_phrase("accept", 70)}
    answer = ann.post("/api/bulk?run=1", told)
    assert answer.json() == {"done": 67, "already": 1, "leased": 1, "danger": 1, "empty": 0}
    assert count_lines(database, "way = 'bulk' AND verdict = 'accept' AND wanted = 1 AND guide = 1") == 67
    assert count_lines(database, "dialogue_id IN ('1/2', '1/69')") == 0
    with database.connect() as db:
        said = db.execute(text("SELECT people, count(*) FROM dialogues GROUP BY people")).all()
    assert {row[0]: row[1] for row in said} == {"accept": 68, None: 2}
    again = ann.post("/api/bulk?run=1", told)
    assert again.json() == {"done": 0, "already": 68, "leased": 1, "danger": 1, "empty": 0}


def test_a_bulk_rejection_takes_danger_too_and_can_be_taken_back_one_by_one(app: FastAPI, database: Database) -> None:
    visitor = Visitor(app, "ann")
    told = {"word": "reject", "reasons": ["boilerplate"], "expected": 70, "typed": "reject 70"}
    assert visitor.post("/api/bulk?run=1", told).json()["done"] == 70
    assert visitor.post("/api/dialogues/1/69/undo").json() == {"undone": "reject"}
    assert count_lines(database) == 71


@pytest.mark.parametrize(
    ("query", "change", "status", "line"),
    [
        ("", {"expected": 69, "typed": "accept 69"}, 400, "the filter finds 70 dialogues, not 69; load the page again"),
        ("?language=en", {}, 400, "the filter finds 0 dialogues, not 70"),
        ("", {"typed": "accept 7"}, 400, "type 'accept 70' to confirm"),
        ("", {"typed": "reject 70"}, 400, "type 'accept 70' to confirm"),
        ("", {"typed": ""}, 400, "type 'accept 70' to confirm"),
        ("?langauge=zh", {}, 400, "did you mean 'language'"),
        ("", {"word": "reject", "typed": "reject 70"}, 400, "a rejection names at least one reason"),
        ("", {"word": "skip", "typed": "skip 70"}, 422, "word: "),
        ("", {"expected": 10_001}, 422, "expected: "),
    ],
)
def test_a_bulk_verdict_that_was_not_meant_so_says_nothing(
    engine: Database, query: str, change: dict[str, Any], status: int, line: str
) -> None:
    keep_talks(engine, 70)
    told = {"word": "accept", "expected": 70, "typed": "accept 70"} | change
    answer = Visitor(open_page(engine), "ann").post(f"/api/bulk{query}", told)
    assert answer.status_code == status
    assert line in answer.json()["error"]
    assert count_lines(engine) == 0


def test_a_bulk_accept_leaves_out_what_has_no_text(database: Database) -> None:
    keep_talks(database, 2, change=lambda position: {"utterances": []} if position else {})
    told = {"word": "accept", "expected": 2, "typed": "accept 2"}
    answer = Visitor(open_page(database), "ann").post("/api/bulk", told)
    assert (answer.json()["done"], answer.json()["empty"]) == (1, 1)
