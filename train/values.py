"""Holds a value of a configuration against the type that a library's dataclass gives its setting."""

import types
from collections.abc import Sequence
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from taxonomy.lines import TRUTH, Place
from taxonomy.refusal import suggest


def find_fault(value: Any, hint: Any, place: Place) -> str | None:
    """Return what is wrong with a value for a setting of some type, or nothing."""
    kinds = list(list_kinds(hint))
    choices = [choice for kind in kinds for choice in list_choices(kind)]
    plain = {get_origin(kind) or kind for kind in kinds if not list_choices(kind)}
    if value is None and type(None) in plain:
        return None
    # Beside an enumeration `str` means the name of one of its members; beside a literal it means any text.
    if choices and (str not in plain or any(isinstance(kind, type) and issubclass(kind, Enum) for kind in kinds)):
        return None if value in choices else _tell_choice(value, choices, place)
    if (
        Any in plain
        or type(value) in plain
        or (isinstance(value, int) and not isinstance(value, bool) and float in plain)
    ):
        return None
    if isinstance(value, str) and plain & {int, float}:
        is_number = value.strip().replace("_", "").lstrip("+-")[:1].isdigit()
        remedy = f"write {value.strip()} without quotes" if place.word is None and is_number else "correct it"
        return f"a number is wanted, not the text {value!r}; {remedy}"
    if isinstance(value, bool) and str in plain:
        return _tell_truth(value, place)
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        list: "a list",
        dict: "keys",
    }
    wanted = " or ".join(names[kind] for kind in names if kind in plain)
    return f"{wanted or 'nothing'} is wanted, not {value!r}; correct it"


def list_kinds(hint: Any) -> tuple[Any, ...]:
    """Return the types that a type hint allows."""
    if get_origin(hint) in {Union, types.UnionType}:
        return tuple(kind for part in get_args(hint) for kind in list_kinds(part))
    return (hint,)


def list_choices(kind: Any) -> tuple[Any, ...]:
    """Return the values of a closed set, or none."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(each.value for each in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()


def _tell_choice(value: Any, choices: Sequence[Any], place: Place) -> str:
    if isinstance(value, bool) and place.word is not None:
        return _tell_truth(value, place)
    return (
        f"unknown value {value!r}{suggest(str(value), map(str, choices))}; choose one of {', '.join(map(str, choices))}"
    )


def _tell_truth(value: bool, place: Place) -> str:
    word = place.word or ""
    meant = str(TRUTH.get(word.lower(), value)).lower()
    return f"a text is wanted ({word!r} without quotes means {meant}); put it in quotes"
