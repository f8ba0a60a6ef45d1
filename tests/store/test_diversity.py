"""The figures of diversity are right on texts counted by hand, and near the published sets' on samples of them."""

import random

import numpy as np
import pytest

from store.diversity import (
    CPSYCOUND,
    SMILE,
    Figures,
    closing_share,
    coverage_entropy,
    distinct_n,
    gzip_ratio,
    measure,
    opening_share,
    ten_gram_reuse,
    turn_spread,
    vendi,
)
from store.repetition import find_repetition, split_sentences
from tests.bench.minhash import make_text
from tests.real_data import read_dialogues

TEN = "从什么时候开始睡不着"


def make_texts(count: int, length: int = 200) -> list[str]:
    chance = np.random.default_rng(5)
    return [make_text(chance, length) for _ in range(count)]


def read_counselors(data: str) -> list[list[str]]:
    return [[line.text for line in lines if line.speaker == "counselor"] for _, lines in read_dialogues(data)]


def test_distinct_counts_different_grams() -> None:
    assert distinct_n(["甲乙，甲乙"], 2) == pytest.approx(2 / 3)
    assert distinct_n(["You know, you KNOW."], 2, "en") == pytest.approx(2 / 3)
    assert distinct_n(["甲"], 2) == distinct_n([], 2) == 0


def test_a_budget_takes_as_much_of_any_set() -> None:
    texts = make_texts(20)
    assert distinct_n(texts, 2, budget=1_000) == distinct_n(texts[::-1], 2, budget=1_000)
    assert distinct_n(texts * 3, 1, budget=10**6) < distinct_n(texts, 1, budget=10**6)


def test_a_repeated_text_compresses_better() -> None:
    texts = make_texts(5)
    assert gzip_ratio(texts * 10) > 5 * gzip_ratio(texts)
    assert gzip_ratio([]) == 0


def test_reuse_counts_runs_of_ten_in_three_dialogues() -> None:
    others = make_texts(3, 12)
    assert ten_gram_reuse([TEN, TEN + TEN]) == 0
    assert ten_gram_reuse([TEN] * 3 + others) == pytest.approx(3 / (3 + 9))
    assert ten_gram_reuse([TEN] * 3 + others, dialogues=2) == ten_gram_reuse([]) == 0


def test_the_share_of_the_most_frequent_openings_and_closings() -> None:
    turns = make_texts(80, 30) + ["我能理解你的感受" + text for text in make_texts(20, 30)]
    assert opening_share(turns) == pytest.approx((20 + 19) / 100)
    assert closing_share(["好", "。", "好的！"]) == 1
    assert opening_share([]) == 0


def test_coverage_is_even_or_not() -> None:
    assert coverage_entropy("abcd" * 3, 4) == pytest.approx(1)
    assert coverage_entropy("aabb", 4) == pytest.approx(0.5)
    assert coverage_entropy("aaaa", 4) == coverage_entropy("", 4) == 0
    assert coverage_entropy("aaaa", 1) == 1
    with pytest.raises(ValueError, match="2 cells are covered but only 1"):
        coverage_entropy("ab", 1)


def test_vendi_counts_what_has_nothing_in_common() -> None:
    texts = make_texts(40)
    assert vendi(texts) > 36
    assert vendi(texts[:10] * 4) == pytest.approx(vendi(texts[:10]), rel=0.02)
    assert vendi(texts[:1] * 40) == pytest.approx(1)
    assert vendi(texts, sample=5) < 5.01
    assert vendi(["", "。"]) == 0


def test_turns_of_one_length_have_no_spread() -> None:
    assert turn_spread(["好的", "是吗？"]) == turn_spread([]) == 0
    assert turn_spread(["好", "是吗好"]) == pytest.approx(0.5)


def test_nothing_is_measured_as_nothing() -> None:
    assert measure([[], []]) == Figures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("data", "baseline", "dialogues"), [("cpsycound_sample", CPSYCOUND, 500), ("smile_sample", SMILE, 1_499)]
)
def test_samples_come_near_their_baselines(data: str, baseline: Figures, dialogues: int) -> None:
    found = measure(read_counselors(data))
    assert found.dialogues == dialogues
    # a sample of CPsyCounD has 0.2 M of the 0.5 M characters: its distinct-n is higher, the rest lower
    slack = 0.5 if found.units < baseline.units else 0.2
    assert [*found][:8] == pytest.approx([*baseline][:8], rel=slack)


def test_the_baselines_keep_their_order() -> None:
    cpsycound, smile = (
        measure(random.Random(0).sample(read_counselors(d), 300)) for d in ("cpsycound_sample", "smile_sample")
    )
    assert cpsycound.ten_gram_reuse > 2 * smile.ten_gram_reuse
    assert cpsycound.top_closings > smile.top_closings
    assert cpsycound.vendi < smile.vendi


def test_sentences_end_where_a_reader_ends_them() -> None:
    assert split_sentences("你好。我在听……今天怎么样？") == ["你好。", "我在听……", "今天怎么样？"]
    assert split_sentences("I hear you. It was 3.5 years ago, right?") == [
        "I hear you.",
        "It was 3.5 years ago, right?",
    ]


def test_what_recurs_is_named_with_its_share() -> None:
    said = "我能理解你的感受。"
    dialogues = [
        [said, said, "后来呢？"],
        ["我能理解你的感受！", "慢慢来"],
        [said + "然后呢？"],
        ["说说你的家人吧"],
        [],
        ["……"],
    ]
    found = find_repetition(dialogues)
    assert found.sentences == [(said, 3, 0.75)]
    assert found.turns == [(said, 2, 0.5)]
    assert found.openings == found.turn_openings == [("我能理解你的", 3, 0.75)]
    assert found.turn_closings == [("理解你的感受", 2, 0.5)]
    assert found.closings == []


def test_of_equal_shares_the_order_is_fixed() -> None:
    dialogues = [["乙乙乙乙乙乙。甲甲甲甲甲甲。"], ["甲甲甲甲甲甲。乙乙乙乙乙乙。"]]
    names = [found.text for found in find_repetition(dialogues).sentences]
    assert names == sorted(names) == [found.text for found in find_repetition(dialogues[::-1]).sentences]
    assert len(find_repetition(dialogues, top=1).sentences) == 1
