"""Says which talks a list, a queue, a bulk verdict or an export is of; an address on the page is such a filter."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from math import isfinite
from typing import Any, get_args
from urllib.parse import urlencode

from store.standing import Standing
from store.tables import Outcome
from store.words import check_terms
from taxonomy.refusal import InputError, suggest

MOST_NAME = 200
"""Characters of a value; no id, model or name of a reviewer is as long."""
MOST_NUMBER = 2**31 - 1
SORTS = ("newest", "oldest", "danger", "disputed", "score_up", "score_down")
RANDOM = re.compile(r"random-([0-9]{1,9})")
RUBRIC_SORTS = ("score_up", "score_down")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What talks must be to be taken, and in which order they come; a field that is None asks nothing."""

    emotion: str | None = None
    family: str | None = None
    """A family of emotions of the map that is shipped."""
    scene: str | None = None
    life: str | None = None
    """A part of life whose scenes are taken."""
    recipe: str | None = None
    model: str | None = None
    """The counselor's."""
    run: int | None = None
    language: str | None = None
    outcome: str | None = None
    standing: str | None = None
    flagged: bool | None = None
    commented: bool | None = None
    crisis: bool | None = None
    rehearsal: bool | None = None
    edited: bool | None = None
    disputed: bool | None = None
    rule: str | None = None
    """A rule that a finding on the talk as it stands names."""
    reviewer: str | None = None
    """Whose verdict on the text as it reads stands."""
    rubric: str | None = None
    score_from: float | None = None
    score_to: float | None = None
    date_from: date | None = None
    """The first day, by this machine's clock; `date_to` is the last one."""
    date_to: date | None = None
    exchanges_from: int | None = None
    exchanges_to: int | None = None
    text: str | None = None
    sort: str = "newest"

    def pairs(self) -> list[tuple[str, str]]:
        """Return what is asked as keys and values, in the order of the fields; what asks nothing is left out."""
        return [(name, write_value(value)) for name, value in self.asked().items()]

    def asked(self) -> dict[str, Any]:
        """Return the fields that ask something."""
        named = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return {name: value for name, value, default in named if value != default}

    def query(self) -> str:
        """Return the filter as the query of an address; two equal filters give the same."""
        return urlencode(self.pairs())

    def flags(self) -> list[str]:
        """Return the filter as the flags of a shell command."""
        return [f"--{name.replace('_', '-')}={value}" for name, value in self.pairs()]


def read_filter(pairs: Mapping[str, str]) -> Filter:
    """Return the filter that keys and values ask for; an empty value asks nothing.

    Raises InputError naming a key or value that cannot be.
    """
    values: dict[str, Any] = {}
    for key, told in pairs.items():
        if key not in READERS:
            raise InputError(f"filter {key[:MOST_NAME]!r}: there is no such key{suggest(key[:MOST_NAME], READERS)}")
        value = told.strip()
        if not value:
            continue
        if len(value) > MOST_NAME:
            raise InputError(f"filter {key}: {len(value):,} characters; write at most {MOST_NAME}")
        try:
            values[key] = READERS[key](value)
        except ValueError as error:
            raise InputError(f"filter {key}={value!r}: {error}") from None
    asked = Filter(**values)
    check_together(asked)
    return asked


def check_together(asked: Filter) -> None:
    """Raise InputError where fields do not go together."""
    scored = asked.score_from is not None or asked.score_to is not None or asked.sort in RUBRIC_SORTS
    if scored and asked.rubric is None:
        raise InputError("filter rubric: a score or an order by scores needs one; name the rubric")
    for name in ("score", "date", "exchanges"):
        first, last = getattr(asked, f"{name}_from"), getattr(asked, f"{name}_to")
        if first is not None and last is not None and first > last:
            raise InputError(f"filter {name}_from={write_value(first)}: lies after {name}_to={write_value(last)}")


def write_value(value: object) -> str:
    """Return a value as an address holds it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def read_name(told: str) -> str:
    """Return a name as it was written."""
    if not told.isprintable():
        raise ValueError("write it without control characters")
    return told


def read_bool(told: str) -> bool:
    """Return whether it says yes."""
    if told not in ("yes", "no"):
        raise ValueError("write yes or no")
    return told == "yes"


def read_count(told: str) -> int:
    """Return a whole number that a database holds."""
    if not re.fullmatch(r"[0-9]{1,10}", told) or int(told) > MOST_NUMBER:
        raise ValueError(f"write a whole number from 0 to {MOST_NUMBER}")
    return int(told)


def read_score(told: str) -> float:
    """Return a number."""
    try:
        score = float(told)
    except ValueError:
        score = float("nan")
    if not isfinite(score):
        raise ValueError("write a number such as 3.5")
    return score


def read_date(told: str) -> date:
    """Return a day."""
    try:
        day = date.fromisoformat(told)
    except ValueError:
        raise ValueError("write a day as 2026-11-21") from None
    if not 1971 <= day.year <= 9998:
        raise ValueError("write a day of a year from 1971 to 9998")
    return day


def read_sort(told: str) -> str:
    """Return an order that there is."""
    if told not in SORTS and not RANDOM.fullmatch(told):
        raise ValueError(f"choose one of {', '.join(SORTS)}, random-SEED such as random-7")
    return told


def read_text(told: str) -> str:
    """Return words that can be looked for."""
    check_terms(told)
    return told


def one_of(*choices: str) -> Callable[[str], str]:
    """Return what reads one of some words."""

    def read(told: str) -> str:
        if told not in choices:
            raise ValueError(f"choose one of {', '.join(choices)}{suggest(told, choices)}")
        return told

    return read


READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("emotion", "family", "scene", "life", "recipe", "model", "rule", "reviewer", "rubric"), read_name),
    **dict.fromkeys(("flagged", "commented", "crisis", "rehearsal", "edited", "disputed"), read_bool),
    **dict.fromkeys(("run", "exchanges_from", "exchanges_to"), read_count),
    **dict.fromkeys(("score_from", "score_to"), read_score),
    **dict.fromkeys(("date_from", "date_to"), read_date),
    "language": one_of("zh", "en"),
    "outcome": one_of(*get_args(Outcome)),
    "standing": one_of(*get_args(Standing)),
    "text": read_text,
    "sort": read_sort,
}
