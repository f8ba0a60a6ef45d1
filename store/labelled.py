"""Reads dialogues with the log of what people said of them, as far as somebody may see it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, bindparam, text

from store.blind import sees_others
from store.cards import refresh_cards
from store.db import explained
from store.filters import Filter
from store.judging import StoredDialogue, read_batch
from store.listing import list_ids
from store.standing import Review

BATCH = 200
"""Dialogues read together."""
TALKED_OF = text("SELECT DISTINCT dialogue_id FROM reviews WHERE dialogue_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
LOG = text("SELECT * FROM reviews WHERE dialogue_id IN :ids ORDER BY id").bindparams(bindparam("ids", expanding=True))
EDITS = text("SELECT * FROM edits WHERE dialogue_id IN :ids ORDER BY review_id").bindparams(
    bindparam("ids", expanding=True)
)
CARDS = text("SELECT * FROM cards WHERE dialogue_id IN :ids").bindparams(bindparam("ids", expanding=True))
SPEAKERS = text("SELECT reviewer FROM reviews GROUP BY reviewer ORDER BY min(id)")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A dialogue with its log as far as it is shown; `edits` are all there are, for they say how it read when."""

    dialogue: StoredDialogue
    card: Mapping[str, Any]
    log: Sequence[Review]
    rows: Sequence[RowMapping]
    edits: Sequence[RowMapping]
    is_blind: bool

    def read_at(self, number: int, line: int) -> str:
        """Return how an utterance read when a line of the log was written."""
        later = (edit["before"] for edit in self.edits if edit["number"] == number and edit["review_id"] >= line)
        return next(later, self.dialogue.utterances[number].text)


def read_labelled(engine: Engine, asked: Filter, viewer: str) -> Iterator[Labelled]:
    """Yield the dialogues of a filter that have a log."""
    refresh_cards(engine)
    ids = list_ids(engine, replace(asked, sort="oldest"), sys.maxsize, viewer)
    while batch := list(islice(ids, BATCH)):
        with explained(engine), engine.connect() as db:
            spoken = set(db.execute(TALKED_OF, {"ids": batch}).scalars())
            labelled = read_logs(db, [id for id in batch if id in spoken], viewer) if spoken else []
        yield from labelled


def read_logs(db: Connection, ids: Sequence[str], viewer: str) -> list[Labelled]:
    """Return some dialogues with what a viewer may see of their logs; those of which that is nothing are left out."""
    rows, edits, cards = (list(db.execute(query, {"ids": ids}).mappings()) for query in (LOG, EDITS, CARDS))
    card_of = {card["dialogue_id"]: dict(card) for card in cards}
    found = []
    for dialogue in read_batch(db, ids):
        own = [row for row in rows if row["dialogue_id"] == dialogue.id]
        log = [
            Review(
                row["verdict"], bool(row["is_adjudication"]), row["reviewer"], row["wanted"], row["id"], row["undoes"]
            )
            for row in own
        ]
        is_blind = bool(viewer) and not sees_others(log, viewer)
        shown = [row for row in own if not is_blind or row["reviewer"] == viewer]
        if shown:
            changes = [edit for edit in edits if edit["dialogue_id"] == dialogue.id]
            found.append(Labelled(dialogue, card_of[dialogue.id], log, shown, changes, is_blind))
    return found


def number_reviewers(engine: Engine) -> dict[str, str]:
    """Return a number for each reviewer, by who spoke first: it stays the same as the log grows."""
    with explained(engine), engine.connect() as db:
        return {name: f"reviewer-{number}" for number, name in enumerate(db.execute(SPEAKERS).scalars(), 1)}
