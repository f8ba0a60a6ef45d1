"""Tells from the characters of a text alone that a word list cannot match it, so that few of its patterns are run."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from re import _parser as regex  # type: ignore[attr-defined]
from typing import Any

FREQUENT = frozenset("的我你您是了不一有在这那个人他她会说们来到么要也就可能和没对自己时得都好看起生心感想去为给让")
FREQUENT_COST = 25
"""A character that most texts hold tells little; so many rare ones tell as much."""
WIDEST_RANGE = 64


@dataclass(frozen=True, slots=True)
class Screen:
    """The patterns of a list, one by one, each under the characters that it may be known by."""

    parts: tuple[str, ...]
    flags: re.RegexFlag
    chars: frozenset[str]
    needed: dict[str, list[tuple[int, frozenset[str]]]]
    """Under a character: the numbers of patterns, and of which characters one more must stand in the text."""
    free: tuple[int, ...]
    """Patterns that need no character."""

    def has_match(self, text: str) -> bool:
        """Tell whether one of the patterns matches a text."""
        likely = (*self.list_likely(text), *self.free)
        return any(compile_pattern(self.parts[number], self.flags).search(text) for number in likely)

    def list_likely(self, text: str) -> set[int]:
        """Return the numbers of the patterns whose characters stand in a text."""
        present, needed = characters_of(text), self.needed
        return {
            number for char in self.chars & present for number, need in needed[char] if not need.isdisjoint(present)
        }


def build_screen(patterns: Iterable[str], flags: re.RegexFlag) -> Screen:
    """Return the screen of these patterns."""
    parts = [part for pattern in patterns for part in split_alternatives(pattern)]
    needed: dict[str, set[tuple[int, frozenset[str]]]] = defaultdict(set)
    free = []
    for number, part in enumerate(parts):
        ways = [sorted(set(way), key=_cost) for way in _read_ways(regex.parse(part, flags))]
        if not all(ways):
            free.append(number)
            continue
        for way in ways:
            for char in way[0]:
                needed[char].add((number, way[min(1, len(way) - 1)]))
    known = {char: list(numbers) for char, numbers in needed.items()}
    return Screen(tuple(parts), flags, frozenset(needed), known, tuple(free))


@cache
def compile_pattern(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """Return a compiled pattern; few of the many there are ever come to be tried."""
    return re.compile(pattern, flags)


@lru_cache(maxsize=512)
def characters_of(text: str) -> frozenset[str]:
    """Return the characters of a text in every case that a pattern may know them by."""
    chars = "".join(set(text))
    small, large = chars.lower(), chars.upper()
    return frozenset(chars) if small == large else frozenset(chars + small + large + large.lower())


def split_alternatives(pattern: str) -> Iterator[str]:
    """Yield what stands between the bars of the outermost level."""
    depth, start, in_class = 0, 0, False
    for mark in re.finditer(r"\\.|\[\^?\]?|[\]()|]", pattern, re.DOTALL):
        char = mark[0][0]
        if in_class:
            in_class = not mark[0].endswith("]")
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            yield pattern[start : mark.start()]
            start = mark.end()
    yield pattern[start:]


def _read_ways(parsed: Sequence[Any]) -> list[list[frozenset[str]]]:
    """Return what each way through a parsed pattern needs."""
    if len(parsed) == 1:
        op, value = parsed[0]
        if op is regex.SUBPATTERN:
            return _read_ways(value[-1])
        if op is regex.BRANCH:
            return [way for part in value[1] for way in _read_ways(part)]
    return [_read_needs(parsed)]


def _read_needs(parsed: Sequence[Any]) -> list[frozenset[str]]:
    needs: list[frozenset[str]] = []
    for op, value in parsed:
        if op is regex.LITERAL:
            needs.append(frozenset(chr(value)))
        elif op is regex.IN:
            needs += _read_class(value)
        elif op is regex.SUBPATTERN or (op in (regex.MAX_REPEAT, regex.MIN_REPEAT) and value[0] > 0):
            needs += _read_needs(value[-1])
        elif op is regex.ASSERT:
            needs += _read_needs(value[1])
        elif op is regex.BRANCH:
            parts = [_read_needs(part) for part in value[1]]
            if all(parts):
                needs.append(frozenset().union(*(min(part, key=_cost) for part in parts)))
    return needs


def _read_class(items: Sequence[Any]) -> list[frozenset[str]]:
    """Return the characters of a class, nothing where it is negated, wide or a category."""
    chars: set[str] = set()
    for op, value in items:
        if op is regex.LITERAL:
            chars.add(chr(value))
        elif op is regex.RANGE and value[1] - value[0] < WIDEST_RANGE:
            chars.update(map(chr, range(value[0], value[1] + 1)))
        else:
            return []
    return [frozenset(chars)]


def _cost(chars: frozenset[str]) -> int:
    """Return how often, roughly, one of these characters stands in a text."""
    return len(chars) + FREQUENT_COST * len(chars & FREQUENT)
