"""Keeps a dialogue's bands beside it, so that a near copy is known at the moment it is finished."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

from sqlalchemy import Connection, TextClause, bindparam, text

from store.bands import DIALOGUE, SCENARIO, VERSION, hash_bands, jaccard, list_runs, normalise, place_grams, sign
from store.records import Kind

MOST_OF_A_BAND = 16
"""Dialogues looked up under one band: where a model says the same over and over, thousands share it."""
MOST_COMPARED = 8
"""Candidates whose text is read, those with the most bands in common first."""
MOST_TOLD = 64
"""As many where scenarios are compared: at half their runs in common two of them share two bands of 32, often one."""
LINES = text(
    'SELECT dialogue_id, "text" FROM utterances WHERE dialogue_id IN :ids ORDER BY dialogue_id, number'
).bindparams(bindparam("ids", expanding=True))
TOLD = text(
    "SELECT dialogue_id, body FROM artefacts WHERE dialogue_id IN :ids AND kind = :kind ORDER BY dialogue_id, number"
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
    kind: Kind = "talk"


def read_wording(lines: Sequence[str], kind: Kind = "talk", language: str = "") -> Wording:
    """Return the wording of a dialogue's lines, or of a scenario's; scenarios of two languages share no band."""
    normal = normalise("\n".join(lines))
    # A text with few grams may give one value in two places; a set keeps the key unique.
    bands = sorted(set(hash_bands(sign(place_grams(normal))))) if normal else []
    if kind != "talk":
        salt = salt_bands(kind, language)
        bands = [band ^ salt for band in bands]
    return Wording(normal, bands, kind)


@cache
def salt_bands(kind: Kind, language: str) -> int:
    """Return what keeps the bands of one kind and language apart from all others, as a signed integer."""
    return int.from_bytes(blake2b(f"{kind}/{language}".encode(), digest_size=8).digest(), signed=True)


def find_near_copy(db: Connection, wording: Wording) -> NearCopy | None:
    """Return the stored dialogue that is nearly the same, or None; of several the one with the most bands.

    What a look-up costs does not grow with the number of copies there are.
    """
    if not wording.bands:
        return None
    asked = {"version": VERSION, **{f"band_{number}": band for number, band in enumerate(wording.bands)}}
    shared = Counter(db.execute(share_a_band(len(wording.bands)), asked).scalars())
    is_talk = wording.kind == "talk"
    most = MOST_COMPARED if is_talk else MOST_TOLD
    candidates = sorted(shared, key=lambda other: (-shared[other], other))[:most]
    if not candidates:
        return None
    runs, said = list_runs(wording.normal), (read_texts if is_talk else read_told)(db, candidates)
    threshold = (DIALOGUE if is_talk else SCENARIO).threshold
    for other in candidates:
        share = jaccard(runs, list_runs(normalise(said[other])))
        if share >= threshold:
            return NearCopy(other, share)
    return None


def read_texts(db: Connection, dialogue_ids: Sequence[str]) -> dict[str, str]:
    """Return the lines of some stored dialogues, each as one text."""
    said: dict[str, list[str]] = {dialogue_id: [] for dialogue_id in dialogue_ids}
    for dialogue_id, line in db.execute(LINES, {"ids": list(dialogue_ids)}):
        said[dialogue_id].append(line)
    return {dialogue_id: "\n".join(lines) for dialogue_id, lines in said.items()}


def read_told(db: Connection, dialogue_ids: Sequence[str]) -> dict[str, str]:
    """Return the texts of some stored scenarios."""
    rows = db.execute(TOLD, {"ids": list(dialogue_ids), "kind": "scenario"})
    told = {dialogue_id: str(json.loads(body)["text"]) for dialogue_id, body in rows}
    return {dialogue_id: told.get(dialogue_id, "") for dialogue_id in dialogue_ids}


@cache
def share_a_band(count: int) -> TextClause:
    """Return the look-up of so many bands, each by its index and none of them without a limit."""
    each = "SELECT dialogue_id FROM bands WHERE band = :band_{} AND version = :version ORDER BY dialogue_id LIMIT {}"
    parts = (f"SELECT * FROM ({each.format(number, MOST_OF_A_BAND)}) AS b{number}" for number in range(count))
    return text(" UNION ALL ".join(parts))


def save_bands(db: Connection, dialogue_id: str, bands: Sequence[int]) -> None:
    """Store the bands of a dialogue."""
    db.execute(INSERT_BAND, [{"band": band, "dialogue_id": dialogue_id, "version": VERSION} for band in bands])
