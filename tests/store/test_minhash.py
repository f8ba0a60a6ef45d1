"""Near duplicates are found, others are not, and what stays of them does not depend on the order of anything."""

import random
from itertools import pairwise

import numpy as np
import pytest

from store.bands import DIALOGUE, OPENING, TURN, list_runs, normalise, place_grams, sign
from store.bands import jaccard as share_runs
from store.minhash import (
    Identity,
    Index,
    Standing,
    add,
    bands,
    choose_survivor,
    cluster,
    find,
    find_pairs,
    hash_grams,
    jaccard,
    list_grams,
    signature,
)
from store.near import read_wording
from tests.bench.minhash import edit, make_text
from tests.real_data import read_dialogues

SIGNS = [chr(code) for code in range(0x4E00, 0x5A00)]
SENTENCE = "我听见你说这些天睡得很浅，心里像压着一块石头，想先听你讲讲是从什么时候开始的。"


def make_texts(count: int, length: int = 800) -> list[str]:
    chance = np.random.default_rng(3)
    return [make_text(chance, length) for _ in range(count)]


def read_texts(name: str, count: int) -> list[str]:
    texts = ["".join(line.text for line in lines) for _, lines in read_dialogues(name)]
    return [text for text in texts if len(normalise(text)) >= 200][:count]


def measure_recall(texts: list[str], share: float) -> tuple[float, float]:
    """Plant an edited copy of every text; return which share is found, of all and of those that are near indeed."""
    chance = random.Random(7)
    copies = [edit(text, share, chance) for text in texts]
    pairs = set(find_pairs({(0, number): text for number, text in enumerate(texts + copies)}))
    found = sum(((0, n), (0, n + len(texts))) in pairs for n in range(len(texts)))
    near = [jaccard(list_grams(a), list_grams(b)) >= DIALOGUE.threshold for a, b in zip(texts, copies, strict=True)]
    return found / len(texts), found / sum(near)


def name(*numbers: int) -> list[Identity]:
    return [(0, number) for number in numbers]


def make_odd_texts() -> list[str]:
    """Return texts with few grams, with the longest and shortest of characters, and with none."""
    real = read_texts("smile_sample", 20)
    parts = [text[:length] for length, text in zip(range(1, 60, 3), real, strict=True)]
    return [*parts, *real, "", "。", "a", "𠮷" * 9 + "\U0010fffd\ud800", "hello there, how are you?", "aaaaaaaaaaaa"]


def test_many_are_signed_as_one_is_in_a_run() -> None:
    for text in make_odd_texts() + make_texts(20):
        wording = read_wording([text])
        normal = normalise(text)
        assert place_grams(normal) == (hash_grams(normal) >> np.uint64(34)).tolist()
        assert wording.bands == (sorted(set(bands(signature(text)))) if normal else [])
        assert sign(place_grams(normal)) == signature(text).tolist()


def test_a_run_and_the_bulk_search_tell_the_same_jaccard() -> None:
    chance = random.Random(2)
    for text in make_texts(20):
        copy = edit(text, 0.05, chance)
        told = share_runs(list_runs(normalise(text)), list_runs(normalise(copy)))
        assert told == jaccard(list_grams(text), list_grams(copy))


def test_a_short_text_is_no_candidate_of_what_it_shares_a_little_with() -> None:
    chance, found = random.Random(4), 0
    for _ in range(300):
        common, one, other = ("".join(chance.choices(SIGNS, k=12)) for _ in range(3))
        found += not set(bands(signature(common + one))).isdisjoint(bands(signature(common + other)))
    # Jaccard 0.25: 32 bands of four independent permutations share one in 12 % of the pairs.
    assert found / 300 <= 0.2


def test_grams_are_those_of_the_text() -> None:
    text = normalise(SENTENCE) * 3
    runs = [text[start : start + 5] for start in range(len(text) - 4)]
    hashed = hash_grams(text).tolist()
    assert len(hashed) == len(runs)
    assert len(set(hashed)) == len(set(runs)) == len(set(zip(runs, hashed, strict=True)))


