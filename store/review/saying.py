"""Takes down what somebody says over the page: held to the guide, to the text and to the log, and only once."""

import time
from dataclasses import replace

from sqlalchemy import Connection, Engine, text

from store.blind import may_settle
from store.cards import refresh_card
from store.clean import clean_text
from store.db import explained, persist
from store.guide import Guide, load_guide
from store.queue import find_slot
from store.review.settings import Settings
from store.reviews import READ_LINE, Said, add_line, line_values, read_log
from store.standing import VERDICTS, list_standing
from store.waiting import wanted_for
from taxonomy.refusal import InputError

PREFERENCES = ({"preference": 0}, {"preference": 1})
"""Of a pair: neither, or the dialogue it is said of."""
MAY_DIFFER = ("created_at", "seconds", "wanted", "undoes", "guide")
LINE = text("SELECT * FROM reviews WHERE id = :id")
EXCHANGES = text("SELECT exchanges FROM dialogues WHERE id = :id")


def record(engine: Engine, said: Said, settings: Settings) -> int:
    """Add a line to the log and return its id; how many people are wanted and by which guide it is said is set here.

    A line that is sent twice in a row, as a browser does whose answer was lost, stands in the log once.
    Raises InputError, with nothing changed, for what cannot be said.
    """
    guide = load_guide()
    check_words(said, guide)

    def save() -> int:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            whole = replace(said, wanted=wanted_for(find_slot(db, said.dialogue_id), settings), guide=guide.version)
            line = find_repeated(db, whole)
            if line is None:
                check_place(db, whole)
                line = add_line(db, whole, time.time())
            return line

    with explained(engine):
        line = persist(save)
    refresh_card(engine, said.dialogue_id)
    return line


def check_words(said: Said, guide: Guide) -> None:
    """Raise InputError where something said is not of the guide, or does not belong to its word."""
    guide.check_reasons(list(said.reasons))
    if "other" in said.reasons and not said.comment.strip():
        raise InputError("the reason 'other' needs a comment that says which")
    if said.word == "prefer":
        if said.other_id in (None, said.dialogue_id) or said.scores not in PREFERENCES:
            raise InputError("a preference names another dialogue and a score of 0 or 1 as 'preference'")
    elif said.other_id is not None:
        raise InputError(f"only a preference names another dialogue, not {said.word!r}")
    elif said.scores and said.word not in ("rate", *VERDICTS):
        raise InputError(f"scores belong to a rating or a verdict, not to {said.word!r}")
    else:
        guide.check_scores(said.scores)
    if said.word == "rate" and not said.scores:
        raise InputError("a rating gives at least one score")
    if said.word == "edit" and not said.text.strip():
        raise InputError("an edit leaves some words; to drop the line, reject the dialogue")
    if said.text and said.word != "edit":
        raise InputError(f"only an edit has a text, not {said.word!r}")
    if said.is_adjudication and said.word not in VERDICTS:
        raise InputError("a dispute is settled by accept or reject")
    if said.span is not None and (said.number is None or not 0 <= said.span[0] < said.span[1]):
        raise InputError("a span is two places in an utterance, the first before the second")


def check_place(db: Connection, said: Said) -> None:
    """Raise InputError where the dialogue, its line or its log does not allow what is said."""
    if said.word == "accept" and not has_text(db, said.dialogue_id):
        raise InputError(f"dialogue {said.dialogue_id} has no text that could be accepted")
    if said.is_adjudication and not may_settle(read_log(db, said.dialogue_id), said.reviewer):
        raise InputError(f"dialogue {said.dialogue_id}: a third person settles what two people disagree on")
    if said.other_id is not None:
        find_slot(db, said.other_id)
    if said.span is not None:
        line = db.execute(READ_LINE, {"id": said.dialogue_id, "number": said.number}).scalar_one_or_none()
        if line is not None and said.span[1] > len(line):
            raise InputError(f"utterance {said.number} has {len(line)} characters; the span ends at {said.span[1]}")


def has_text(db: Connection, id: str) -> bool:
    """Whether there is anything in a dialogue to read."""
    return bool(db.execute(EXCHANGES, {"id": id}).scalar_one())


def find_repeated(db: Connection, said: Said) -> int | None:
    """Return the id of the reviewer's last line on a dialogue where it says the very same, else None."""
    mine = [line for line in list_standing(read_log(db, said.dialogue_id)) if line.reviewer == said.reviewer]
    if not mine or mine[-1].word != said.word:
        return None
    row = db.execute(LINE, {"id": mine[-1].id}).mappings().one()
    wished = {name: value for name, value in line_values(said, 0.0).items() if name not in MAY_DIFFER}
    if any(row[name] != value for name, value in wished.items()):
        return None
    if said.word == "edit":
        stands = db.execute(READ_LINE, {"id": said.dialogue_id, "number": said.number}).scalar_one()
        return mine[-1].id if stands == clean_text(said.text) else None
    # A verdict on an earlier text is not the one on this.
    edits = [line.id for line in list_standing(read_log(db, said.dialogue_id)) if line.word == "edit"]
    return mine[-1].id if mine[-1].id > max(edits, default=0) else None
