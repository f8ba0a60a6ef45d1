"""Agreement between people is what the papers that define it reckon for their own examples."""

from collections import Counter

import pytest

from store.kappa import RESAMPLES, measure_alpha, measure_kappa

ABSENT = "."
BINARY = ("0100000010", "1110010000")
NOMINAL = ("aabbdcccedda", "babbbccceddd")
MISSING = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
EXAMPLES = [(BINARY, 0.095, 10), (NOMINAL, 0.692, 12), (MISSING, 0.743, 11)]
"""Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), examples A, B and C for nominal data."""
COHEN = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
"""Cohen, A coefficient of agreement for nominal scales (1960), table 1, of 200: kappa .492, standard error .055."""


def as_units(raters: tuple[str, ...]) -> list[Counter[str]]:
    """Return what each unit was called, how often."""
    return [Counter(name for name in unit if name != ABSENT) for unit in zip(*raters, strict=True)]


def as_pairs(table: list[list[int]]) -> list[tuple[str, str]]:
    """Return the ratings behind a table of two raters."""
    return [(str(i), str(j)) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]


@pytest.mark.parametrize(("raters", "alpha", "units"), EXAMPLES)
def test_alpha_is_that_of_krippendorffs_examples(raters: tuple[str, ...], alpha: float, units: int) -> None:
    found = measure_alpha(as_units(raters))
    assert found.value == pytest.approx(alpha, abs=0.0005)
    assert found.units == units
    assert found.low < alpha < found.high


def test_kappa_and_its_interval_are_those_of_cohens_example() -> None:
    found = measure_kappa(as_pairs(COHEN))
    assert found.value == pytest.approx(0.492, abs=0.0005)
    assert found.agreed == pytest.approx(0.70)
    assert (found.low, found.high) == pytest.approx((0.492 - 1.96 * 0.055, 0.492 + 1.96 * 0.055), abs=0.02)


def test_an_interval_narrows_with_what_was_rated_and_is_the_same_each_time() -> None:
    few, many = measure_kappa(as_pairs(COHEN)[::4]), measure_kappa(as_pairs(COHEN) * 10)
    assert many.high - many.low < (few.high - few.low) / 3
    assert measure_kappa(as_pairs(COHEN)) == measure_kappa(as_pairs(COHEN))
    assert RESAMPLES >= 1_000


def test_perfect_agreement_is_one_and_opposite_words_are_below_zero() -> None:
    assert measure_kappa([("a", "a"), ("r", "r")] * 5).value == 1
    assert measure_alpha([Counter("aa"), Counter("rr")] * 5).value == 1
    assert (measure_kappa([("a", "r"), ("r", "a")] * 5).value or 0) == pytest.approx(-1)
    assert (measure_alpha([Counter("ar")] * 5).value or 0) < 0


def test_one_name_for_all_has_no_kappa_and_nothing_rated_twice_has_none_either() -> None:
    same = measure_kappa([("a", "a")] * 9)
    assert (same.value, same.agreed, same.low, same.high) == (None, 1.0, -1.0, 1.0)
    assert "no spread" in str(same)
    alone = measure_alpha([Counter("a"), Counter("r"), Counter()])
    assert (alone.units, alone.agreed, str(alone)) == (0, None, "nothing was rated twice")
