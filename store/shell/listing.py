"""Lists dialogues in a shell, a page at a time, by the filters of the review page."""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, text
from sqlmodel import Session

from store import cards
from store.blind import sees_others
from store.db import explained
from store.filters import Filter
from store.judging import read_batch
from store.listing import MOST_PAGE, Card, list_page
from store.reviews import read_log
from store.shell.flags import asked_filter, find_reviewer
from store.shell.made import find_standing, list_made, name_unit
from store.shell.terminal import paint, tell
from store.tables import DialogueRow, SeedRow
from taxonomy.refusal import InputError

REFRESHED = 2_000
"""Cards made before a list: about two seconds of work."""
OTHERS = text("SELECT DISTINCT dialogue_id FROM reviews WHERE reviewer <> :viewer AND dialogue_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
STANDINGS: dict[str, Any] = {"accepted": "green", "rejected": "red", "waiting": "yellow"}


def list_dialogues(engine: Engine, flags: Namespace) -> None:
    """Print one line a dialogue; how the list goes on is told on stderr."""
    if not 1 <= flags.limit <= MOST_PAGE:
        raise InputError(f"--limit {flags.limit}: write a number from 1 to {MOST_PAGE}")
    viewer, asked = find_reviewer(engine, flags), asked_filter(flags)
    cards.refresh_cards(engine, REFRESHED)
    page = list_page(engine, asked, flags.after, flags.limit, viewer)
    with explained(engine), Session(engine) as db:
        hidden = find_hidden(db.connection(), page.cards, viewer)
        lines = [describe(db, card, hidden) for card in page.cards]
        if not lines and flags.after is None and asked == Filter(run=asked.run, sort=asked.sort) and asked.run:
            lines = [describe_row(db, row, find_standing(db, row)) for row in list_made(db, asked.run)]
    for line in lines:
        tell(json.dumps(line, ensure_ascii=False) if flags.json else write_line(line))
    tell_rest(engine, page.next, page.count, len(lines), is_more=page.is_more)


def tell_rest(engine: Engine, following: str | None, count: int, shown: int, *, is_more: bool) -> None:
    """Tell on stderr what is not in the list."""
    if following is not None:
        of = f"more than {count:,}" if is_more else f"{count:,}"
        sys.stderr.write(f"{shown:,} of {of}; the list goes on with --after {following}\n")
    if left := cards.count_stale(engine):
        sys.stderr.write(f"{left:,} dialogues are not in the lists yet; each `list` takes up {REFRESHED:,} more\n")


def find_hidden(db: Connection, listed: Sequence[Card], viewer: str) -> dict[str, str]:
    """Return the talks that others judged or marked and this viewer may not know of, with their standing without it."""
    if not listed:
        return {}
    told = db.execute(OTHERS, {"viewer": viewer, "ids": [card.dialogue_id for card in listed]}).scalars().all()
    blind = [id for id in told if not sees_others(read_log(db, id), viewer)]
    return {one.id: cards.find_standing(replace(one, people=None)) for one in read_batch(db, blind)} if blind else {}


def describe(db: Session, card: Card, hidden: dict[str, str]) -> dict[str, Any]:
    """Return what is told of a talk; what others said of one that is hidden is left out."""
    row = db.get_one(DialogueRow, card.dialogue_id)
    fields = describe_row(db, row, hidden.get(row.id, card.standing))
    may_see = row.id not in hidden
    return fields | {
        "language": card.language,
        "model": card.model,
        "flags": card.flags if may_see else None,
        "comments": card.comments if may_see else None,
        "disputed": card.is_disputed if may_see else None,
        "title": card.title,
    }


def describe_row(db: Session, row: DialogueRow, standing: str) -> dict[str, Any]:
    """Return what is told of anything that is stored as a dialogue."""
    return {
        "id": row.id,
        "kind": row.kind,
        "recipe": row.recipe,
        "outcome": row.outcome,
        "standing": standing,
        "exchanges": row.exchanges,
        "end": row.end_reason or row.error_kind or "",
        "risk": row.risk_tier,
        "unit": name_unit(db.get(SeedRow, row.seed_id)),
        "rehearsal": row.is_rehearsal,
    }


def write_line(told: dict[str, Any]) -> str:
    """Return a dialogue as a line of the list."""
    marks = [name for name in ("rehearsal", "disputed") if told.get(name)]
    marks += [f"{told[name]} {name}" for name in ("flags", "comments") if told.get(name)]
    standing = paint(f"{told['standing']:<10}", STANDINGS[told["standing"]])
    risk = paint(f"{told['risk']:<9}", *(() if told["risk"] == "none" else ("red",)))
    head = f"{told['id']:<10}{told['outcome']:<10}{standing}{told['exchanges']:>3}  {paint(told['end']):<13}{risk}"
    return "  ".join([f"{head}{told['unit']}", *(paint(mark, "faint") for mark in marks)])
