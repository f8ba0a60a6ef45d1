"""What the page of a dialogue is given: each thing at its line, and of others' words only what a reviewer may see."""

from dataclasses import replace

from sqlalchemy import Engine, text

from store.db import Database
from store.review.view import View, read_view
from store.reviews import Said, say, undo
from tests.store.review.talks import LINES, keep_talks


def view_of(engine: Engine, id: str, reviewer: str = "甲") -> View:
    view = read_view(engine, id, reviewer)
    assert view is not None
    return view


def test_everything_stands_at_its_line(database: Database) -> None:
    (id,) = keep_talks(database, 1)
    view = view_of(database, id)
    assert [(line.speaker, line.raw) for line in view.lines] == list(LINES)
    assert [line.exchange for line in view.lines] == [1, 1, 2, 2]
    reply = view.lines[1]
    assert reply.reasoning is not None
    assert reply.thought is not None
    assert [(piece.text, piece.told) for piece in reply.passage.pieces if piece.found] == [
        ("凌晨三点醒着", "rule 0: finding 0")
    ]
    assert [(draft.passage.text, draft.is_chosen, len(draft.findings)) for draft in reply.attempts] == [
        ("你应该早点睡。", False, 1),
        ("你应该早点睡。", True, 1),
    ]
    assert [verdict.quotes for verdict in reply.verdicts] == [{"grounded": "quote 0"}]
    assert view.lines[3].attempts == ()
    assert [found.exchange for found in view.whole] == [0]
    assert [(one.rubric, one.unscored) for one in view.verdicts] == [("session", ""), ("realism", "unscored 0")]
    assert [(row["calls"], row["read"], row["cached"], row["written"]) for row in view.costs] == [(2, 1800, 1200, 80)]
    assert view.profile == {"name": "name 0", "situation": "situation 0"}


def test_what_others_said_is_kept_back_until_ones_own_verdict(database: Database) -> None:
    (id,) = keep_talks(database, 1)
    about = {"dialogue_id": id, "wanted": 2}
    say(database, Said(word="comment", reviewer="乙", number=1, comment="好。", **about))  # type: ignore[arg-type]
    say(database, Said(word="reject", reviewer="乙", reasons=["boilerplate"], **about))  # type: ignore[arg-type]
    before = view_of(database, id)
    assert (before.is_blind, before.log, before.lines[1].said, before.standing) == (True, (), (), "waiting")
    assert [said.word for said in view_of(database, id, "乙").log] == ["comment", "reject"]
    say(database, Said(word="accept", reviewer="甲", **about))  # type: ignore[arg-type]
    after = view_of(database, id)
    assert [said.word for said in after.log] == ["comment", "reject", "accept"]
    assert [said.comment for said in after.lines[1].said] == ["好。"]
    assert (after.mine, after.may_settle, view_of(database, id, "丙").may_settle) == ("accept", False, True)
    undo(database, id, "甲")
    again = view_of(database, id)
    assert [(said.word, said.is_undone) for said in again.log] == [("accept", True), ("undo", False)]
    assert again.mine is None


def test_an_edited_line_has_its_diff_and_no_marks_of_the_words_before(database: Database) -> None:
    (id,) = keep_talks(database, 1)
    said = Said(dialogue_id=id, reviewer="甲", word="edit", number=1, text="短。")
    say(database, said)
    line = view_of(database, id).lines[1]
    assert (line.raw, line.passage.text) == ("短。", "短。")
    assert [piece.found for piece in line.passage.pieces] == [()]
    assert [(one.before, one.after) for one in line.said] == [(LINES[1][1], "短。")]
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE dialogues SET checks = 'c2' WHERE id = :id"), {"id": id})
    assert view_of(database, id).lines[1].passage.pieces[0].found != ()
    say(database, replace(said, word="accept", number=None, text=""))
    assert view_of(database, id).mine == "accept"


def test_a_dialogue_that_is_not_there_has_no_view(database: Database) -> None:
    assert read_view(database, "9/9", "甲") is None
