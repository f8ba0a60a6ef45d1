"""Keeps a dialogue's MinHash bands beside it, so that a near copy is known at the moment it is finished."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, Engine, bindparam, text

from store.db import explained
from store.minhash import DIALOGUE, VERSION, bands, jaccard, list_grams, signature

SHARE_A_BAND = text(
    "SELECT DISTINCT dialogue_id FROM bands WHERE version = :version AND band IN :bands ORDER BY dialogue_id"
).bindparams(bindparam("bands", expanding=True))
LINES = text('SELECT "text" FROM utterances WHERE dialogue_id = :id ORDER BY number')
INSERT_BAND = text("INSERT INTO bands (band, dialogue_id, version) VALUES (:band, :dialogue_id, :version)")


@dataclass(frozen=True, slots=True)
class NearCopy:
    """A stored dialogue that says nearly the same; `share` is the Jaccard index of their character 5-grams."""

    dialogue_id: str
    share: float


def find_near_copies(engine: Engine, lines: Sequence[str]) -> list[NearCopy]:
    """Return the stored dialogues that these lines nearly repeat, the nearest first."""
    whole = "\n".join(lines)
    grams, found = list_grams(whole), []
    with explained(engine), engine.connect() as db:
        for (other,) in db.execute(SHARE_A_BAND, {"version": VERSION, "bands": bands(signature(whole))}):
            share = jaccard(grams, read_grams(db, other))
            if share >= DIALOGUE.threshold:
                found.append(NearCopy(other, share))
    return sorted(found, key=lambda copy: -copy.share)


def read_grams(db: Connection, dialogue_id: str) -> "np.typing.NDArray[np.uint64]":
    """Return the character 5-grams of a stored dialogue."""
    return list_grams("\n".join(db.execute(LINES, {"id": dialogue_id}).scalars()))


def save_bands(db: Connection, dialogue_id: str, lines: Sequence[str]) -> None:
    """Store the bands of a dialogue."""
    # A text with few grams may give one value in two places; a set keeps the key unique.
    banded = sorted(set(bands(signature("\n".join(lines)))))
    db.execute(INSERT_BAND, [{"band": band, "dialogue_id": dialogue_id, "version": VERSION} for band in banded])
