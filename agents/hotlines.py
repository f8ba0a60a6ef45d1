"""The crisis lines a counselor may name: facts with source and date, and no number from anywhere else."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agents.transcript import Language
from taxonomy.reading import read_yaml

USUAL_LOCALE: dict[Language, str] = {"zh": "zh-CN", "en": "en-US"}


class Hotline(BaseModel):
    """One line, as its source describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    locale: str
    number: str
    name: str
    hours: str
    source: str


class Emergency(BaseModel):
    """The emergency numbers of a locale."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    locale: str
    numbers: tuple[str, ...]


class Hotlines(BaseModel):
    """The whole file; `checked` is the day its sources were read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    checked: str
    lines: tuple[Hotline, ...]
    emergency: tuple[Emergency, ...]


@cache
def load_hotlines() -> Hotlines:
    """Return the lines that ship with this package."""
    return read_yaml(Path(__file__).parent / "hotlines.yaml", Hotlines)


@cache
def lines_for(language: Language, locale: str | None = None) -> tuple[Hotline, ...]:
    """Return the lines of a locale, by default the usual one of the language."""
    wanted = locale or USUAL_LOCALE[language]
    return tuple(line for line in load_hotlines().lines if line.locale == wanted)


@cache
def emergency_for(language: Language, locale: str | None = None) -> tuple[str, ...]:
    """Return the emergency numbers of a locale, by default the usual one of the language."""
    wanted = locale or USUAL_LOCALE[language]
    found = [entry.numbers for entry in load_hotlines().emergency if entry.locale == wanted]
    return found[0] if found else ()


@cache
def listed_numbers() -> frozenset[str]:
    """Return the digits of every number that may be spoken."""
    known = load_hotlines()
    numbers = [line.number for line in known.lines]
    numbers += [number for entry in known.emergency for number in entry.numbers]
    return frozenset("".join(char for char in number if char.isdigit()) for number in numbers)
