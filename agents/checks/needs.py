"""Reads from a regular expression which characters and pairs of characters a text must hold for it to match."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product
from math import prod

from taxonomy.refusal import InputError

ESCAPE = r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|.)"
TOKEN = re.compile(
    rf"{ESCAPE}|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P<\w+>|<?[=!]|[a-z-]*:))?|[*+?]\??|\{{\d*,?\d*\}}\??|.", re.DOTALL
)
CLASS_ITEM = re.compile(rf"({ESCAPE}|.)(?:-({ESCAPE}|.))?", re.DOTALL)
QUANTIFIER = re.compile(r"[*+?]|\{.")
OPTIONAL = ("*", "?", "{0", "{,")
LOOKING = ("(?=", "(?<=")
NO_WIDTH = ("^", "$", r"\b", r"\B", "(?!", "(?<!")
"""Marks that need nothing, and what stands on either side of them stands side by side."""
WIDEST_RANGE = 64
MOST_PAIRS = 64
SPACES = {"n": "\n", "t": "\t"}
DIGIT = re.compile(r"\d")
ANY_DIGIT = "0"

FREQUENT = frozenset(
    "的我你您是了不一有在这那个人他她会说们来到么要也就可能和没对自己时得都好看起生心感想去为给让 etaoinshrldu"
)
FREQUENT_COST = 25
"""A character that most texts hold tells little; so many rare ones tell as much."""
PAIR_COST = 1 / 50
"""What two characters that stand side by side cost, beside two that stand anywhere."""

Need = frozenset[str]
"""Characters, or pairs of them; a text that matches holds one at least."""
Atom = Need | list[Need]
"""What a piece of a pattern needs: where it is one character long, the characters it may be; else all its needs."""


def fold(text: str) -> str:
    """Return a text in the form of needs: small letters, one digit for all."""
    return DIGIT.sub(ANY_DIGIT, text.lower())


def read_needs(pattern: str) -> list[Need]:
    """Return what a pattern needs, the most telling first; nothing where it may match without any known character."""
    try:
        atom = _read_group(iter(TOKEN.findall(pattern)))
    except IndexError as error:
        raise InputError(f"pattern {pattern!r}: it has a mark that no screen can read; use plain groups") from error
    return sorted({atom} if isinstance(atom, frozenset) else set(atom), key=_cost)


def _read_group(tokens: Iterator[str]) -> Atom:
    """Read to the end of a group; whichever of its branches matches, one of what they need stands in the text."""
    branches: list[list[Atom]] = [[]]
    for token in tokens:
        if token == ")":
            break
        if token == "|":
            branches.append([])
        elif QUANTIFIER.match(token):
            atom = branches[-1].pop()
            needs = [atom] if isinstance(atom, frozenset) else atom
            branches[-1].append([] if token.startswith(OPTIONAL) else needs)
        else:
            atom = _read_group(tokens) if token[0] == "(" else _read_atom(token)
            if token in LOOKING and isinstance(atom, frozenset):
                # It stands where the next one stands, not beside it.
                atom = [atom]
            if token not in NO_WIDTH:
                branches[-1].append(atom)
    singles = [atoms[0] for atoms in branches if len(atoms) == 1 and isinstance(atoms[0], frozenset)]
    if len(singles) == len(branches):
        return frozenset().union(*singles)
    needs_of = [_list_needs(atoms) for atoms in branches]
    if len(needs_of) == 1:
        return needs_of[0]
    return [frozenset().union(*(min(needs, key=_cost) for needs in needs_of))] if all(needs_of) else []


def _list_needs(atoms: Sequence[Atom]) -> list[Need]:
    """Return what atoms in a row need: in pairs, where single characters stand side by side."""
    needs: list[Need] = []
    run: list[Need] = []
    for atom in atoms:
        if isinstance(atom, frozenset):
            run.append(atom)
        else:
            needs += [*_pair(run), *atom]
            run = []
    return needs + _pair(run)


def _pair(run: Sequence[Need]) -> list[Need]:
    pairs = [
        frozenset(first + second for first, second in product(*neighbours))
        for neighbours in pairwise(run)
        if prod(map(len, neighbours)) <= MOST_PAIRS
    ]
    return pairs or list(run)


@lru_cache(maxsize=1024)
def _read_atom(token: str) -> Atom:
    if token[0] == "[":
        return _read_class(token[1:-1])
    char = None if token == "." else _read_char(token)
    return frozenset(fold(char)) if char else []


def _read_class(content: str) -> Atom:
    """Return the characters of a class, nothing where it is negated, wide or a category."""
    chars: set[str] = set()
    for first, last in CLASS_ITEM.findall(content):
        low, high = _read_char(first), _read_char(last or first)
        if low is None or high is None or ord(high) - ord(low) >= WIDEST_RANGE:
            return []
        chars.update(map(chr, range(ord(low), ord(high) + 1)))
    return [] if content[0] == "^" else frozenset(map(fold, chars))


def _read_char(token: str) -> str | None:
    """Return the one character that a token stands for, None for a category or a place."""
    if token[0] != "\\":
        return token
    if len(token) > 2:
        return chr(int(token[2:], 16))
    if token[1] == "d":
        return ANY_DIGIT
    return SPACES.get(token[1]) if token[1].isalnum() else token[1]


def _cost(need: Need) -> float:
    """Return how often, roughly, one of these stands in a text."""
    return sum(_cost_gram(gram) for gram in need)


@lru_cache(maxsize=1024)
def _cost_gram(gram: str) -> float:
    chars = prod(FREQUENT_COST if char in FREQUENT else 1 for char in gram)
    return chars if len(gram) == 1 else chars * PAIR_COST
