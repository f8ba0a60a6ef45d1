"""Measures the search for near duplicates: python -m tests.bench.minhash [--dialogues 100000] [--chars 800]."""

import argparse
import json
import random
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from store.bands import DIALOGUE, STARTS, normalise
from store.formats.dialogues import FileDialogue, read_dialogues
from store.minhash import (
    Identity,
    Index,
    Signature,
    add,
    bands,
    find,
    hash_grams,
    jaccard,
    list_grams,
    signature,
)
from store.near import read_wording
from tests.real_data import DATA

Sign = Callable[[str], Signature]

FIRST, KINDS = 0x4E00, 3_000
PLANTED = 1_000
ALPHABET = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"


def make_text(chance: np.random.Generator, length: int) -> str:
    """Return Chinese characters that are frequent or rare much as in a language, and no words."""
    codes = FIRST + (KINDS * chance.random(length) ** 3).astype(np.uint32)
    return codes.astype("<u4").tobytes().decode("utf-32-le")


def edit(text: str, share: float, chance: random.Random) -> str:
    """Return the text with a share of its characters replaced, dropped or followed by another, as many of each."""
    chars = list(text)
    for place in chance.sample(range(len(chars)), round(share * len(chars))):
        other = chance.choice(ALPHABET)
        chars[place] = chance.choice((other, "", chars[place] + other))
    return "".join(chars)


def read_rss() -> int:
    """Return the most MiB this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def sign_with_rensa(text: str) -> Signature:
    """Return rensa's signature of the same grams."""
    matrix = import_module("rensa").RMinHash.digest_matrix_from_token_hash_sets(
        [hash_grams(normalise(text))], len(STARTS), 1
    )
    return np.array(matrix.to_rows()[0], dtype=np.uint32)


def sign_slices_with_rensa(text: str) -> Signature:
    """Return rensa's signature as its own guide makes it, from slices of the text."""
    normal, minhash = normalise(text), import_module("rensa").RMinHash(num_perm=len(STARTS), seed=1)
    minhash.update([normal[start : start + 5] for start in range(len(normal) - 4)])
    return np.array(minhash.digest(), dtype=np.uint32)


def search(texts: Mapping[Identity, str], sign: Sign) -> Iterator[tuple[Identity, Identity]]:
    """Yield the near pairs as store.minhash.find_pairs does, by any signature."""
    index: Index = {}
    for identity, text in sorted(texts.items()):
        banded = bands(sign(text))
        candidates = find(index, banded)
        grams = list_grams(text) if candidates else None
        for other in candidates:
            if grams is not None and jaccard(list_grams(texts[other]), grams) >= DIALOGUE.threshold:
                yield other, identity
        add(index, identity, banded)


def measure_speed(work: Callable[[list[str]], object], texts: list[str]) -> int:
    """Return how many texts a second of one core are worked on; the best of five."""
    best = 0.0
    for _ in range(5):
        start = time.process_time()
        work(texts)
        best = max(best, len(texts) / (time.process_time() - start))
    return round(best)


def measure_signing(texts: list[str]) -> dict[str, dict[str, int]]:
    """Return texts a second, by signature: to their bands, grams included, and through the whole search."""
    signs: dict[str, Sign] = {"ours": signature}
    if find_spec("rensa"):
        signs |= {"rensa, our grams": sign_with_rensa, "rensa, slices": sign_slices_with_rensa}
    chance = random.Random(0)
    planted = texts + [edit(text, 0.05, chance) for text in texts[: len(texts) // 5]]

    def speed(sign: Sign) -> dict[str, int]:
        return {
            "banded": measure_speed(lambda texts: [bands(sign(text)) for text in texts], texts),
            "searched": measure_speed(
                lambda texts: list(search({(0, n): text for n, text in enumerate(texts)}, sign)), planted
            ),
        }

    plain = {"banded": measure_speed(lambda texts: [read_wording([text]) for text in texts], texts)}
    return {"ours in a run": plain} | {name: speed(sign) for name, sign in signs.items()}


def read_real() -> list[str]:
    """Return the dialogues of the SMILE sample, none where it is absent."""
    path = DATA / "smile_sample.jsonl"
    rows = read_dialogues(path) if path.is_file() else []
    return ["\n".join(line.text for line in row.lines) for row in rows if isinstance(row, FileDialogue)]


def fill(index: Index, count: int, length: int, kept: dict[Identity, str]) -> float:
    """Add texts, keeping the first ones; returns how many went in a second, the making of them not counted."""
    chance = np.random.default_rng(0)
    spent = 0.0
    for position in range(count):
        text = make_text(chance, length)
        if position < PLANTED:
            kept[0, position] = text
        start = time.process_time()
        add(index, (0, position), bands(signature(text)))
        spent += time.process_time() - start
    return count / spent


def measure_recall(index: Index, kept: dict[Identity, str], share: float) -> dict[str, float]:
    """Return which share of edited copies find their source, before and after the exact comparison."""
    chance = random.Random(0)
    found = near = compared = 0
    start = time.process_time()
    for identity, text in kept.items():
        copy = edit(text, share, chance)
        candidates = find(index, bands(signature(copy)))
        compared += len(candidates)
        if identity in candidates:
            found += 1
            near += jaccard(list_grams(text), list_grams(copy)) >= DIALOGUE.threshold
    spent = time.process_time() - start
    total = len(kept)
    told = {"edited": share, "found": found / total, "near": near / total, "candidates": compared / total}
    return told | {"checks_a_second": round(total / spent)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=100_000)
    parser.add_argument("--chars", type=int, default=800)
    flags = parser.parse_args()
    chance = np.random.default_rng(1)
    speed = {"synthetic": measure_signing([make_text(chance, flags.chars) for _ in range(2_000)])}
    speed |= {"smile_sample": measure_signing(real)} if (real := read_real()) else {}
    before = read_rss()
    index: Index = {}
    kept: dict[Identity, str] = {}
    filled = fill(index, flags.dialogues, flags.chars, kept)
    figures = {
        "dialogues_a_second": speed,
        "added_a_second": round(filled),
        "rss_before_mib": before,
        "rss_peak_mib": read_rss(),
        "recall": [measure_recall(index, kept, share) for share in (0.02, 0.05, 0.08)],
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
