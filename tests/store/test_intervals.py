"""Intervals hold what they promise, and do not shrink to nothing where few were counted."""

import numpy as np
import pytest

from store.intervals import find_t, measure_mean, measure_rank, measure_share


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # The examples of Newcombe 1998 (Statistics in Medicine 17:857), method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_the_interval_of_the_literature(hits: int, of: int, low: float, high: float) -> None:
    share = measure_share(hits, of)
    assert (share.share, share.low, share.high) == (
        pytest.approx(hits / of),
        pytest.approx(low, abs=1e-4),
        pytest.approx(high, abs=1e-4),
    )


def test_nothing_counted_says_nothing() -> None:
    share = measure_share(0, 0)
    assert (share.share, share.low, share.high, str(share)) == (None, 0, 1, "none to count")
    assert measure_rank([1.0], []) is None


def test_a_rank_counts_ties_half() -> None:
    rank = measure_rank([2, 1, 1], [1, 0])
    assert rank is not None
    assert rank.auc == pytest.approx(5 / 6)
    assert rank.rank_biserial == pytest.approx(2 / 3)
    assert (rank.first, rank.second) == (3, 2)


def test_a_perfect_rank_of_few_dialogues_is_not_certain() -> None:
    few, many = measure_rank([2, 2], [0, 0]), measure_rank([2] * 50, [0] * 50)
    assert few is not None
    assert many is not None
    assert (few.auc, few.high) == (1, 1)
    assert few.low < 0.5
    assert many.low > 0.9
    worst = measure_rank([0, 0], [2, 2])
    assert worst is not None
    assert (worst.low, worst.high) == pytest.approx((0, 1 - few.low), abs=1e-6)


@pytest.mark.parametrize("lift", [0.0, 1.0, 2.0])
def test_a_rank_interval_covers_the_truth_as_often_as_it_says(lift: float) -> None:
    chance = np.random.default_rng(4)
    accepted, rejected = chance.normal(lift, 1, 20_000), chance.normal(0, 1, 20_000)
    truth = float(np.mean(accepted > rejected))
    ranks = [measure_rank(chance.normal(lift, 1, 12).tolist(), chance.normal(0, 1, 8).tolist()) for _ in range(400)]
    covered = [rank is not None and rank.low <= truth <= rank.high for rank in ranks]
    assert 0.91 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (19, 2.093), (120, 1.980), (9_999, 1.960)],
)
def test_students_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert find_t(freedom) == pytest.approx(quantile, abs=1e-3)


def test_a_mean_counts_one_score_more_at_each_end_of_its_scale() -> None:
    mean = measure_mean([1, 2, 0, 1, 2], 0, 2)
    # Seven scores with 0 and 2: mean 8/7, standard deviation 0.8997, six degrees of freedom.
    half = 2.4469 * 0.8997 / 7**0.5
    assert (mean.of, mean.mean) == (5, 1.2)
    assert (mean.low, mean.high) == (pytest.approx(8 / 7 - half, abs=1e-3), pytest.approx(8 / 7 + half, abs=1e-3))


def test_equal_scores_of_few_talks_are_not_certain_and_stay_on_their_scale() -> None:
    few, many = measure_mean([2.0] * 5, 0, 2), measure_mean([2.0] * 500, 0, 2)
    assert few.low < many.low < 2 == few.high == many.high
    assert measure_mean([], 1, 7) == measure_mean((), 1, 7)
    assert (measure_mean([], 1, 7).mean, measure_mean([], 1, 7).low, measure_mean([], 1, 7).high) == (None, 1, 7)
    assert str(measure_mean([], 1, 7)) == "no score"


def test_a_means_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random, held, times = np.random.default_rng(5), 0, 2_000
    for _ in range(times):
        mean = measure_mean(random.choice([0, 1, 2], size=12, p=[0.1, 0.3, 0.6]).tolist(), 0, 2)
        held += mean.low <= 1.5 <= mean.high
    assert 0.94 <= held / times <= 0.99
