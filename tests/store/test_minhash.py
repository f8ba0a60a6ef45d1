"""Near duplicates are found, others are not, and what stays of them does not depend on the order of anything."""

import random
import re
import unicodedata
from itertools import pairwise

import numpy as np
import pytest

from store.minhash import (
    BANDS,
    DIALOGUE,
    OPENING,
    TURN,
    VERSION,
    Identity,
    Index,
    Standing,
    add,
    bands,
    choose_survivor,
    cluster,
    find,
    find_pairs,
    hash_exact,
    hash_grams,
    jaccard,
    list_grams,
    normalise,
    signature,
)
from tests.bench.minhash import edit, make_text
from tests.real_data import read_dialogues

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


def test_the_bands_of_this_version_never_change() -> None:
    assert VERSION == 1
    assert bands(signature(SENTENCE))[:2] == [-871768608154222112, 5212916980393971982]
    assert bands(signature("Hello, how are you today?"))[-1] == -6111829892583758113


def test_a_band_fits_a_database_column() -> None:
    found = [band for text in make_texts(50) for band in bands(signature(text))]
    assert len(set(found)) == len(found) == 50 * BANDS
    assert min(found) >= -(2**63)
    assert max(found) < 2**63
    assert min(found) < 0 < max(found)


@pytest.mark.parametrize(
    "other",
    ["ＡＢＣ，睡不着！", "abc 睡 不着", "Abc\n——睡不着……", "abc\ud800睡不着"],
    ids=["width", "blanks", "marks", "bad"],
)
def test_case_width_and_punctuation_do_not_count(other: str) -> None:
    assert hash_exact(other) == hash_exact("ABC睡不着")
    assert bands(signature(other)) == bands(signature("ABC睡不着"))


def test_a_text_is_normalised_as_unicode_says_whatever_stands_beside_a_wide_mark() -> None:
    chance = random.Random(9)
    kinds = [
        lambda: chance.choice("，？！：；（）…～e가ㄱᄀ"),
        lambda: chr(chance.randrange(0x300, 0x370)),
        lambda: chr(chance.randrange(0xFF00, 0xFFF0)),
        lambda: chr(chance.randrange(0x110000)),
    ]
    for _ in range(20_000):
        text = "".join(chance.choice(kinds)() for _ in range(6))
        plain = unicodedata.normalize("NFKC", text).lower()
        assert normalise(text) == re.sub(r"[\W_]+", "", plain)


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
