"""The queue: who is given which talk next. A talk is leased to as many people as it wants, and never to one more."""

import time
from typing import Literal

from sqlalchemy import Connection, Engine, text

from store.blind import list_verdicts
from store.cards import refresh_cards
from store.db import explained, persist
from store.filters import Filter
from store.review.settings import Settings
from store.reviews import read_log
from store.standing import list_standing
from store.waiting import Slot, list_held, list_waiting, plan_search, wanted_for
from taxonomy.refusal import InputError

REFRESHED = 10
"""Cards made anew before each item: more than one person's verdict makes untrue, at a millisecond a card."""
REFRESHED_AT_LAST = 200
"""Cards made anew where no other talk is left."""
QUEUE_LOCK = text("SELECT pg_advisory_xact_lock(7265766965)")
"""Only the queue takes this lock."""
ONE = text(
    "SELECT d.id, d.is_crisis, coalesce(c.lot, 999), 0, 0 FROM dialogues d"
    " LEFT JOIN cards c ON c.dialogue_id = d.id WHERE d.id = :id AND d.kind = 'talk'"
)
OTHERS = text("SELECT reviewer FROM leases WHERE dialogue_id = :id AND reviewer <> :me AND until > :now")
FORGET_OLD = text("DELETE FROM leases WHERE until <= :now")
TAKE = text(
    "INSERT INTO leases (dialogue_id, reviewer, until) VALUES (:id, :me, :until)"
    " ON CONFLICT (dialogue_id, reviewer) DO UPDATE SET until = excluded.until"
)
RELEASE = text("DELETE FROM leases WHERE dialogue_id = :id AND reviewer = :me")


Hold = Literal["done", "free", "taken"]


class Missing(InputError):
    """There is no such talk."""


class Taken(InputError):
    """As many people as a talk wants have it before them, or have judged it."""


def next_item(engine: Engine, reviewer: str, asked: Filter, settings: Settings, now: float | None = None) -> str | None:
    """Return the id of the talk that a reviewer is to look at, leased to them, or None where there is none for them.

    One's own living lease comes first; else danger before doubt before all else, in the order of the plan. `now` is a
    Unix time.
    """
    at = time.time() if now is None else now
    refresh_cards(engine, REFRESHED)
    with explained(engine):
        found = lease_next(engine, reviewer, asked, settings, at)
        # The last of a filter may be among the talks whose cards are still to be made.
        while found is None and refresh_cards(engine, REFRESHED_AT_LAST):
            found = lease_next(engine, reviewer, asked, settings, at)
    return found


def lease_next(engine: Engine, reviewer: str, asked: Filter, settings: Settings, now: float) -> str | None:
    """Lease the first talk that is free; talks are found without a lock, and each is looked at again under it."""
    with engine.connect() as db:
        held = list_held(db, reviewer, asked, now)
        search = plan_search(db, reviewer, asked, settings, now)
    found = take_first(engine, held, reviewer, settings, now)
    for stretch in range(len(search.stretches)):
        after, is_last = None, False
        while found is None and not is_last:
            with engine.connect() as db:
                slots = list_waiting(db, search, stretch, after)
            found = take_first(engine, slots, reviewer, settings, now)
            after, is_last = (slots[-1], False) if slots else (after, True)
    return found


def take_first(engine: Engine, slots: list[Slot], reviewer: str, settings: Settings, now: float) -> str | None:
    """Lease the first of some talks that still is free, or return None."""
    if not slots:
        return None

    def save() -> str | None:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            lock_queue(db, now)
            for slot in slots:
                if find_hold(db, slot, reviewer, settings, now) == "free":
                    until = now + settings.lease_s
                    db.execute(TAKE, {"id": slot.dialogue_id, "me": reviewer, "until": until})
                    return slot.dialogue_id
            return None

    return persist(save)


def lock_queue(db: Connection, now: float) -> None:
    """Keep others from handing out talks until this transaction ends, and drop the leases that have."""
    if db.dialect.name == "postgresql":
        db.execute(QUEUE_LOCK)
    db.execute(FORGET_OLD, {"now": now})


def find_hold(db: Connection, slot: Slot, reviewer: str, settings: Settings, now: float) -> Hold:
    """Return whether somebody is done with a talk, may have it, or comes too late.

    Leases are read before the log: a verdict that is given in between takes its lease along, and would count for
    nobody if the two were read the other way round.
    """
    leases = set(db.execute(OTHERS, {"id": slot.dialogue_id, "me": reviewer, "now": now}).scalars())
    log = read_log(db, slot.dialogue_id)
    judges = set(list_verdicts(log))
    if reviewer in judges or any(line.word == "skip" and line.reviewer == reviewer for line in list_standing(log)):
        return "done"
    return "free" if len(leases | judges) < wanted_for(slot, settings) else "taken"


def find_slot(db: Connection, id: str) -> Slot:
    """Return a talk by its id; raises Missing where there is none."""
    row = db.execute(ONE, {"id": id}).one_or_none()
    if row is None:
        raise Missing(f"there is no dialogue {id[:40]!r}")
    return Slot(*row)


def renew(engine: Engine, id: str, reviewer: str, settings: Settings, now: float | None = None) -> float:
    """Lease a talk to somebody for longer, or for the first time; returns the Unix time at which that ends.

    Whoever has judged it keeps it from nobody: then the time is `now`. Raises Taken where others have it, Missing
    where there is none.
    """
    at = time.time() if now is None else now

    def save() -> float:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            lock_queue(db, at)
            hold = find_hold(db, find_slot(db, id), reviewer, settings, at)
            if hold == "done":
                return at
            if hold == "taken":
                raise Taken(f"dialogue {id}: your time with it ended, and somebody else has it")
            db.execute(TAKE, {"id": id, "me": reviewer, "until": at + settings.lease_s})
            return at + settings.lease_s

    with explained(engine):
        return persist(save)


def release(engine: Engine, id: str, reviewer: str) -> None:
    """Give a talk back, so that somebody else is handed it."""

    def save() -> None:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            db.execute(RELEASE, {"id": id, "me": reviewer})

    with explained(engine):
        persist(save)