def test_jaccard_is_that_of_the_sets() -> None:
    one, other = SENTENCE * 2, SENTENCE + "那时候发生了什么呢"
    sets = [{text[start : start + 5] for start in range(len(text) - 4)} for text in map(normalise, (one, other))]
    expected = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    assert jaccard(list_grams(one), list_grams(other)) == pytest.approx(expected)
    assert jaccard(list_grams(""), list_grams("。")) == 1
    assert jaccard(list_grams(""), list_grams("好")) == 0


def test_the_signature_estimates_jaccard_without_bias() -> None:
    chance = random.Random(1)
    errors = []
    for text in make_texts(300):
        copy = edit(text, chance.uniform(0.005, 0.15), chance)
        errors.append(np.mean(signature(text) == signature(copy)) - jaccard(list_grams(text), list_grams(copy)))
    assert abs(np.mean(errors)) < 0.01  # the standard error is 0.0025
    assert np.std(errors) < 0.055  # 128 independent permutations give 0.044 at most


@pytest.mark.parametrize(("share", "least"), [(0.02, 1.0), (0.05, 0.95)])
def test_edited_copies_are_found(share: float, least: float) -> None:
    of_all, of_near = measure_recall(make_texts(300), share)
    assert of_all >= least
    assert of_near >= 0.98


@pytest.mark.parametrize("data", ["cpsycound_sample", "smile_sample"])
def test_edited_copies_of_real_dialogues_are_found(data: str) -> None:
    texts = read_texts(data, 300)
    assert len(texts) == 300
    of_all, of_near = measure_recall(texts, 0.05)
    assert of_all >= 0.95
    assert of_near >= 0.98


def test_different_dialogues_are_not_near() -> None:
    texts = read_texts("smile_sample", 300)
    assert list(find_pairs({(0, number): text for number, text in enumerate(texts)})) == []


def test_an_index_tells_who_shares_a_band_by_age() -> None:
    index: Index = {}
    text = make_texts(1)[0]
    for identity in ((2, 1), (1, 10), (1, 9)):
        add(index, identity, bands(signature(text)))
    assert find(index, bands(signature(text))) == [(1, 9), (1, 10), (2, 1)]
    assert find(index, bands(signature(SENTENCE))) == []


def test_a_short_turn_is_not_compared() -> None:
    long = SENTENCE * 2
    assert list(find_pairs({(0, 0, 1): SENTENCE, (0, 1, 1): SENTENCE}, TURN)) == []
    assert list(find_pairs({(0, 0, 1): long, (0, 1, 1): long + "好"}, TURN)) == [((0, 0, 1), (0, 1, 1))]
    assert list(find_pairs({(0, 0): SENTENCE, (0, 1): SENTENCE[:-1]}, OPENING)) == [((0, 0), (0, 1))]
    assert len(list(find_pairs({(0, 0): long, (0, 1): long + SENTENCE[::-1]}, DIALOGUE))) == 0


def test_a_chain_of_near_pairs_is_no_cluster() -> None:
    chain = list(pairwise(name(1, 2, 3, 4)))
    expected = {(0, 1): name(2), (0, 3): name(4)}
    assert cluster(chain) == expected
    assert cluster([(b, a) for a, b in reversed(chain)]) == expected
    assert cluster([*chain, ((0, 1), (0, 3)), ((0, 1), (0, 4))]) == {(0, 1): name(2, 3, 4)}


def test_a_cluster_is_kept_under_its_survivor() -> None:
    everyone = name(1, 2, 3)
    pairs = [(a, b) for a in everyone for b in everyone if a < b]
    reviewed = {(0, 3): Standing((0, 3), is_reviewed=True)}
    assert cluster(pairs, reviewed) == {(0, 3): name(1, 2)}


def test_the_survivor_is_reviewed_then_scored_then_old() -> None:
    crowd = [
        Standing((1, 9), critic=3.0),
        Standing((1, 10), critic=4.0),
        Standing((2, 1), critic=4.0),
        Standing((1, 1)),
        Standing((3, 1), is_reviewed=True),
    ]
    assert choose_survivor(crowd) == (3, 1)
    assert choose_survivor(crowd[:4]) == choose_survivor(crowd[3::-1]) == (1, 10)
    assert choose_survivor([crowd[3], Standing((0, 2))]) == (0, 2)
