"""Rensa and our own MinHash agree on what is near; skipped where the extra `fast-dedup` is not installed."""

import random
from importlib.metadata import version

import numpy as np
import pytest

from store.bands import BANDS, DIALOGUE, normalise
from store.minhash import Identity, find_pairs, jaccard, list_grams, signature
from tests.bench.minhash import edit, make_text, search, sign_slices_with_rensa, sign_with_rensa
from tests.real_data import read_dialogues

rensa = pytest.importorskip("rensa")


def plant(texts: list[str], share: float) -> dict[Identity, str]:
    """Return the texts and after them an edited copy of each."""
    chance = random.Random(11)
    copies = [edit(text, share, chance) for text in texts]
    return {(0, number): text for number, text in enumerate(texts + copies)}


def make_texts(count: int) -> list[str]:
    chance = np.random.default_rng(12)
    return [make_text(chance, 800) for _ in range(count)]


def read_texts(count: int) -> list[str]:
    texts = ["\n".join(line.text for line in lines) for _, lines in read_dialogues("smile_sample")]
    return texts[:count]


def list_near(texts: dict[Identity, str]) -> set[tuple[Identity, Identity]]:
    """Return the planted pairs that are near by the exact comparison."""
    half = len(texts) // 2
    return {
        ((0, n), (0, n + half))
        for n in range(half)
        if jaccard(list_grams(texts[0, n]), list_grams(texts[0, n + half])) >= DIALOGUE.threshold
    }


def test_the_pinned_version_signs_by_the_corrected_algorithm() -> None:
    assert version("rensa") == "0.5.0"
    assert rensa.RMinHash.ALGORITHM_VERSION == 2


@pytest.mark.parametrize(("share", "least"), [(0.02, 1.0), (0.05, 0.98)])
@pytest.mark.parametrize("texts", ["made", "real"])
def test_both_find_the_same_planted_pairs(texts: str, share: float, least: float) -> None:
    planted = plant(make_texts(150) if texts == "made" else read_texts(150), share)
    near = list_near(planted)
    ours, theirs = set(find_pairs(planted)), set(search(planted, sign_with_rensa))
    # A pair is told only after the exact comparison: neither may tell one that is not near.
    assert ours <= near
    assert theirs <= near
    assert len(near) >= 100
    assert len(ours & theirs) >= least * len(near)
    assert len(ours ^ theirs) <= (1 - least) * len(near)


def test_rensas_own_bands_hold_the_same_candidates() -> None:
    texts, agreed = plant(make_texts(200), 0.05), 0
    ours = set(find_pairs(texts))
    lookup = rensa.RMinHashLSH(threshold=DIALOGUE.threshold, num_perm=128, num_bands=BANDS)
    signed = []
    for number in range(400):
        normal = normalise(texts[0, number])
        signed.append(rensa.RMinHash(num_perm=128, seed=1))
        signed[-1].update([normal[start : start + 5] for start in range(len(normal) - 4)])
    lookup.insert_many(signed[:200])
    for number in range(200):
        found = lookup.query(signed[number + 200])
        assert set(found) <= {number}
        is_ours = ((0, number), (0, number + 200)) in ours
        agreed += is_ours == (number in found)
    assert agreed >= 190  # some pairs below 0.6 share a band, and the exact comparison turns them away


def test_neither_finds_unrelated_dialogues_near() -> None:
    texts: dict[Identity, str] = {(0, number): text for number, text in enumerate(read_texts(300))}
    assert list(find_pairs(texts)) == list(search(texts, sign_with_rensa)) == []


def test_both_signatures_estimate_the_same_jaccard() -> None:
    chance = random.Random(13)
    errors: dict[str, list[float]] = {"ours": [], "hashed": [], "sliced": []}
    for text in make_texts(200):
        copy = edit(text, chance.uniform(0.005, 0.15), chance)
        exact = jaccard(list_grams(text), list_grams(copy))
        for name, sign in (("ours", signature), ("hashed", sign_with_rensa), ("sliced", sign_slices_with_rensa)):
            errors[name].append(float(np.mean(sign(text) == sign(copy))) - exact)
    for told in errors.values():
        assert abs(np.mean(told)) < 0.012  # the standard error is 0.003
        assert np.std(told) < 0.055  # 128 independent permutations give 0.044 at most
    assert (sign_with_rensa("睡不着" * 9) != signature("睡不着" * 9)).any()
