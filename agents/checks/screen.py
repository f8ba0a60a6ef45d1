"""Tells from the characters of a text alone which patterns of many lists may match it, so that few of them are run."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, chain
from operator import add
from typing import NamedTuple

from agents.checks.needs import TOKEN, Need, fold, read_needs

WHOLE_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))(.*)\)", re.DOTALL)


class Part(NamedTuple):
    """One way in which a list can match, and what a text must hold besides what the part stands under."""

    pattern: str
    number: int
    """Of the list that it is from."""
    also: Need | None


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """The parts of several lists, each under all the characters or pairs of which a text must hold one."""

    under: dict[str, list[Part]]
    free: list[Part]
    """Parts that need no known character."""
    asked: frozenset[str]
    """All characters and pairs that a part needs."""


def build_screen(lists: Iterable[Iterable[str]]) -> Screen:
    """Return the screen of these lists of patterns; each is known by its number."""
    under: dict[str, list[Part]] = defaultdict(list)
    free: list[Part] = []
    asked: set[str] = set()
    for number, patterns in enumerate(lists):
        for pattern in chain(*map(split_ways, patterns)):
            needs = read_needs(pattern)[:2]
            part = Part(pattern, number, needs[-1] if len(needs) > 1 else None)
            for place in [under[gram] for gram in needs[0]] if needs else [free]:
                place.append(part)
            asked.update(*needs)
    return Screen(dict(under), free, frozenset(asked))


@lru_cache(maxsize=128)
def list_likely(screen: Screen, text: str) -> dict[int, set[str]]:
    """Return, under the numbers of their lists, the parts that may match a text."""
    grams = _read_grams(text, screen.asked)
    likely: dict[int, set[str]] = {}
    for pattern, number, also in chain(screen.free, *map(screen.under.__getitem__, screen.under.keys() & grams)):
        if also is None or not also.isdisjoint(grams):
            likely.setdefault(number, set()).add(pattern)
    return likely


def _read_grams(text: str, asked: frozenset[str]) -> set[str]:
    """Return which of these characters and pairs, folded as needs are, stand in a text."""
    large = text.upper()
    # A few letters are the same as others only by way of their capitals.
    forms = [fold(text)] if large == text else [fold(text), fold(large)]
    return {gram for form in forms for grams in (form, map(add, form, form[1:])) for gram in asked.intersection(grams)}


@cache
def compile_pattern(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """Return a compiled pattern; few of the many there are ever come to be tried."""
    return re.compile(pattern, flags)


def split_ways(pattern: str) -> Iterator[str]:
    """Yield what stands between the outermost bars, those of a group too that is all there is between two of them."""
    for part in split_alternatives(pattern):
        group = WHOLE_GROUP.fullmatch(part)
        if group and _closes_what_it_opens(group[1]):
            yield from split_ways(group[1])
        else:
            yield part


def split_alternatives(pattern: str) -> Iterator[str]:
    """Yield what stands between the bars of the outermost level."""
    depth, part = 0, ""
    for token in TOKEN.findall(pattern):
        depth += (token[0] == "(") - (token == ")")
        if token == "|" and depth == 0:
            yield part
            part = ""
        else:
            part += token
    yield part


def _closes_what_it_opens(inside: str) -> bool:
    """Tell whether a group goes on to the end: in "(a)(b)", it does not."""
    depths = accumulate((token[0] == "(") - (token == ")") for token in TOKEN.findall(inside))
    return min(depths, default=0) >= 0
