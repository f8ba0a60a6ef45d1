"""Finds texts that nearly repeat each other, so that a duplicate is dropped before anyone reviews it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VERSION = 1
"""Stored beside every band: bands of two versions must never be compared. Raise it with any change below."""

GRAM = 5
PERMUTATIONS = 128
BANDS = 32
HASH_BYTES = 10

NOT_TEXT = re.compile(r"[\W_]+")
"""Punctuation, blanks, symbols, combining marks and lone surrogates: nothing that carries wording."""

WIDE_MARKS = tuple((mark, unicodedata.normalize("NFKC", mark)) for mark in "，？！：；（）…")
"""What Chinese text is full of and NFKC changes; once they are replaced it finds nothing to do in most texts."""

Grams = NDArray[np.uint64]
Signature = NDArray[np.uint32]
Identity = tuple[int, ...]
"""(run, position), or (run, position, number) for one turn: sorts by age, which a dialogue's id as text does not."""
Index = dict[int, Identity | list[Identity]]


class Level(NamedTuple):
    """How alike two texts of one kind must be to count as one, and how long to be compared at all."""

    threshold: float
    shortest: int


DIALOGUE = Level(0.6, 0)
TURN = Level(0.8, 60)
OPENING = Level(0.8, 0)


class Standing(NamedTuple):
    """What decides which of two near duplicates stays."""

    id: Identity
    is_reviewed: bool = False
    critic: float | None = None


def mix(values: Grams) -> Grams:
    """Return the values with every bit depending on every other (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def draw_constants(seed: int, count: int) -> Grams:
    """Return constants that no version of numpy or Python can change."""
    return mix(np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed))


BASE = np.uint64(0x9E3779B97F4A7C15)
FACTORS = (draw_constants(1, PERMUTATIONS).astype(np.uint32) | np.uint32(1))[:, None]
OFFSETS = draw_constants(2, PERMUTATIONS).astype(np.uint32)[:, None]
ROW_FACTORS = draw_constants(3, PERMUTATIONS // BANDS) | np.uint64(1)
BAND_SALTS = draw_constants(4, BANDS)


def normalise(text: str) -> str:
    """Return the text without case, width, punctuation and blanks."""
    for mark, plain in WIDE_MARKS:
        text = text.replace(mark, plain)
    return NOT_TEXT.sub("", unicodedata.normalize("NFKC", text).lower())


def hash_exact(text: str) -> bytes:
    """Return the hash that two texts share where they differ at most in case, width, punctuation and blanks."""
    return blake2b(normalise(text).encode(), digest_size=HASH_BYTES).digest()


def hash_grams(normal: str, length: int = GRAM) -> Grams:
    """Return the hash of every run of characters, in order; a text shorter than a run is one run."""
    points = np.frombuffer(normal.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    if not len(points):
        return points
    length = min(length, len(points))
    count = len(points) - length + 1
    hashes = points[:count].copy()
    for shift in range(1, length):
        hashes *= BASE
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
    """Return the least value of each permutation over a text's grams."""
    grams = hash_grams(normalise(text)).astype(np.uint32)
    if not len(grams):
        return np.full(PERMUTATIONS, 0xFFFFFFFF, dtype=np.uint32)
    # 32 bits: numpy multiplies them eight at a time, and a text has too few grams for two to collide
    permuted = grams * FACTORS
    permuted += OFFSETS
    least: Signature = permuted.min(axis=1)
    return least


def bands(signed: Signature) -> list[int]:
    """Return a hash of each band of rows as a signed integer, salted by place so that one column holds them all."""
    rows = signed.astype(np.uint64).reshape(BANDS, -1)
    hashed = mix(mix(rows * ROW_FACTORS).sum(axis=1, dtype=np.uint64) + BAND_SALTS)
    signed_hashes: list[int] = hashed.view(np.int64).tolist()
    return signed_hashes


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
