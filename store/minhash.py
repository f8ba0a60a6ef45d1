"""Finds texts that nearly repeat each other among many, so that a duplicate is dropped before anyone reviews it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.bands import (
    BAND_SALTS,
    BANDS,
    BASE,
    DIALOGUE,
    GRAM,
    MIX,
    NOWHERE,
    PLACE_BITS,
    ROW_FACTORS,
    STARTS,
    Level,
    normalise,
)

Grams = NDArray[np.uint64]
Signature = NDArray[np.uint32]
Identity = tuple[int, ...]
"""(run, position), or (run, position, number) for one turn: sorts by age, which a dialogue's id as text does not."""
Index = dict[int, Identity | list[Identity]]

POWER = np.uint64(BASE)
FACTORS = np.array(ROW_FACTORS, dtype=np.uint64)[:, None]
SALTS = np.array(BAND_SALTS, dtype=np.uint64)
FROM = np.array(STARTS, dtype=np.uint32)
SIGN_BIT = np.uint64(1 << 63)


class Standing(NamedTuple):
    """What decides which of two near duplicates stays."""

    id: Identity
    is_reviewed: bool = False
    critic: float | None = None


def mix(values: Grams) -> Grams:
    """Return the values with every bit depending on every other, as store.bands.mix does."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(MIX[0])
    values = (values ^ (values >> np.uint64(33))) * np.uint64(MIX[1])
    return values ^ (values >> np.uint64(33))


def hash_grams(normal: str, length: int = GRAM) -> Grams:
    """Return the hash of every run of characters, in order; a text shorter than a run is one run."""
    points = np.frombuffer(normal.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    if not len(points):
        return points
    length = min(length, len(points))
    count = len(points) - length + 1
    hashes = points[:count].copy()
    for shift in range(1, length):
        hashes *= POWER
        hashes += points[shift : shift + count]
    return mix(hashes)


def list_grams(text: str, length: int = GRAM) -> Grams:
    """Return the set of a text's grams as a sorted array."""
    return np.unique(hash_grams(normalise(text), length))


def jaccard(a: Grams, b: Grams) -> float:
    """Return the share that two sets of grams have in common; two empty sets are the same."""
    if not len(a) and not len(b):
        return 1.0
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


def signature(text: str) -> Signature:
    """Return for each of 128 starts about the circle the first gram from there on, as store.bands.sign does."""
    around = (hash_grams(normalise(text)) >> np.uint64(64 - PLACE_BITS)).astype(np.uint32)
    if not len(around):
        return np.full(len(STARTS), NOWHERE, dtype=np.uint32)
    around.sort()
    found: Signature = around.take(around.searchsorted(FROM), mode="wrap")
    return found


def bands(signed: Signature) -> list[int]:
    """Return a hash of each band as store.bands.hash_bands does."""
    rows = signed.reshape(-1, BANDS) * FACTORS
    hashes: list[int] = ((rows.sum(axis=0, dtype=np.uint64) + SALTS) ^ SIGN_BIT).view(np.int64).tolist()
    return hashes


def add(index: Index, identity: Identity, banded: Iterable[int]) -> None:
    """Remember a text under its bands; most bands hold one text, and those hold no list."""
    for band in banded:
        held = index.get(band)
        if held is None:
            index[band] = identity
        elif isinstance(held, tuple):
            index[band] = [held, identity]
        else:
            held.append(identity)


def find(index: Index, banded: Iterable[int]) -> list[Identity]:
    """Return the texts that share a band, by id; they may be near and are still to be compared."""
    found: set[Identity] = set()
    for band in banded:
        held = index.get(band)
        if isinstance(held, tuple):
            found.add(held)
        elif held is not None:
            found.update(held)
    return sorted(found)


def find_pairs(texts: Mapping[Identity, str], level: Level = DIALOGUE) -> Iterator[tuple[Identity, Identity]]:
    """Yield the pairs (older, newer) that are near; grams are made again when needed, which spares their memory."""
    index: Index = {}
    for identity in sorted(texts):
        text = texts[identity]
        if len(normalise(text)) < level.shortest:
            continue
        banded = bands(signature(text))
        candidates = find(index, banded)
        grams = list_grams(text) if candidates else None
        for other in candidates:
            if grams is not None and jaccard(list_grams(texts[other]), grams) >= level.threshold:
                yield other, identity
        add(index, identity, banded)


def rank(standing: Standing) -> tuple[bool, float, Identity]:
    """Return a key under which the one that stays sorts first: reviewed, then the critic's score, then age."""
    critic = float("inf") if standing.critic is None else -standing.critic
    return not standing.is_reviewed, critic, standing.id


def choose_survivor(standings: Iterable[Standing]) -> Identity:
    """Return the id of the one that stays."""
    return min(standings, key=rank).id


def cluster(
    pairs: Iterable[tuple[Identity, Identity]], standings: Mapping[Identity, Standing] | None = None
) -> dict[Identity, list[Identity]]:
    """Return what is dropped under each survivor; all of it is near the survivor itself, not near by a chain."""
    neighbours: dict[Identity, set[Identity]] = {}
    for one, other in pairs:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    known = standings or {}
    order = sorted(neighbours, key=lambda identity: rank(known.get(identity, Standing(identity))))
    clusters: dict[Identity, list[Identity]] = {}
    for identity in order:
        nearest = next((kept for kept in clusters if kept in neighbours[identity]), None)
        if nearest is None:
            clusters[identity] = []
        else:
            clusters[nearest].append(identity)
    return {kept: sorted(dropped) for kept, dropped in clusters.items() if dropped}
