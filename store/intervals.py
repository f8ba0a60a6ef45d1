"""Says how sure a figure from few dialogues is: 95 % intervals that stay honest at 0, at 1 and at small n."""

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

Z = 1.959964
HALVINGS = 50
SAME = 1e-9
"""Differences this share of the scale apart are one: means of the same items can differ in their last digit."""
MANY = 2_000
"""Degrees of freedom from which Student's distribution is the normal one to two places."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many; `share` is None where there was nothing to count."""

    hits: int
    of: int
    share: float | None
    low: float
    high: float

    def __str__(self) -> str:
        if self.share is None:
            return "none to count"
        return f"{self.share:.2f} [{self.low:.2f}, {self.high:.2f}] {self.hits} of {self.of}"


@dataclass(frozen=True, slots=True)
class Rank:
    """How often the first group scores higher than the second, ties counting half; 0.5 is no relation."""

    first: int
    second: int
    auc: float
    low: float
    high: float
    rank_biserial: float
    """The same from -1 to 1."""

    def __str__(self) -> str:
        return f"{self.auc:.2f} [{self.low:.2f}, {self.high:.2f}] {self.first} against {self.second}"


def measure_share(hits: int, of: int) -> Share:
    """Return a share with its Wilson interval (Wilson 1927), which is 0 to 1 where nothing was counted."""
    if not of:
        return Share(0, 0, None, 0.0, 1.0)
    share, squared = hits / of, Z * Z / of
    middle = (share + squared / 2) / (1 + squared)
    half = Z * math.sqrt(share * (1 - share) / of + squared / (4 * of)) / (1 + squared)
    return Share(hits, of, share, max(0.0, middle - half), min(1.0, middle + half))


def measure_rank(first: Sequence[float], second: Sequence[float]) -> Rank | None:
    """Return the rank statistic with Newcombe's interval (2006, method 5); None where a group is empty.

    That of Hanley and McNeil (1982) has no width at 0 and 1, which four dialogues reach easily.
    """
    if not first or not second:
        return None
    ordered = sorted(second)
    won = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in first) / 2
    auc = won / (len(first) * len(second))

    def spread(theta: float) -> float:
        middle = (len(first) + len(second)) / 2 - 1
        grown = 1 + middle * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return Z * math.sqrt(theta * (1 - theta) * grown / (len(first) * len(second)))

    low = find_edge(lambda theta: theta + spread(theta) < auc, 0.0, auc)
    high = find_edge(lambda theta: theta - spread(theta) <= auc, auc, 1.0)
    return Rank(len(first), len(second), auc, low, high, 2 * auc - 1)


def find_edge(is_below: Callable[[float], bool], low: float, high: float) -> float:
    """Return where a condition that holds below an edge stops to hold."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of so many scores; None where there was none."""

    of: int
    mean: float | None
    low: float
    high: float

    def __str__(self) -> str:
        return "no score" if self.mean is None else f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}] of {self.of}"


def measure_mean(scores: Sequence[float], lowest: float, highest: float) -> Mean:
    """Return a mean with Student's interval, held to the scale, which is all of the scale where nothing was scored.

    The interval counts one score more at each end of the scale, as Agresti and Coull (1998) do for a share: without
    them it would have no width where all scores are the same, which five dialogues reach easily.
    """
    if not scores:
        return Mean(0, None, lowest, highest)
    low, high = spread_around([*scores, lowest, highest])
    return Mean(len(scores), statistics.fmean(scores), max(lowest, low), min(highest, high))


def measure_paired(differences: Sequence[float], reach: float, *, is_held: bool = True) -> Mean:
    """Return the mean of paired differences with Student's interval (1908), held to what the scale allows.

    `reach` is how far apart two scores can lie; where it is only the furthest that was seen, `is_held` is false, and
    the interval may go beyond. Differences use so little of a scale twice as wide that a score more at each of its
    ends, as `measure_mean` counts them, would drown what was seen. They are counted only where Student's interval does
    not exist, with one difference, or would have no width, with all of them equal: pairs that agree, however many, do
    not say how far off the next one may be.
    """
    if not differences:
        return Mean(0, None, -reach, reach)
    is_spread = len(differences) > 1 and max(differences) - min(differences) > SAME * reach
    low, high = spread_around(differences if is_spread else [*differences, -reach, reach])
    if is_held:
        low, high = max(-reach, low), min(reach, high)
    return Mean(len(differences), statistics.fmean(differences), low, high)


def spread_around(scores: Sequence[float]) -> tuple[float, float]:
    """Return Student's interval of a mean of two scores or more."""
    middle = statistics.fmean(scores)
    half = find_t(len(scores) - 1) * statistics.stdev(scores) / math.sqrt(len(scores))
    return middle - half, middle + half


@cache
def find_t(freedom: int) -> float:
    """Return how many standard errors hold 95 % of Student's distribution with so many degrees of freedom."""
    if freedom > MANY:
        return Z
    return find_edge(lambda t: share_within(t, freedom) < 0.95, 0.0, 13.0)


def share_within(t: float, freedom: int) -> float:
    """Return the share of Student's distribution between -t and t (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    is_odd = freedom % 2
    term = total = math.cos(angle) if is_odd else 1.0
    for step in range(2 + is_odd, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (step - 1) / step
        total += term
    if not is_odd:
        return math.sin(angle) * total
    return 2 / math.pi * (angle + (math.sin(angle) * total if freedom > 1 else 0.0))
