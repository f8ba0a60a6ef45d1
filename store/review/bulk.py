"""One verdict on all that a filter finds: counted first, typed out, and said of what nobody else is reading."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine, text

from store.blind import list_verdicts
from store.cards import refresh_cards
from store.db import explained, persist
from store.filters import Filter
from store.guide import load_guide
from store.listing import list_ids
from store.queue import find_slot
from store.review.saying import check_words, has_text
from store.review.settings import Settings
from store.reviews import Said, add_line, read_log
from store.waiting import wanted_for
from taxonomy.refusal import InputError

MOST = 10_000
BATCH = 50
"""Dialogues in a transaction: some hundredths of a second during which nobody else writes."""
LEASED = text("SELECT count(*) FROM leases WHERE dialogue_id = :id AND reviewer <> :reviewer AND until > :now")


@dataclass(slots=True)
class Done:
    """What a bulk verdict came to, in dialogues."""

    done: int = 0
    already: int = 0
    """The reviewer had said the same of them."""
    leased: int = 0
    """Somebody else has them open; they are left alone."""
    danger: int = 0
    """With a sign of danger; they are never accepted unread."""
    empty: int = 0
    """Without text, so that there is nothing to accept."""


def bulk_phrase(word: str, count: int) -> str:
    """Return what has to be typed before a bulk verdict."""
    return f"{word} {count}"


def say_of_all(engine: Engine, asked: Filter, said: Said, settings: Settings, *, expected: int, typed: str) -> Done:
    """Say a verdict of all dialogues of a filter; `said` holds it with an empty dialogue id.

    Raises InputError, with nothing said, where the filter finds other than the expected number, or more than MOST, or
    where the phrase is not typed.
    """
    check_words(said, load_guide())
    ids = list(list_ids(engine, asked, MOST + 1, viewer=said.reviewer))
    if len(ids) > MOST:
        raise InputError(f"more than {MOST:,} dialogues; narrow the filter")
    if len(ids) != expected:
        raise InputError(f"the filter finds {len(ids)} dialogues, not {expected}; load the page again")
    if typed.strip() != bulk_phrase(said.word, expected):
        raise InputError(f"type {bulk_phrase(said.word, expected)!r} to confirm")
    total = Done()
    for start in range(0, len(ids), BATCH):
        some = say_of_batch(engine, ids[start : start + BATCH], said, settings)
        for name in Done.__slots__:
            setattr(total, name, getattr(total, name) + getattr(some, name))
        refresh_cards(engine, BATCH)
    return total


def say_of_batch(engine: Engine, ids: Sequence[str], said: Said, settings: Settings) -> Done:
    """Say a verdict of some dialogues in one transaction."""

    def save() -> Done:
        told = Done()
        with engine.connect().execution_options(writes=True) as db, db.begin():
            for id in ids:
                what = say_of_one(db, replace(said, dialogue_id=id), settings)
                setattr(told, what, getattr(told, what) + 1)
        return told

    with explained(engine):
        return persist(save)


def say_of_one(db: Connection, said: Said, settings: Settings) -> str:
    """Say a verdict of a dialogue, or leave it alone; returns the name of the field of Done that it counts for."""
    now = time.time()
    slot = find_slot(db, said.dialogue_id)
    mine = list_verdicts(read_log(db, said.dialogue_id)).get(said.reviewer)
    if mine is not None and mine.word == said.word:
        return "already"
    if said.word == "accept" and slot.is_crisis:
        return "danger"
    if db.execute(LEASED, {"id": said.dialogue_id, "reviewer": said.reviewer, "now": now}).scalar_one():
        return "leased"
    if said.word == "accept" and not has_text(db, said.dialogue_id):
        return "empty"
    add_line(db, replace(said, wanted=wanted_for(slot, settings), guide=load_guide().version), now)
    return "done"
