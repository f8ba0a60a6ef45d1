"""The log of what people say and do about dialogues: lines are only ever added, and what people say follows from it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, text

from store.clean import clean_text
from store.db import explained, persist
from store.rows import INSERT_STALE, dump
from store.standing import VERDICTS, People, Review, Word, list_standing, people_say
from taxonomy.refusal import InputError

MOST_TEXT = 20_000
"""Characters of a comment or an edited line; the longest real counselor line measured has a tenth of it."""
LOCK = text("SELECT id, is_edited FROM dialogues WHERE id = :id AND kind = 'talk' FOR NO KEY UPDATE")
FIND = text("SELECT id, is_edited FROM dialogues WHERE id = :id AND kind = 'talk'")
LOG = text(
    "SELECT id, reviewer, verdict, is_adjudication, wanted, undoes, number FROM reviews"
    " WHERE dialogue_id = :id ORDER BY id"
)
ADD = text(
    "INSERT INTO reviews (dialogue_id, reviewer, verdict, is_adjudication, comment, created_at, reasons, guide, number,"
    " span_start, span_end, scores, other_id, undoes, wanted, way, seconds) VALUES (:dialogue_id, :reviewer, :verdict,"
    " :is_adjudication, :comment, :created_at, :reasons, :guide, :number, :span_start, :span_end, :scores, :other_id,"
    " :undoes, :wanted, :way, :seconds) RETURNING id"
)
ADD_EDIT = text(
    "INSERT INTO edits (review_id, dialogue_id, number, before, after)"
    " VALUES (:review_id, :dialogue_id, :number, :before, :after)"
)
READ_LINE = text('SELECT "text" FROM utterances WHERE dialogue_id = :id AND number = :number')
WRITE_LINE = text('UPDATE utterances SET "text" = :after WHERE dialogue_id = :id AND number = :number')
READ_EDIT = text("SELECT number, before, after FROM edits WHERE review_id = :id")
MARK_EDITED = text("UPDATE dialogues SET is_edited = :is_edited, checks = NULL WHERE id = :id")
SET_PEOPLE = text("UPDATE dialogues SET people = :people WHERE id = :id")
RELEASE = text("DELETE FROM leases WHERE dialogue_id = :id AND reviewer = :reviewer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says or does about a dialogue; `text` is the whole new line where the word is `edit`."""

    dialogue_id: str
    reviewer: str
    word: Word
    is_adjudication: bool = False
    comment: str = ""
    reasons: Sequence[str] = ()
    guide: int | None = None
    number: int | None = None
    span: tuple[int, int] | None = None
    scores: dict[str, float] = field(default_factory=dict)
    other_id: str | None = None
    text: str = ""
    wanted: int = 1
    way: str = "page"
    seconds: float | None = None


def say(engine: Engine, said: Said) -> int:
    """Add a line to the log and return its id; raises InputError, with nothing changed, for one that cannot be."""

    def save() -> int:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            return add_line(db, said, time.time())

    with explained(engine):
        return persist(save)


def undo(engine: Engine, dialogue_id: str, reviewer: str, *, way: str = "page") -> Review:
    """Take the reviewer's last line on a dialogue back by another one; returns the line that was taken back."""

    def save() -> Review:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            find_dialogue(db, dialogue_id)
            mine = [line for line in list_standing(read_log(db, dialogue_id)) if line.reviewer == reviewer]
            if not mine:
                raise InputError(f"dialogue {dialogue_id}: there is nothing of yours to undo")
            last = mine[-1]
            values = line_values(Said(dialogue_id=dialogue_id, reviewer=reviewer, word="undo", way=way), time.time())
            undoing: int = db.execute(ADD, values | {"undoes": last.id}).scalar_one()
            if last.word == "edit":
                put_back(db, dialogue_id, last.id, undoing)
            settle(db, dialogue_id)
            return last

    with explained(engine):
        return persist(save)


