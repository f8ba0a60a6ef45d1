"""Measures how varied a set of texts is, always on the same amount of text: most such figures fall as a set grows."""

import gzip
import math
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.bands import normalise
from store.minhash import hash_grams, list_grams

BUDGET = 500_000
"""Characters of Chinese, or words of English, on which repetition inside a set is counted."""
DIALOGUES = 2_000
"""Dialogues on which reuse across dialogues is counted."""
SAMPLE = 1_000
"""Texts of a Vendi score, whose cost grows with the cube of their number."""

TOP = 20
EDGE = 6
LONG_GRAM = 10
OFTEN = 3
VENDI_GRAM = 2
BUCKETS = 2**14
WORD = re.compile(r"\w+(?:['’]\w+)*")


class Figures(NamedTuple):
    """What is reported of a set; the shares are of 1. A figure is None where nobody measured it."""

    distinct_2: float
    distinct_3: float
    distinct_4: float
    gzip_ratio: float
    ten_gram_reuse: float
    top_openings: float
    top_closings: float
    vendi: float
    turn_spread: float | None = None
    units: int = BUDGET
    dialogues: int = DIALOGUES


CPSYCOUND = Figures(0.091, 0.238, 0.398, 3.31, 0.141, 0.180, 0.114, 656)
"""Counselor text of CPsyCounD (Zhang et al. 2024, arXiv 2405.16433): 500,000 characters, of 2,000 dialogues for
ten-gram reuse and 1,000 for Vendi; our measurement of Nov 2026, made before this code."""
SMILE = Figures(0.146, 0.409, 0.651, 2.66, 0.024, 0.131, 0.054, 733)
"""Counselor text of SMILECHAT (Qiu et al. 2024, arXiv 2305.00450), measured in the same way."""


def draw(texts: Iterable[str]) -> list[str]:
    """Return the texts in an order that depends on them alone: a run writes its dialogues cell by cell."""
    return sorted(texts, key=lambda text: (blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), text))


def split_units(text: str, language: str) -> Sequence[str]:
    """Return the characters of a Chinese text or the words of an English one."""
    if language == "zh":
        return normalise(text)
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


def take_units(texts: Iterable[str], language: str, budget: int = BUDGET) -> list[str]:
    """Return the first units of the drawn texts, as many as the budget allows or as there are."""
    return list(islice((unit for text in draw(texts) for unit in split_units(text, language)), budget))


def distinct_n(texts: Iterable[str], n: int, language: str = "zh", budget: int = BUDGET) -> float:
    """Return the share of n-grams that are different ones."""
    units = take_units(texts, language, budget)
    count = len(units) - n + 1
    return len(set(zip(*(units[shift:] for shift in range(n)), strict=False))) / count if count > 0 else 0.0


def gzip_ratio(texts: Iterable[str], language: str = "zh", budget: int = BUDGET) -> float:
    """Return how many times smaller gzip makes the text; the more it repeats itself, the higher."""
    data = ("" if language == "zh" else " ").join(take_units(texts, language, budget)).encode()
    return len(data) / len(gzip.compress(data, 9, mtime=0)) if data else 0.0


def ten_gram_reuse(texts: Iterable[str], dialogues: int = DIALOGUES) -> float:
    """Return the share of ten-character runs, once for each dialogue they are in, that are in three or more."""
    grams = [list_grams(text, LONG_GRAM) for text in draw(texts)[:dialogues]]
    if not grams:
        return 0.0
    counts = np.unique(np.concatenate(grams), return_counts=True)[1]
    return float(counts[counts >= OFTEN].sum() / max(counts.sum(), 1))


def top_share(edges: Iterable[str], top: int = TOP) -> float:
    """Return the share of all that the most frequent ones make up."""
    counts = Counter(edge for edge in edges if edge)
    return sum(count for _, count in counts.most_common(top)) / max(counts.total(), 1)


def opening_share(turns: Iterable[str]) -> float:
    """Return the share of turns that begin with one of the 20 most frequent six-character openings."""
    return top_share(normalise(turn)[:EDGE] for turn in turns)


def closing_share(turns: Iterable[str]) -> float:
    """Return the share of turns that end with one of the 20 most frequent six-character closings."""
    return top_share(normalise(turn)[-EDGE:] for turn in turns)


def coverage_entropy(cells: Iterable[Hashable], planned: int) -> float:
    """Return how evenly texts fall on the planned cells: 1 when all get as many, 0 when one gets all."""
    counts = Counter(cells)
    if planned < len(counts):
        raise ValueError(f"{len(counts)} cells are covered but only {planned} are planned")
    if len(counts) < 2:
        return float(planned == len(counts) == 1)
    total = counts.total()
    return -sum(n / total * math.log(n / total) for n in counts.values()) / math.log(planned)


def turn_spread(turns: Iterable[str]) -> float:
    """Return the standard deviation of the turns' lengths, as a share of the mean."""
    lengths = [len(normalise(turn)) for turn in turns]
    mean = statistics.fmean(lengths) if lengths else 0.0
    return statistics.pstdev(lengths) / mean if mean else 0.0


def weigh_grams(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return a unit row of tf-idf weights for each text, its character grams hashed into buckets with a sign."""
    grams = [hash_grams(normalise(text), VENDI_GRAM) for text in texts]
    known, column = np.unique(np.concatenate(grams), return_inverse=True)
    row = np.repeat(np.arange(len(texts)), [len(found) for found in grams])
    cell, count = np.unique(row * len(known) + column, return_counts=True)
    row, column = np.divmod(cell, len(known))
    spread = np.bincount(column, minlength=len(known))
    weight = count * (np.log((1 + len(texts)) / (1 + spread[column])) + 1)
    # the sign makes what two grams add by falling into one bucket cancel out on average
    sign = 1.0 - 2.0 * (known[column] >> np.uint64(63)).astype(np.float64)
    rows = np.zeros((len(texts), BUCKETS), dtype=np.float32)
    np.add.at(rows, (row, (known[column] % np.uint64(BUCKETS)).astype(np.intp)), weight * sign)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows


def vendi(texts: Iterable[str], sample: int = SAMPLE) -> float:
    """Return how many texts with nothing in common would be as varied (Friedman and Dieng 2023, arXiv 2210.02410)."""
    drawn = [text for text in draw(texts) if normalise(text)][:sample]
    if not drawn:
        return 0.0
    rows = weigh_grams(drawn)
    values = np.linalg.eigvalsh((rows @ rows.T).astype(np.float64) / len(drawn))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def measure(dialogues: Iterable[Sequence[str]], language: str = "zh") -> Figures:
    """Return the figures of a set, each dialogue given as the turns of one speaker.

    Beside a baseline they mean something only where `units` and `dialogues` are the baseline's.
    """
    spoken = [turns for turns in dialogues if turns]
    texts = ["\n".join(turns) for turns in spoken]
    turns = [turn for dialogue in spoken for turn in dialogue]
    return Figures(
        distinct_2=distinct_n(texts, 2, language),
        distinct_3=distinct_n(texts, 3, language),
        distinct_4=distinct_n(texts, 4, language),
        gzip_ratio=gzip_ratio(texts, language),
        ten_gram_reuse=ten_gram_reuse(texts),
        top_openings=opening_share(turns),
        top_closings=closing_share(turns),
        vendi=vendi(texts),
        turn_spread=turn_spread(turns),
        units=len(take_units(texts, language)),
        dialogues=min(len(texts), DIALOGUES),
    )
