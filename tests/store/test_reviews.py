"""The log of what people say is only added to, and what they say follows from it at once."""

import json
import random
import threading
from typing import Any

import pytest
from sqlalchemy import Row, text

from store.db import Database, open_db
from store.reviews import MOST_TEXT, Said, say, undo
from taxonomy.refusal import InputError
from tests.store.made_talks import make_talk, save, start


@pytest.fixture
def talk(database: Database) -> str:
    """Return the id of a talk that is stored."""
    return store_talk(database)


def store_talk(database: Database, count: int = 1) -> str:
    """Store talks and return the id of the first one."""

    run, chance = start(database, count), random.Random(1)
    save(database, *(make_talk(run, position, chance, outcome="done") for position in range(count)))
    return f"{run.id}/0"


def rows(database: Database, query: str) -> list[Row[Any]]:
    """Return the rows of a query, read by a connection of its own."""
    with database.connect() as db:
        return list(db.execute(text(query)))


def read_people(database: Database) -> str | None:
    """Return what is written down as what people say of the first talk."""
    people: str | None = rows(database, "SELECT people FROM dialogues ORDER BY position")[0].people
    return people


def test_a_line_is_kept_with_all_that_was_said(database: Database, talk: str) -> None:
    said = Said(
        dialogue_id=talk, reviewer="王 小明", word="reject", reasons=("boilerplate", "other"), guide=1, number=1,
        span=(0, 2), comment="套话\x00", scores={"empathy": 2.0}, wanted=2, way="shell", seconds=12.5,
    )  # fmt: skip
    line = say(database, said)
    (row,) = rows(database, "SELECT * FROM reviews")
    assert (row.id, row.dialogue_id, row.reviewer, row.verdict, row.comment) == (
        line,
        talk,
        "王 小明",
        "reject",
        "套话",
    )
    assert (json.loads(row.reasons), json.loads(row.scores)) == (["boilerplate", "other"], {"empathy": 2.0})
    assert (row.number, row.span_start, row.span_end, row.wanted, row.way, row.seconds) == (1, 0, 2, 2, "shell", 12.5)
    assert rows(database, "SELECT dialogue_id FROM stale")[0].dialogue_id == talk
    assert read_people(database) == "reject"


def test_undoing_adds_a_line_and_takes_the_last_one_of_that_person_back(database: Database, talk: str) -> None:
    first = say(database, Said(dialogue_id=talk, reviewer="ann", word="accept"))
    say(database, Said(dialogue_id=talk, reviewer="ben", word="reject", reasons=["other"]))
    assert read_people(database) == "disputed"
    assert undo(database, talk, "ann").id == first
    assert read_people(database) == "reject"
    assert undo(database, talk, "ben").word == "reject"
    assert read_people(database) is None
    with pytest.raises(InputError, match="nothing of yours"):
        undo(database, talk, "ann")
    assert [row.verdict for row in rows(database, "SELECT verdict FROM reviews ORDER BY id")] == [
        "accept",
        "reject",
        "undo",
        "undo",
    ]


def test_an_edit_keeps_both_wordings_and_waits_for_the_checks(database: Database, talk: str) -> None:
    say(database, Said(dialogue_id=talk, reviewer="ann", word="accept"))
    before = rows(database, 'SELECT "text" FROM utterances WHERE number = 1')[0].text
    say(database, Said(dialogue_id=talk, reviewer="ben", word="edit", number=1, text="换一种说法"))
    (head,) = rows(database, "SELECT is_edited, checks, people FROM dialogues")
    assert (bool(head.is_edited), head.checks, head.people) == (True, None, None)
    (changed,) = rows(database, "SELECT before, after, number FROM edits")
    assert (changed.before, changed.after, changed.number) == (before, "换一种说法", 1)
    assert rows(database, 'SELECT "text" FROM utterances WHERE number = 1')[0].text == "换一种说法"
    undo(database, talk, "ben")
    assert rows(database, 'SELECT "text" FROM utterances WHERE number = 1')[0].text == before
    assert [
        (row.before, row.after) for row in rows(database, "SELECT before, after FROM edits ORDER BY review_id")
    ] == [
        (before, "换一种说法"),
        ("换一种说法", before),
    ]
    (head,) = rows(database, "SELECT is_edited, people FROM dialogues")
    assert (bool(head.is_edited), head.people) == (False, "accept")


