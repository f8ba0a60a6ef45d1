"""Progress counts what stands: by queue, person, day and cell."""

import time

import pytest
from sqlalchemy import text

from store.cards import refresh_cards
from store.db import Database
from store.progress import measure_pace, read_progress
from store.records import SeedRecord
from store.reviews import Said, say, undo
from store.standing import Word
from taxonomy.schema import Cell
from tests.store.review.talks import keep_talks

CELL = Cell("performance_anxiety", "S01")


def keep(database: Database) -> None:
    """Store six talks, one dangerous, one of its own text, and what two people said of them."""
    text_seed = SeedRecord("text", text="x", file="a.jsonl", row=1, row_id="1")
    changes = {4: {"seed": text_seed, "recipe": "smile"}, 5: {"is_crisis": True, "language": "en"}}
    keep_talks(database, 6, change=lambda position: changes.get(position, {}))
    said: tuple[tuple[str, str, Word], ...] = (
        ("1/0", "anna", "accept"), ("1/1", "anna", "reject"), ("1/2", "anna", "accept"), ("1/2", "ben", "reject"),
        ("1/3", "ben", "skip"), ("1/3", "anna", "accept"), ("1/4", "ben", "accept"),
    )  # fmt: skip
    for id, reviewer, word in said:
        say(database, Said(dialogue_id=id, reviewer=reviewer, word=word, reasons=("pii",) if word == "reject" else ()))
    undo(database, "1/3", "anna")
    say(database, Said(dialogue_id="1/3", reviewer="ben", word="edit", number=1, text="好。"))
    refresh_cards(database)


def test_queues_count_standings_doubt_danger_and_disputes(database: Database) -> None:
    keep(database)
    queues = {(queue.recipe, queue.language): queue for queue in read_progress(database, time.time()).queues}
    zh, en, smile = queues["session", "zh"], queues["session", "en"], queues["smile", "zh"]
    assert (zh.accepted, zh.waiting, zh.rejected, zh.disputed, zh.judged, zh.danger) == (1, 2, 1, 1, 3, 0)
    assert (en.waiting, en.danger, en.judged) == (1, 1, 0)
    assert (smile.accepted, smile.judged) == (1, 1)


def test_people_are_counted_without_what_they_took_back(database: Database) -> None:
    keep(database)
    anna, ben = read_progress(database, time.time()).people
    assert (anna.reviewer, anna.verdicts, anna.accepted, anna.today, anna.skips, anna.edits) == ("anna", 3, 2, 3, 0, 0)
    assert (ben.reviewer, ben.verdicts, ben.accepted, ben.skips, ben.edits) == ("ben", 2, 1, 1, 1)
    assert anna.accept_share == pytest.approx(2 / 3)
    assert read_progress(database, time.time() + 90_000).people[0].today == 0


def test_cells_count_standings_beside_their_share_of_the_plan(database: Database) -> None:
    keep(database)
    cells = read_progress(database, time.time()).cells
    cell = cells[CELL]
    assert (cell.accepted, cell.waiting, cell.rejected) == (1, 3, 1)
    assert sum(one.planned for one in cells.values()) == pytest.approx(1)
    assert cell.planned == pytest.approx(1 / 480)


def test_days_hold_the_verdicts_that_stand(database: Database) -> None:
    keep(database)
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE reviews SET created_at = created_at - 172800 WHERE dialogue_id = '1/0'"))
    days = read_progress(database, time.time()).days
    assert list(days.values()) == [1, 4]
    assert list(days) == sorted(days)


def test_pace_is_taken_from_gaps_of_at_most_ten_minutes() -> None:
    assert measure_pace([0, 60, 120, 7_000, 7_060]) == pytest.approx(60)
    assert measure_pace([0, 3_000]) is None
    assert measure_pace([]) is None


def test_an_empty_database_has_no_progress(database: Database) -> None:
    told = read_progress(database, time.time())
    assert (told.queues, told.people, told.days) == ([], [], {})
    assert len(told.cells) == 480
