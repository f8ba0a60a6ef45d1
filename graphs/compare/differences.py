"""Lays two models side by side: the judge's preferences in both orders, and differences of scores, pair by pair."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.comparison_rows import Asked, PairRecord
from store.intervals import Mean, Share, measure_paired, measure_share
from store.league.scores import Scale

Scores = Mapping[int, Sequence[Mapping[str, float]]]
"""Verdicts by place; none at a place is unscored."""


@dataclass(frozen=True, slots=True)
class PairCount:
    """The judge's words on two models' answers, a question at a time.

    A question is won where the judge prefers the same answer in both orders. One that it calls the same both times is
    a tie, and so is one on which its word changes with the order, which is counted as `swapped` beside. Where either
    word could not be read the question is unscored; where an answer is missing nobody was asked.
    """

    one: str
    other: str
    won: int
    lost: int
    same: int
    swapped: int
    unscored: int
    missing: int
    share: Share
    """Of the questions won or lost, those won by `one`."""
    shown_first: Share
    """Of all words that prefer an answer, those for the one that stood first: near a half with a fair judge."""

    @property
    def ties(self) -> int:
        """All ties, those that come of the order among them."""
        return self.same + self.swapped


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher `one` is than `other`, in score or findings, on the same questions or with the same clients.

    `mean` is of the differences with their paired interval; `sign` the share of `one` being higher where they differ.
    """

    rubric: str
    """The rubric, or the severity of the findings."""
    one: str
    other: str
    mean: Mean
    sign: Share
    equal: int
    unpaired: int
    """Places where only one of them has a score."""


def count_pair(asked: Mapping[int, Asked], one: str, other: str) -> PairCount:
    """Return what the judge said of two models."""
    counts = dict.fromkeys(("won", "lost", "same", "swapped", "unscored", "missing"), 0)
    firsts = words = 0
    for each in asked.values():
        told = [find_pair(each, one, other), find_pair(each, other, one)]
        counts[settle(*told)] += 1
        named = [pair.choice for pair in told if pair is not None and pair.choice in ("first", "second")]
        words += len(named)
        firsts += named.count("first")
    share = measure_share(counts["won"], counts["won"] + counts["lost"])
    return PairCount(one, other, **counts, share=share, shown_first=measure_share(firsts, words))


def find_pair(asked: Asked, first: str, second: str) -> PairRecord | None:
    """Return the judge's word on two answers in this order."""
    return next((pair for pair in asked.pairs if (pair.first, pair.second) == (first, second)), None)


def settle(forth: PairRecord | None, back: PairRecord | None) -> str:
    """Return what two words make of a question, for the model that stands first in `forth`."""
    if forth is None or back is None:
        return "missing"
    if forth.choice is None or back.choice is None:
        return "unscored"
    turned = {"first": "second", "second": "first", "same": "same"}[back.choice]
    if forth.choice != turned:
        return "swapped"
    return {"first": "won", "second": "lost", "same": "same"}[forth.choice]


def compare_scores(scale: Scale, one: str, other: str, ours: Scores, theirs: Scores) -> Difference:
    """Return the differences of two models' means at the places where both have a score."""
    mine, yours = (
        {place: mean_of(scale, given) for place, given in scores.items() if given} for scores in (ours, theirs)
    )
    return compare_places(scale.rubric, one, other, mine, yours, scale.high - scale.low)


def compare_places(
    measure: str,
    one: str,
    other: str,
    mine: Mapping[int, float],
    yours: Mapping[int, float],
    reach: float,
    *,
    is_held: bool = True,
) -> Difference:
    """Return the differences of two models' figures at the places where both have one; see `measure_paired`."""
    both = sorted(mine.keys() & yours.keys())
    apart = [mine[place] - yours[place] for place in both]
    higher, lower = sum(each > 0 for each in apart), sum(each < 0 for each in apart)
    return Difference(
        measure,
        one,
        other,
        measure_paired(apart, reach, is_held=is_held),
        measure_share(higher, higher + lower),
        len(both) - higher - lower,
        len(mine.keys() ^ yours.keys()),
    )


def mean_of(scale: Scale, verdicts: Sequence[Mapping[str, float]]) -> float:
    """Return the mean of some readable verdicts, of the items that count to it."""
    return statistics.fmean(map(scale.mean, verdicts))
