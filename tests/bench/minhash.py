"""Measures the search for near duplicates: python -m tests.bench.minhash [--dialogues 100000] [--chars 800]."""

import argparse
import json
import random
import resource
import time

import numpy as np

from store.minhash import DIALOGUE, Identity, Index, add, bands, find, jaccard, list_grams, signature

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


def measure_speed(texts: list[str]) -> float:
    """Return how many texts a second of one core get their bands, grams included; the best of three."""
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        for text in texts:
            bands(signature(text))
        best = max(best, len(texts) / (time.process_time() - start))
    return best


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
    speed = measure_speed([make_text(chance, flags.chars) for _ in range(2_000)])
    before = read_rss()
    index: Index = {}
    kept: dict[Identity, str] = {}
    filled = fill(index, flags.dialogues, flags.chars, kept)
    figures = {
        "banded_a_second": round(speed),
        "added_a_second": round(filled),
        "rss_before_mib": before,
        "rss_peak_mib": read_rss(),
        "recall": [measure_recall(index, kept, share) for share in (0.02, 0.05, 0.08)],
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
