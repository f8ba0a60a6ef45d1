"""How far raters agree beyond chance: Cohen's kappa of two, Krippendorff's alpha of any number, with 95 % intervals.

Both are for names without an order. A unit is what is rated; one that fewer than two rated says nothing. Intervals are
bootstrapped over units (2.5 and 97.5 % of RESAMPLES draws from a fixed seed): units of one pattern are drawn together,
which is the same and costs nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 2_000
SEED = 20_260_101
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Kappa:
    """An agreement over `units`: 1 is perfect, 0 what chance gives; None where all is one name or nothing is shared.

    `agreed` is the share of pairs of ratings of a unit that are the same; a unit weighs as much as it has ratings. The
    interval is -1 to 1 where there is none.
    """

    units: int
    agreed: float | None
    value: float | None
    low: float
    high: float

    def __str__(self) -> str:
        if self.agreed is None:
            return "nothing was rated twice"
        same = f"{self.agreed:.0%} the same of {self.units}"
        return (
            f"no spread, {same}" if self.value is None else f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}] {same}"
        )


def measure_kappa(pairs: Sequence[tuple[str, str]]) -> Kappa:
    """Return Cohen's kappa (1960) of the ratings of two people, a pair a unit."""
    names = sorted({name for pair in pairs for name in pair})
    patterns = Counter(pairs)
    if not pairs:
        return Kappa(0, None, None, -1.0, 1.0)
    first = np.array([[one == name for name in names] for one, _ in patterns], dtype=float)
    second = np.array([[two == name for name in names] for _, two in patterns], dtype=float)
    same = np.array([float(one == two) for one, two in patterns])

    def measure(counts: Array) -> Array:
        total = counts.sum(axis=1)
        chance = (counts @ first * (counts @ second)).sum(axis=1) / total**2
        return above_chance(counts @ same / total, chance)

    counts = np.array(list(patterns.values()), dtype=float)
    return summarise(counts, float(counts @ same / len(pairs)), measure)


def measure_alpha(units: Sequence[Mapping[str, int]]) -> Kappa:
    """Return Krippendorff's alpha for nominal data (2011); a unit has the number of ratings by name."""
    shared = [{name: count for name, count in unit.items() if count} for unit in units if sum(unit.values()) > 1]
    if not shared:
        return Kappa(0, None, None, -1.0, 1.0)
    names = sorted({name for unit in shared for name in unit})
    patterns = Counter(tuple(unit.get(name, 0) for name in names) for unit in shared)
    held = np.array(list(patterns), dtype=float)
    ratings = held.sum(axis=1)
    # Every pair of ratings of a unit counts 1 / (m - 1), so that a unit weighs as many values as it has.
    same = (held * (held - 1)).sum(axis=1) / (ratings - 1)

    def measure(counts: Array) -> Array:
        total = counts @ ratings
        margins = counts @ held
        chance = (margins * (margins - 1)).sum(axis=1) / (total * (total - 1))
        return above_chance(counts @ same / total, chance)

    counts = np.array(list(patterns.values()), dtype=float)
    return summarise(counts, float(counts @ same / (counts @ ratings)), measure)


def above_chance(agreed: Array, chance: Array) -> Array:
    """Return how much of what chance leaves is agreed on; NaN where chance leaves nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        measured: Array = np.where(chance < 1, (agreed - chance) / (1 - chance), np.nan)
    return measured


def summarise(counts: Array, agreed: float, measure: Any) -> Kappa:
    """Return an agreement with its interval; draws of a single name, which have no value, are left out."""
    value = float(measure(counts[None, :])[0])
    units = int(counts.sum())
    if np.isnan(value):
        return Kappa(units, agreed, None, -1.0, 1.0)
    drawn = np.random.default_rng(SEED).multinomial(units, counts / units, size=RESAMPLES).astype(float)
    values = measure(drawn)
    low, high = np.nanquantile(values, (0.025, 0.975))
    return Kappa(units, agreed, value, float(min(low, value)), float(max(high, value)))