def test_an_edit_that_was_edited_again_is_not_taken_back_from_under_it(database: Database, talk: str) -> None:
    say(database, Said(dialogue_id=talk, reviewer="ann", word="edit", number=0, text="第一次"))
    say(database, Said(dialogue_id=talk, reviewer="ben", word="edit", number=0, text="第二次"))
    lines = len(rows(database, "SELECT 1 FROM reviews"))
    with pytest.raises(InputError, match="edited again since"):
        undo(database, talk, "ann")
    assert len(rows(database, "SELECT 1 FROM reviews")) == lines
    undo(database, talk, "ben")
    undo(database, talk, "ann")
    assert bool(rows(database, "SELECT is_edited FROM dialogues")[0].is_edited) is False


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"dialogue_id": "9/9"}, "there is no dialogue '9/9'"),
        ({"word": "reject"}, "at least one reason"),
        ({"word": "comment", "comment": " \n"}, "an empty comment"),
        ({"word": "comment", "comment": "嗯" * (MOST_TEXT + 1)}, "20,000 characters"),
        ({"word": "flag", "number": 99}, "no utterance 99"),
        ({"word": "edit", "text": "x"}, "names an utterance"),
        ({"word": "edit", "number": 0, "text": "失眠很久了"}, "changes its words"),
    ],
)
def test_what_cannot_be_said_changes_nothing(
    database: Database, talk: str, told: dict[str, Any], expected: str
) -> None:
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE utterances SET \"text\" = '失眠很久了' WHERE number = 0"))
        db.execute(text("DELETE FROM stale"))
    values: dict[str, Any] = {"dialogue_id": talk, "reviewer": "ann", "word": "accept"}
    with pytest.raises(InputError, match=expected):
        say(database, Said(**(values | told)))
    for table in ("reviews", "edits", "stale"):
        assert rows(database, f"SELECT 1 FROM {table}") == []


def test_a_verdict_gives_the_talk_back_and_a_flag_keeps_it(database: Database, talk: str) -> None:
    with database.connect().execution_options(writes=True) as db, db.begin():
        for who in ("ann", "ben"):
            db.execute(text("INSERT INTO leases VALUES (:id, :who, 9e9)"), {"id": talk, "who": who})
    say(database, Said(dialogue_id=talk, reviewer="ann", word="flag", number=0))
    assert len(rows(database, "SELECT 1 FROM leases")) == 2
    say(database, Said(dialogue_id=talk, reviewer="ann", word="skip"))
    assert [row.reviewer for row in rows(database, "SELECT reviewer FROM leases")] == ["ben"]


def test_many_who_speak_at_once_lose_no_word(url: str) -> None:
    first = open_db(url)
    talk = store_talk(first)

    def speak(who: int) -> None:
        mine = open_db(url)
        for number in range(8):
            word = ("accept", "flag", "comment", "undo")[number % 4]
            if word == "undo":
                undo(mine, talk, f"p{who}")
            else:
                say(mine, Said(dialogue_id=talk, reviewer=f"p{who}", word=word, number=None, comment="嗯"))  # type: ignore[arg-type]
        mine.dispose()

    threads = [threading.Thread(target=speak, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(first, "SELECT 1 FROM reviews")) == 4 * 8
    assert len({row.id for row in rows(first, "SELECT id FROM reviews")}) == 4 * 8
    assert read_people(first) == "accept"
    first.dispose()
