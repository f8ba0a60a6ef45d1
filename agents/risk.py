"""Signs of danger in what a client says: a wide word list that routes, and the reading that tiers what it caught."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.hotlines import emergency_for, lines_for
from agents.prompt import load_prompt
from agents.transcript import Language, Utterance, label_utterances
from taxonomy.reading import read_yaml

Kind = Literal["none", "self_harm", "harm_by_others", "harm_to_others"]
Level = Literal["none", "passive", "active", "plan", "in_progress"]

LEVELS: tuple[Level, ...] = ("none", "passive", "active", "plan", "in_progress")
ADULT = 18


class RiskReading(BaseModel):
    """What the risk agent answers; `quote` are the client's own words."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    level: Level
    quote: str


class RiskWords(BaseModel):
    """One language of the word list; idioms are taken out of the text before anything is looked up."""

    model_config = ConfigDict(extra="forbid")

    idioms: list[str]
    self_harm: list[str]
    harm_by_others: list[str]
    harm_to_others: list[str]


class RiskLexicon(BaseModel):
    """The versioned word list of both languages."""

    model_config = ConfigDict(extra="forbid")

    version: int
    zh: RiskWords
    en: RiskWords


@cache
def load_risk_words() -> RiskLexicon:
    """Return the word list that ships with this package."""
    return read_yaml(Path(__file__).parent / "risk_words.yaml", RiskLexicon)


def find_risk_words(text: str, language: Language) -> list[tuple[Kind, str]]:
    """Return (kind, word) for each sign in a client's utterance, idioms left aside."""
    words: RiskWords = getattr(load_risk_words(), language)
    plain = text.lower().replace("’", "'")
    for idiom in words.idioms:
        plain = plain.replace(idiom, "·")
    found: list[tuple[Kind, str]] = []
    kinds: tuple[Kind, ...] = ("self_harm", "harm_by_others", "harm_to_others")
    for kind in kinds:
        found += [(kind, word) for word in getattr(words, kind) if word in plain]
    return found


def read_cautiously(reading: RiskReading, found: Sequence[tuple[Kind, str]]) -> RiskReading:
    """Return the reading, lifted to `passive` where it waves aside words about dying or self-harm.

    A model may tell an idiom from a sign, yet a missed sign costs more than a question asked once too often.
    """
    if reading.level == "none" and any(kind == "self_harm" for kind, _ in found):
        return RiskReading(kind="self_harm", level="passive", quote=reading.quote)
    return reading


def higher_level(first: Level, second: Level) -> Level:
    """Return the graver of two levels."""
    return max(first, second, key=LEVELS.index)


def tier_of(level: Level, planned: Level, age: int | None) -> Level:
    """Return the dialogue's risk tier: the graver of what was read and planned, one tier up for a minor."""
    graver = higher_level(level, planned)
    if graver == "none" or age is None or age >= ADULT:
        return graver
    return LEVELS[min(LEVELS.index(graver) + 1, len(LEVELS) - 1)]


async def read_risk(cast: Cast, transcript: Sequence[Utterance], found: Sequence[tuple[Kind, str]]) -> RiskReading:
    """Ask how grave the words caught in the client's last line are."""
    head = load_prompt("risk/head", cast.language)
    ask = load_prompt("risk/ask", cast.language).render(words=[word for _, word in found])
    thread = [
        *cast.open_thread(head.render()),
        *label_utterances(transcript, cast.language),
        cast.ask_last(ask),
    ]
    reading, _ = await cast.fill("risk", head.hash, thread, RiskReading)
    return read_cautiously(reading, found)


def word_crisis(cast: Cast, kind: Kind, level: Level) -> str:
    """Return the whisper that puts the counselor into the crisis talk, with the only numbers it may say."""
    return load_prompt("counselor/crisis", cast.language).render(
        kind=kind,
        level=level,
        lines=lines_for(cast.language),
        emergency=emergency_for(cast.language),
    )
