"""Paired differences have intervals that hold what they promise and still see what is there."""

import numpy as np
import pytest

from store.intervals import measure_mean, measure_paired

TIMES = 1_000


def test_paired_differences_have_students_interval() -> None:
    mean = measure_paired([1.0, 2.0, 0.0, 1.0, 2.0], 7)
    # Mean 1.2, standard deviation 0.8367, four degrees of freedom.
    half = 2.7764 * 0.8367 / 5**0.5
    assert (mean.of, mean.mean) == (5, 1.2)
    assert (mean.low, mean.high) == (pytest.approx(1.2 - half, abs=1e-3), pytest.approx(1.2 + half, abs=1e-3))


@pytest.mark.parametrize("n", [5, 12, 56])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(n: int) -> None:
    chance = np.random.default_rng(7)
    means = [measure_paired(chance.normal(0.3, 0.6, n).tolist(), 7) for _ in range(TIMES)]
    assert 0.93 <= np.mean([mean.low <= 0.3 <= mean.high for mean in means]) <= 0.97


def test_the_interval_holds_the_truth_of_scores_in_few_steps() -> None:
    chance = np.random.default_rng(8)
    steps, shares = [-1 / 6, 0, 1 / 6, 2 / 6], [0.1, 0.5, 0.3, 0.1]
    truth = float(np.dot(steps, shares))
    means = [measure_paired(chance.choice(steps, 12, p=shares).tolist(), 2) for _ in range(TIMES)]
    assert 0.93 <= np.mean([mean.low <= truth <= mean.high for mean in means]) <= 0.98


def test_a_difference_of_half_its_spread_is_seen_in_56_pairs() -> None:
    chance = np.random.default_rng(9)
    drawn = [chance.normal(0.3, 0.6, 56).tolist() for _ in range(TIMES)]
    assert np.mean([measure_paired(each, 7).low > 0 for each in drawn]) > 0.9
    assert np.mean([measure_mean(each, -7, 7).low > 0 for each in drawn]) < 0.2


@pytest.mark.parametrize("differences", [[1.0], [0.0] * 20, [0.1 + 0.2, 0.3, 0.3]])
def test_one_pair_and_pairs_that_all_agree_are_not_certain(differences: list[float]) -> None:
    assert measure_paired(differences, 7) == measure_mean(differences, -7, 7)
    many = measure_paired(differences * 20, 7) if len(differences) > 1 else None
    few = measure_paired(differences, 7)
    assert few.low < few.high
    assert many is None or many.high - many.low < few.high - few.low


def test_the_interval_stays_on_the_scale_unless_the_scale_has_no_end() -> None:
    held, free = measure_paired([1.0, 2.0], 2), measure_paired([1.0, 2.0], 2, is_held=False)
    assert (held.low, held.high, held.mean) == (-2, 2, 1.5)
    assert (free.low, free.high) == (pytest.approx(1.5 - 12.706 / 2, abs=1e-3), pytest.approx(1.5 + 6.353, abs=1e-3))


def test_no_pair_says_nothing() -> None:
    mean = measure_paired([], 7)
    assert (mean.of, mean.mean, mean.low, mean.high) == (0, None, -7, 7)
