"""Keeps a dialogue's MinHash bands beside it, so that a near copy is known at the moment it is finished."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from sqlalchemy import Connection, Engine, TextClause, text

from store.db import explained
from store.minhash import DIALOGUE, VERSION, bands, jaccard, list_grams, signature

MOST_OF_A_BAND = 16
"""Dialogues looked up under one band: where a model says the same over and over, thousands share it."""
MOST_COMPARED = 8
"""Candidates whose text is read, those with the most bands in common first."""
LINES = text('SELECT "text" FROM utterances WHERE dialogue_id = :id ORDER BY number')
INSERT_BAND = text("INSERT INTO bands (band, dialogue_id, version) VALUES (:band, :dialogue_id, :version)")


@dataclass(frozen=True, slots=True)
class NearCopy:
    """A stored dialogue that says nearly the same; `share` is the Jaccard index of their character 5-grams."""

    dialogue_id: str
    share: float


def find_near_copy(engine: Engine, lines: Sequence[str]) -> NearCopy | None:
    """Return the stored dialogue that these lines nearly repeat, or None; of several the one with the most bands.

    What a look-up costs does not grow with the number of copies there are.
    """
    whole = "\n".join(lines)
    grams, banded = list_grams(whole), sorted(set(bands(signature(whole))))
    asked = {"version": VERSION, **{f"band_{number}": band for number, band in enumerate(banded)}}
    with explained(engine), engine.connect() as db:
        shared = Counter(db.execute(share_a_band(len(banded)), asked).scalars())
        for other, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:MOST_COMPARED]:
            share = jaccard(grams, read_grams(db, other))
            if share >= DIALOGUE.threshold:
                return NearCopy(other, share)
    return None


@cache
def share_a_band(count: int) -> TextClause:
    """Return the look-up of so many bands, each by its index and none of them without a limit."""
    each = "SELECT dialogue_id FROM bands WHERE band = :band_{} AND version = :version ORDER BY dialogue_id LIMIT {}"
    parts = (f"SELECT * FROM ({each.format(number, MOST_OF_A_BAND)}) AS b{number}" for number in range(count))
    return text(" UNION ALL ".join(parts))


def read_grams(db: Connection, dialogue_id: str) -> "np.typing.NDArray[np.uint64]":
    """Return the character 5-grams of a stored dialogue."""
    return list_grams("\n".join(db.execute(LINES, {"id": dialogue_id}).scalars()))


def save_bands(db: Connection, dialogue_id: str, lines: Sequence[str]) -> None:
    """Store the bands of a dialogue."""
    # A text with few grams may give one value in two places; a set keeps the key unique.
    banded = sorted(set(bands(signature("\n".join(lines)))))
    db.execute(INSERT_BAND, [{"band": band, "dialogue_id": dialogue_id, "version": VERSION} for band in banded])
