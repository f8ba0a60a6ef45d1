"""Keeps a dialogue's bands beside it, so that a near copy is known at the moment it is finished."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, TextClause, bindparam, text

from store.bands import DIALOGUE, VERSION, hash_bands, jaccard, list_runs, normalise, place_grams, sign

MOST_OF_A_BAND = 16
"""Dialogues looked up under one band: where a model says the same over and over, thousands share it."""
MOST_COMPARED = 8
"""Candidates whose text is read, those with the most bands in common first."""
LINES = text(
    'SELECT dialogue_id, "text" FROM utterances WHERE dialogue_id IN :ids ORDER BY dialogue_id, number'
).bindparams(bindparam("ids", expanding=True))
INSERT_BAND = text("INSERT INTO bands (band, dialogue_id, version) VALUES (:band, :dialogue_id, :version)")


@dataclass(frozen=True, slots=True)
class NearCopy:
    """A stored dialogue that says nearly the same; `share` is the Jaccard index of their character 5-grams."""

    dialogue_id: str
    share: float


@dataclass(frozen=True, slots=True)
class Wording:
    """What the lines of a dialogue are known by: what they say without marks, and the bands they are kept under."""

    normal: str
    bands: list[int]


def read_wording(lines: Sequence[str]) -> Wording:
    """Return the wording of a dialogue's lines."""
    normal = normalise("\n".join(lines))
    # A text with few grams may give one value in two places; a set keeps the key unique.
    return Wording(normal, sorted(set(hash_bands(sign(place_grams(normal))))) if normal else [])


def find_near_copy(db: Connection, wording: Wording) -> NearCopy | None:
    """Return the stored dialogue that is nearly the same, or None; of several the one with the most bands.

    What a look-up costs does not grow with the number of copies there are.
    """
    if not wording.bands:
        return None
    asked = {"version": VERSION, **{f"band_{number}": band for number, band in enumerate(wording.bands)}}
    shared = Counter(db.execute(share_a_band(len(wording.bands)), asked).scalars())
    candidates = sorted(shared, key=lambda other: (-shared[other], other))[:MOST_COMPARED]
    if not candidates:
        return None
    runs, said = list_runs(wording.normal), read_texts(db, candidates)
    for other in candidates:
        share = jaccard(runs, list_runs(normalise(said[other])))
        if share >= DIALOGUE.threshold:
            return NearCopy(other, share)
    return None


def read_texts(db: Connection, dialogue_ids: Sequence[str]) -> dict[str, str]:
    """Return the lines of some stored dialogues, each as one text."""
    said: dict[str, list[str]] = {dialogue_id: [] for dialogue_id in dialogue_ids}
    for dialogue_id, line in db.execute(LINES, {"ids": list(dialogue_ids)}):
        said[dialogue_id].append(line)
    return {dialogue_id: "\n".join(lines) for dialogue_id, lines in said.items()}


@cache
def share_a_band(count: int) -> TextClause:
    """Return the look-up of so many bands, each by its index and none of them without a limit."""
    each = "SELECT dialogue_id FROM bands WHERE band = :band_{} AND version = :version ORDER BY dialogue_id LIMIT {}"
    parts = (f"SELECT * FROM ({each.format(number, MOST_OF_A_BAND)}) AS b{number}" for number in range(count))
    return text(" UNION ALL ".join(parts))


def save_bands(db: Connection, dialogue_id: str, bands: Sequence[int]) -> None:
    """Store the bands of a dialogue."""
    db.execute(INSERT_BAND, [{"band": band, "dialogue_id": dialogue_id, "version": VERSION} for band in bands])
