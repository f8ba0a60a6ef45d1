"""The small grammar of the phrase banks: alternatives and slots, and how one is drawn."""

import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import TypeVar

Item = TypeVar("Item")
Node = str | tuple["Node", ...] | list["Node"]
"""A string is said as it is, a tuple in order, a list is a choice; a slot begins with `<`."""

TOKEN = re.compile(r"[(/)]|<[a-z0-9_]+>|[^(/)<]+|<")
HEAVIEST = 120
"""Wordings above which a line is drawn no oftener; rich lines come up more, so none wears out."""


MOST_COPIES = 6
"""An alternative that holds others stands in its choice as often as it has wordings, up to this."""


class Draw:
    """The randomness of one answer: everything it decides follows from the key."""

    __slots__ = ("_random",)

    def __init__(self, key: bytes) -> None:
        self._random = Random(int.from_bytes(key, "big")).random

    def chance(self, share: float) -> bool:
        """Tell whether something with this probability happens."""
        return self._random() < share

    def pick(self, options: Sequence[Item]) -> Item:
        """Return one of the options, each as likely as the others."""
        return options[int(self._random() * len(options))]

    def number(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def weigh(self, cumulative: Sequence[float]) -> int:
        """Return a position, drawn by running sums of weights."""
        return bisect(cumulative, self._random() * cumulative[-1], 0, len(cumulative) - 1)


class Bank:
    """All lines of one name, drawn by how many wordings they have."""

    __slots__ = ("_by_slots", "lines")

    def __init__(self, lines: Sequence[Node]) -> None:
        self.lines = lines
        self._by_slots: dict[frozenset[str], tuple[list[Node], list[float]]] = {}

    def say(self, draw: Draw, slots: Mapping[str, str]) -> str:
        """Return a wording whose slots can all be filled; empty when there is none."""
        filled = frozenset(slots)
        if filled not in self._by_slots:
            pruned = (prune(line, filled) for line in self.lines)
            able = [line for line in pruned if line is not None]
            weights = (min(count_wordings(line), HEAVIEST) ** 0.6 for line in able)
            self._by_slots[filled] = able, list(accumulate(weights))
        able, cumulative = self._by_slots[filled]
        if not able:
            return ""
        parts: list[str] = []
        _say(able[draw.weigh(cumulative)], draw, slots, parts)
        return "".join(parts)


def parse_line(text: str) -> Node:
    """Return the tree of a line: `(a/b(c/d))` is a choice, which may hold choices."""
    tokens = TOKEN.findall(text)
    node, position = _parse(tokens, 0)
    if position != len(tokens):
        raise ValueError(f"a bracket too many in the phrase {text!r}: remove it")
    return node


def _parse(tokens: Sequence[str], position: int) -> tuple[Node, int]:
    options: list[Node] = []
    current: list[Node] = []
    while position < len(tokens) and tokens[position] != ")":
        token = tokens[position]
        position += 1
        if token == "/":
            options.append(tuple(current))
            current = []
        elif token == "(":
            inner, position = _parse(tokens, position)
            if position >= len(tokens):
                raise ValueError(f"a bracket is not closed in the phrase {''.join(tokens)!r}: close it")
            current.append(inner)
            position += 1
        else:
            current.append(token)
    if not options:
        return tuple(current), position
    options.append(tuple(current))
    return [option for option in options for _ in range(min(count_wordings(option), MOST_COPIES))], position


def count_wordings(node: Node) -> int:
    """Return how many wordings a tree has, slots aside."""
    if isinstance(node, str):
        return 1
    if isinstance(node, list):
        return sum(count_wordings(option) for option in {id(option): option for option in node}.values())
    product = 1
    for part in node:
        product *= count_wordings(part)
    return product


def prune(node: Node, filled: frozenset[str]) -> Node | None:
    """Return the tree without the alternatives that lack a slot; None when none is left."""
    if isinstance(node, str):
        return None if node.startswith("<") and node[1:-1] not in filled else node
    parts = [prune(part, filled) for part in node]
    kept = [part for part in parts if part is not None]
    if isinstance(node, list):
        return kept or None
    return tuple(kept) if len(kept) == len(parts) else None


def walk(node: Node) -> Iterator[str]:
    """Yield the plain pieces of a tree."""
    if isinstance(node, str):
        yield node
    else:
        for part in node:
            yield from walk(part)


def _say(node: Node, draw: Draw, slots: Mapping[str, str], parts: list[str]) -> None:
    if isinstance(node, str):
        parts.append(slots[node[1:-1]] if node[0] == "<" else node)
    elif isinstance(node, list):
        _say(draw.pick(node), draw, slots, parts)
    else:
        for part in node:
            _say(part, draw, slots, parts)
