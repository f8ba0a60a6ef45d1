"""Says which texts may nearly repeat each other, in plain Python: a run does so without numpy, which costs memory."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

VERSION = 2
"""Stored beside every band: bands of two versions must never be compared. Raise it with any change below."""

GRAM = 5
BANDS = 32
ROWS = 4
PLACE_BITS = 30
"""A hash is a place on a circle; Python sorts what fits into 30 bits three times as fast."""
HASH_BYTES = 10

TEXT = re.compile(r"[^\W_]+")
"""All but punctuation, blanks, symbols, combining marks and lone surrogates, which carry no wording."""

WIDE_MARKS = tuple((mark, unicodedata.normalize("NFKC", mark)) for mark in "，？！：；（）…")
"""What Chinese text is full of and NFKC changes; once they are replaced it finds nothing to do in most texts."""

WORD = 2**64 - 1
BASE = 0x9E3779B97F4A7C15
MIX = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
LANE = 16
"""Bytes for each hash in the long integer that holds them all; a product of two words leaves no lane."""


class Level(NamedTuple):
    """How alike two texts of one kind must be to count as one, and how long to be compared at all."""

    threshold: float
    shortest: int


DIALOGUE = Level(0.6, 0)
TURN = Level(0.8, 60)
OPENING = Level(0.8, 0)
SCENARIO = Level(0.5, 0)
"""Two scenarios are short and meant to differ; two that share half their runs tell the same story."""


def mix(values: int, lanes: int = WORD) -> int:
    """Return every value with each bit depending on all (MurmurHash3's last step); `lanes` masks their words."""
    values = ((values ^ (values >> 33)) & lanes) * MIX[0] & lanes
    values = ((values ^ (values >> 33)) & lanes) * MIX[1] & lanes
    return (values ^ (values >> 33)) & lanes


def draw_constants(seed: int, count: int) -> list[int]:
    """Return constants that no version of Python can change."""
    return [mix((number * BASE + seed) & WORD) for number in range(1, count + 1)]


ROW_FACTORS = [constant | 1 for constant in draw_constants(3, ROWS)]
BAND_SALTS = draw_constants(4, BANDS)
STARTS = [(number << PLACE_BITS) // (ROWS * BANDS) for number in range(ROWS * BANDS)]
NOWHERE = 1 << PLACE_BITS


def normalise(text: str) -> str:
    """Return the text without case, width, punctuation and blanks."""
    for mark, plain in WIDE_MARKS:
        text = text.replace(mark, plain)
    return "".join(TEXT.findall(unicodedata.normalize("NFKC", text).lower()))


def hash_exact(text: str) -> bytes:
    """Return the hash that two texts share where they differ at most in case, width, punctuation and blanks."""
    return blake2b(normalise(text).encode(), digest_size=HASH_BYTES).digest()


def place_grams(normal: str, length: int = GRAM) -> list[int]:
    """Return the place of every run of characters, in order; a text shorter than a run is one run.

    It is the top of the 64 bits that store.minhash.hash_grams gives. All are computed at once, each in its lane of one
    long integer: a product with powers of the base is the polynomial of every run.
    """
    if not normal:
        return []
    length = min(length, len(normal))
    count = len(normal) - length + 1
    points = normal.encode("utf-32-le")
    spread = bytearray(LANE * len(normal))
    for byte in range(3):
        spread[byte::LANE] = points[byte::4]
    powers = sum((pow(BASE, power, 2**64) << 8 * LANE * power) for power in range(length))
    lanes = int.from_bytes((b"\xff" * 8 + b"\x00" * 8) * count, "little")
    hashes = mix((int.from_bytes(spread, "little") * powers >> 8 * LANE * (length - 1)) & lanes, lanes)
    tops = memoryview((hashes >> (64 - PLACE_BITS)).to_bytes(LANE * count, "little")).cast("I")[::4]
    return tops.tolist()


def sign(places: Sequence[int]) -> list[int]:
    """Return for each of 128 starts, spread evenly about the circle, the first gram from there on.

    Two sets agree at a start as often as their Jaccard index says: what comes first of all is in both or in one alone.
    """
    around = sorted(places)
    count = len(around)
    if not count:
        return [NOWHERE] * len(STARTS)
    return [around[bisect_left(around, start) % count] for start in STARTS]


def hash_bands(signed: Sequence[int]) -> list[int]:
    """Return a hash of each band of four starts as a signed integer, salted by its number: one column holds them all.

    The four lie a quarter of the circle apart, for neighbours give the same where a text is short.
    """
    one, two, three, four = ROW_FACTORS
    rows = (signed[row * BANDS : (row + 1) * BANDS] for row in range(ROWS))
    bands = zip(*rows, BAND_SALTS, strict=True)
    return [((a * one + b * two + c * three + d * four + salt) & WORD) - 2**63 for a, b, c, d, salt in bands]


def list_runs(normal: str) -> set[str]:
    """Return the different runs of characters of a text; one shorter than a run is one run."""
    return {normal[start : start + GRAM] for start in range(max(len(normal) - GRAM + 1, min(len(normal), 1)))}


def jaccard(a: set[str], b: set[str]) -> float:
    """Return the share that two sets have in common; two empty sets are the same."""
    both = len(a & b)
    return both / (len(a) + len(b) - both) if a or b else 1.0
