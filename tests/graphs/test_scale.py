"""A large plan is not held in memory: not when it starts, and not while it runs."""

import pytest

from tests.bench.start import measure


@pytest.mark.slow
def test_a_hundred_thousand_sessions_start_within_their_memory() -> None:
    figures = measure(100_000)
    assert figures["code"] == 130
    assert figures["peak_mb"] < 400


@pytest.mark.slow
def test_a_plan_of_a_million_takes_no_more_memory_than_one_of_a_thousand() -> None:
    small, large = measure(1_000), measure(1_000_000)
    assert large["peak_mb"] < small["peak_mb"] * 1.2 + 20