def add_line(db: Connection, said: Said, now: float) -> int:
    """Add a line within a transaction that writes, and bring all that follows from the log up to date."""
    find_dialogue(db, said.dialogue_id)
    check_text(said)
    before = None
    if said.number is not None:
        before = db.execute(READ_LINE, {"id": said.dialogue_id, "number": said.number}).scalar_one_or_none()
        if before is None:
            raise InputError(f"dialogue {said.dialogue_id} has no utterance {said.number}")
    if said.word == "edit" and (before is None or clean_text(said.text) == before):
        raise InputError("an edit names an utterance and changes its words")
    line: int = db.execute(ADD, line_values(said, now)).scalar_one()
    if said.word == "edit":
        after = clean_text(said.text)
        key = {"dialogue_id": said.dialogue_id, "number": said.number}
        db.execute(ADD_EDIT, key | {"review_id": line, "before": before, "after": after})
        db.execute(WRITE_LINE, {"id": said.dialogue_id, "number": said.number, "after": after})
        db.execute(MARK_EDITED, {"id": said.dialogue_id, "is_edited": True})
    if said.word in (*VERDICTS, "skip"):
        db.execute(RELEASE, {"id": said.dialogue_id, "reviewer": said.reviewer})
    settle(db, said.dialogue_id)
    return line


def settle(db: Connection, dialogue_id: str) -> People | None:
    """Write down what people say of a dialogue by its log, and have its card made anew."""
    people = people_say(read_log(db, dialogue_id))
    db.execute(SET_PEOPLE, {"id": dialogue_id, "people": people})
    db.execute(INSERT_STALE, {"dialogue_id": dialogue_id})
    return people


def read_log(db: Connection, dialogue_id: str) -> list[Review]:
    """Return the log of a dialogue, oldest first."""
    return [
        Review(row.verdict, bool(row.is_adjudication), row.reviewer, row.wanted, row.id, row.undoes)
        for row in db.execute(LOG, {"id": dialogue_id})
    ]


def put_back(db: Connection, dialogue_id: str, edit: int, undoing: int) -> None:
    """Take an edit back; the words that it had are kept as well. Raises InputError where the line was edited since."""
    row = db.execute(READ_EDIT, {"id": edit}).one()
    stands = db.execute(READ_LINE, {"id": dialogue_id, "number": row.number}).scalar_one()
    if stands != row.after:
        raise InputError(f"dialogue {dialogue_id}: utterance {row.number} was edited again since; edit it once more")
    key = {"dialogue_id": dialogue_id, "number": row.number}
    db.execute(ADD_EDIT, key | {"review_id": undoing, "before": row.after, "after": row.before})
    db.execute(WRITE_LINE, {"id": dialogue_id, "number": row.number, "after": row.before})
    is_edited = any(line.word == "edit" for line in list_standing(read_log(db, dialogue_id)))
    db.execute(MARK_EDITED, {"id": dialogue_id, "is_edited": is_edited})


def find_dialogue(db: Connection, dialogue_id: str) -> None:
    """Hold a talk for this transaction; raises InputError where there is none of this id."""
    locked = LOCK if db.dialect.name == "postgresql" else FIND
    if db.execute(locked, {"id": dialogue_id}).one_or_none() is None:
        raise InputError(f"there is no dialogue {dialogue_id!r}; python -m store.dialogues list names them")


def check_text(said: Said) -> None:
    """Raise InputError for a line that says too much or too little."""
    if said.word == "reject" and not said.reasons:
        raise InputError("a rejection names at least one reason")
    if said.word == "comment" and not said.comment.strip():
        raise InputError("an empty comment says nothing")
    if max(len(said.comment), len(said.text)) > MOST_TEXT:
        raise InputError(f"a text of over {MOST_TEXT:,} characters; shorten it")


def line_values(said: Said, now: float) -> dict[str, Any]:
    """Return the row of a line."""
    start, end = said.span if said.span is not None else (None, None)
    return {
        "dialogue_id": said.dialogue_id,
        "reviewer": said.reviewer,
        "verdict": said.word,
        "is_adjudication": said.is_adjudication,
        "comment": clean_text(said.comment) or None,
        "created_at": now,
        "reasons": dump(list(said.reasons)) if said.reasons else None,
        "guide": said.guide,
        "number": said.number,
        "span_start": start,
        "span_end": end,
        "scores": dump(said.scores) if said.scores else None,
        "other_id": said.other_id,
        "undoes": None,
        "wanted": said.wanted,
        "way": said.way,
        "seconds": said.seconds,
    }
