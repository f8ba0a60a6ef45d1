"""Says of each stored talk whether it may leave, and if not on what ground; nothing here reads its words."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from store.bands import normalise
from store.coverage import read_standing
from store.export.reading import Root
from store.mix import Mix, Source, Split, StoreFilter

BEFORE_WORDS = ("asked for", "rehearsal", "standing", "review", "checks", "licence")
"""The filters of a talk before its words are read, in their order."""


def takes_row(asked: StoreFilter, row: Any) -> bool:
    """Whether a source takes a talk by what stands in its row."""
    columns = (
        (asked.run, row.run_id),
        (asked.recipe, row.recipe),
        (asked.language, row.language),
        (asked.emotion, row.emotion),
        (asked.scene, row.scene),
        (asked.source, row.source),
    )
    if any(wanted and value not in wanted for wanted, value in columns):
        return False
    for flag, value in ((asked.rehearsal, row.is_rehearsal), (asked.edited, row.is_edited)):
        if flag is not None and flag is not bool(value):
            return False
    if asked.exchanges_from is not None and row.exchanges < asked.exchanges_from:
        return False
    return asked.exchanges_to is None or row.exchanges <= asked.exchanges_to


def takes_judged(asked: StoreFilter, model: str, scores: Mapping[str, float], rules: Sequence[str]) -> bool:
    """Whether a source takes a talk by its model, its scores and what was found in it."""
    if (asked.model and model not in asked.model) or any(rule in asked.without for rule in rules):
        return False
    for wanted in asked.scores:
        score = scores.get(wanted.rubric)
        if score is None or (wanted.at_least is not None and score < wanted.at_least):
            return False
        if wanted.at_most is not None and score > wanted.at_most:
            return False
    return True


def find_ground(mix: Mix, source: Source, row: Any, root: Root, checks: str) -> tuple[str, str] | None:
    """Return the filter at which a talk stays behind, and why; None where nothing holds it.

    What is accepted by standing is accepted by a person where it has a sign of danger or an edit.
    """
    asked = source.store
    assert asked is not None
    if row.is_rehearsal and not mix.rehearsal:
        return "rehearsal", "the rehearsal model's"
    standing = read_standing(row)
    if standing != "accepted":
        why = standing if standing == "rejected" else "waiting, with a sign of danger" if row.is_crisis else standing
        return "standing", why
    if row.is_crisis and row.people != "accept":
        return "standing", "waiting, with a sign of danger"
    if (mix.review or asked.standing == "reviewed") and row.people != "accept":
        return "review", "no person has accepted it"
    if row.checks != checks:
        return "checks", "no check has seen it" if row.checks is None else "seen by other checks"
    if not root.is_ours and not mix.allows(root.licence):
        return "licence", root.licence or "unknown"
    return None


def licence_of(mix: Mix, root: Root) -> str:
    """Return the licence of a row: the mix's own where nobody else's words are in it."""
    return mix.licence if root.is_ours else root.licence or "unknown"


def group_of(root: Root, by: str) -> bytes:
    """Return the hash of what stays in one split: the input's text or cell, or the whole case it belongs to."""
    if by == "case" and root.row_id and not root.is_ours:
        return hash_parts("case", root.source or root.file or "", root.row_id)
    if by == "case" and root.emotion is not None:
        return hash_parts("cell", root.emotion, root.scene or "")
    if root.text and (normal := normalise(root.text)):
        return hash_parts("text", normal)
    return hash_parts("seed", root.digest.hex())


def hash_parts(*parts: str) -> bytes:
    """Return a hash of some texts."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def choose_split(group: bytes, split: Split) -> str:
    """Return where a group stands: its hash says so, whatever else is in the mix."""
    place = int.from_bytes(blake2b(group, digest_size=7, person=b"split").digest()) / 2**56
    for name, share in (("test", split.test), ("validation", split.validation)):
        if place < share:
            return name
        place -= share
    return "train" if split.train else "validation" if split.validation else "test"
