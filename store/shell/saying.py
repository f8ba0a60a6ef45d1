"""Says something of a dialogue from a shell: verdicts, flags, comments, undo, and one verdict on all of a filter."""

import json
import sys
import time
from argparse import Namespace
from dataclasses import asdict
from itertools import islice

from sqlalchemy import Engine, text

from store.cards import find_standing, refresh_cards
from store.db import explained
from store.judging import read_dialogue
from store.listing import list_ids
from store.queue import next_item
from store.review.bulk import MOST, bulk_phrase, say_of_all
from store.review.saying import record
from store.reviews import Said, undo
from store.shell.flags import asked_filter, find_reviewer, read_settings
from store.shell.sheet import show_dialogue
from store.shell.terminal import tell
from store.standing import VERDICTS
from taxonomy.refusal import InputError

OWN = text("SELECT dialogue_id FROM leases WHERE reviewer = :me AND until > :now ORDER BY until DESC, dialogue_id")


def show_next(engine: Engine, flags: Namespace) -> int:
    """Lease the next dialogue of a filter and show it."""
    reviewer = find_reviewer(engine, flags)
    id = next_item(engine, reviewer, asked_filter(flags), read_settings(flags))
    if id is not None:
        show_dialogue(engine, id, reviewer, flags)
        return 0
    if flags.json:
        tell("null")
    sys.stderr.write(f"nothing waits for {reviewer}\n")
    return 0


def say_word(engine: Engine, flags: Namespace) -> int:
    """Say the word of the verb."""
    reviewer = find_reviewer(engine, flags)
    if flags.verb in VERDICTS and flags.all:
        return say_all(engine, reviewer, flags)
    id = flags.id or find_own(engine, reviewer)
    said = Said(
        dialogue_id=id,
        reviewer=reviewer,
        word=flags.verb,
        is_adjudication=getattr(flags, "adjudicate", False),
        comment=flags.comment or "",
        reasons=tuple(getattr(flags, "reason", None) or ()),
        number=getattr(flags, "turn", None),
        way="shell",
    )
    line = record(engine, said, read_settings(flags))
    # A verdict of one's own opens what others said; a flag or a comment does not.
    standing = read_standing(engine, id) if flags.verb in VERDICTS else None
    if flags.json:
        tell(json.dumps({"id": id, "line": line, "word": flags.verb, "standing": standing}))
    else:
        tell(f"{id}: {flags.verb} by {reviewer}" + (f"; it is {standing}" if standing else ""))
    return 0


def take_back(engine: Engine, flags: Namespace) -> int:
    """Undo the last thing somebody said of a dialogue."""
    reviewer = find_reviewer(engine, flags)
    undone = undo(engine, flags.id, reviewer, way="shell")
    tell(json.dumps({"id": flags.id, "undone": undone.word}) if flags.json else f"{flags.id}: {undone.word} undone")
    return 0


def say_all(engine: Engine, reviewer: str, flags: Namespace) -> int:
    """Say one verdict of all dialogues of a filter: counted first, and confirmed by --yes or by typing a phrase."""
    if flags.id is not None or flags.adjudicate:
        raise InputError("--all takes a filter, and neither an ID nor --adjudicate")
    refresh_cards(engine)
    asked, settings = asked_filter(flags), read_settings(flags)
    count = sum(1 for _ in islice(list_ids(engine, asked, MOST + 1, viewer=reviewer), MOST + 1))
    if count > MOST:
        raise InputError(f"more than {MOST:,} dialogues; narrow the filter")
    if flags.expect is not None and flags.expect != count:
        raise InputError(f"the filter finds {count} dialogues, not {flags.expect}; nothing is said")
    phrase = bulk_phrase(flags.verb, count)
    if not flags.yes and not is_typed(phrase, count):
        sys.stderr.write(f"{count} dialogues; nothing is said: add --yes --expect {count} to {flags.verb} them\n")
        return 0
    said = Said(
        dialogue_id="", reviewer=reviewer, word=flags.verb, comment=flags.comment or "",
        reasons=tuple(getattr(flags, "reason", None) or ()), way="bulk",
    )  # fmt: skip
    done = asdict(say_of_all(engine, asked, said, settings, expected=count, typed=phrase))
    if flags.json:
        tell(json.dumps(done))
    else:
        left = ", ".join(f"{number} {name}" for name, number in done.items() if name != "done" and number)
        tell(f"{flags.verb}: {done['done']} of {count}" + (f"; left alone: {left}" if left else ""))
    return 0


def is_typed(phrase: str, count: int) -> bool:
    """Whether somebody at the terminal types the phrase."""
    if not sys.stdin.isatty() or not count:
        return False
    sys.stderr.write(f"{count} dialogues; type {phrase!r} to go on: ")
    return sys.stdin.readline().strip() == phrase


def find_own(engine: Engine, reviewer: str) -> str:
    """Return the dialogue that somebody has before them; raises InputError where there is none."""
    with explained(engine), engine.connect() as db:
        id: str | None = db.execute(OWN, {"me": reviewer, "now": time.time()}).scalars().first()
    if id is None:
        raise InputError("no dialogue is before you: name its ID, or take one with python -m store.dialogues next")
    return id


def read_standing(engine: Engine, id: str) -> str:
    """Return the standing of a talk in words."""
    dialogue = read_dialogue(engine, id)
    if dialogue is None:
        return "gone"
    return find_standing(dialogue) + (", for people disagree" if dialogue.people == "disputed" else "")
