"""Signs of danger in what a client says: a wide word list that routes, and the reading that tiers what it caught."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.hotlines import emergency_for, lines_for
from agents.prompt import load_prompt
from agents.risk_model import Features, Router, load_router, read_features
from agents.transcript import Language, Utterance, label_utterances
from taxonomy.reading import read_yaml

Kind = Literal["none", "self_harm", "harm_by_others", "harm_to_others"]
Level = Literal["none", "passive", "active", "plan", "in_progress"]

LEVELS: tuple[Level, ...] = ("none", "passive", "active", "plan", "in_progress")
ADULT = 18
KINDS: tuple[Kind, ...] = ("self_harm", "harm_by_others", "harm_to_others")
GAP: dict[Language, str] = {"zh": r"[^。！？!?,，;；\n]{0,8}?", "en": r"[^.!?,;\n]{0,24}?"}
NOT_ASKED = "(?<![有会是想])"
"""What may not stand before a denial: 没有自杀 denies, 有没有自杀 asks."""
SCRIPTS: dict[Language, re.Pattern[str]] = {"zh": re.compile(r"[\u4e00-\u9fff]"), "en": re.compile(r"[A-Za-z]{2}")}
"""What a text holds that has words of a language."""
SENTENCE_END = re.compile(r"[。！？!?.\n]")
LIFT = 1.0
"""How far a word of the list moves the score from which a text is routed."""
NEAR_LINES = 3
"""So many lines of a session that come near to a sign are one together."""


class RiskReading(BaseModel):
    """What the risk agent answers; `quote` are the client's own words."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    level: Level
    quote: str


class KindWords(BaseModel):
    """Words by the kind of danger that they are a sign of."""

    model_config = ConfigDict(extra="forbid")

    self_harm: list[str]
    harm_by_others: list[str]
    harm_to_others: list[str]


class RiskWords(BaseModel):
    """One language of the word list; the head of the file says what each part does."""

    model_config = ConfigDict(extra="forbid")

    idioms: list[str]
    denials: list[str]
    turns: list[str]
    sure: KindWords
    wide: KindWords
    weak: list[str]


class RiskLexicon(BaseModel):
    """The versioned word list of both languages."""

    model_config = ConfigDict(extra="forbid")

    version: int
    zh: RiskWords
    en: RiskWords


Sign = tuple[Kind, str]
Tier = Literal["sure", "wide", "weak"]
Listed = tuple[int, Tier, Kind, str]
"""A word of the list with its place in it, its part, and the kind of danger that it is a sign of."""


@dataclass(frozen=True, slots=True)
class WordHits:
    """What the word list alone finds in a text; `plain` is the text without idioms and plain denials."""

    plain: str
    sure: list[Sign]
    wide: list[Sign]
    weak: list[str]
    is_crowded: bool
    """Whether two weak words meet in one sentence."""

    @property
    def lift(self) -> float:
        """Return what the words add to the model's score: more is asked of it where they are silent."""
        if self.sure or self.wide:
            return LIFT
        return 0.0 if self.weak else -LIFT

    def name_signs(self) -> list[str]:
        """Return what the model is told of these: each word, and which parts of the list spoke."""
        tiers = [f"{tier}:{kind}" for tier in ("sure", "wide") for kind, _ in getattr(self, tier)]
        words = [word for _, word in (*self.sure, *self.wide)] + self.weak
        return [*tiers, *words, *(["weak"] if self.weak else [])]


@cache
def load_risk_words() -> RiskLexicon:
    """Return the word list that ships with this package."""
    return read_yaml(Path(__file__).parent / "risk_words.yaml", RiskLexicon)


@dataclass(frozen=True, slots=True)
class WordPatterns:
    """One language of the word list, made ready to look up."""

    idioms: re.Pattern[str]
    denials: re.Pattern[str]
    gapped: dict[str, re.Pattern[str]]
    listed: dict[str, list[Listed]]
    """Words under their first letter, so that only those are looked for that a text can hold."""


@cache
def compile_words(language: Language) -> WordPatterns:
    """Return the patterns of the language's list; a word with a gap has one of its own."""
    words: RiskWords = getattr(load_risk_words(), language)
    ranked: list[tuple[Tier, Kind, str]] = [
        *(("sure", kind, word) for kind in KINDS for word in getattr(words.sure, kind)),
        *(("wide", kind, word) for kind in KINDS for word in getattr(words.wide, kind)),
        *(("weak", "none", word) for word in words.weak),
    ]
    listed: dict[str, list[Listed]] = {}
    for place, (tier, kind, word) in enumerate(ranked):
        listed.setdefault(word[0], []).append((place, tier, kind, word))
    gapped = {word: re.compile(spell_out(word, language)) for _, _, word in ranked if "…" in word}
    denials = re.compile(NOT_ASKED + join_words(words.denials, language).pattern)
    return WordPatterns(join_words(words.idioms, language), denials, gapped, listed)


def join_words(words: Sequence[str], language: Language) -> re.Pattern[str]:
    """Return one pattern of these words, the longest first."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(spell_out(word, language) for word in longest_first)})")


def spell_out(word: str, language: Language) -> str:
    """Return a word of the list as a pattern."""
    return GAP[language].join(map(re.escape, word.split("…")))


@lru_cache(maxsize=4096)
def look_up(text: str, language: Language) -> WordHits:
    """Return what the word list finds in a text once idioms and plain denials are out of it."""
    words: RiskWords = getattr(load_risk_words(), language)
    patterns = compile_words(language)
    gapped = patterns.gapped
    plain = patterns.idioms.sub("·", text.lower().replace("’", "'"))
    if not any(turn in plain for turn in words.turns):
        plain = patterns.denials.sub("·", plain)

    def stands(word: str) -> bool:
        # The second look is for English, where a word of the list begins a word: "sending it" is no "ending it".
        return word in plain and (language == "zh" or bool(re.search(rf"(?<![a-z]){re.escape(word)}", plain)))

    found: dict[Tier, list[Sign]] = {"sure": [], "wide": [], "weak": []}
    likely = (listed for char in patterns.listed.keys() & set(plain) for listed in patterns.listed[char])
    for _, tier, kind, word in sorted(likely):
        if stands(word) or (word in gapped and gapped[word].search(plain)):
            found[tier].append((kind, word))
    weak = [word for _, word in found["weak"]]
    is_crowded = len(weak) > 1 and any(sum(word in part for word in weak) > 1 for part in SENTENCE_END.split(plain))
    return WordHits(plain, found["sure"], found["wide"], weak, is_crowded)


def read_text(text: str, language: Language) -> tuple[WordHits, Features]:
    """Return what the word list finds in a text, and what the model sees of it."""
    hits = look_up(text, language)
    return hits, read_features(hits.plain, hits.name_signs())


def find_risk_words(text: str, language: Language) -> list[Sign]:
    """Return (kind, word) for each sign in a client's utterance, idioms left aside; empty where it is not routed.

    Where only the fitted model speaks up, the whole text stands as a sign of kind `none`: which danger, if any, is for
    the reading to say. A text is read in the session's language, and in the other one as well where it holds any of it.
    """
    return next(filter(None, (find_in(text, spoken) for spoken in languages_in(text, language))), [])


def languages_in(text: str, language: Language) -> list[Language]:
    """Return the session's language, and the other one where the text holds words of it."""
    other: Language = "en" if language == "zh" else "zh"
    return [language, other] if SCRIPTS[other].search(text) else [language]


def find_in(text: str, language: Language) -> list[Sign]:
    """Return the signs of a text by the list and the model of one language."""
    if language == "en":
        hits = look_up(text, language)
        return hits.sure + hits.wide or [("none", word) for word in hits.weak if hits.is_crowded]
    return choose(text, look_up(text, language), weigh(text, language) >= load_router().level)


@lru_cache(maxsize=4096)
def weigh(text: str, language: Language) -> float:
    """Return the model's score of a text, lifted by what the words say; a line is asked about more than once."""
    hits, features = read_text(text, language)
    return load_router().score(features) + hits.lift


def decide(text: str, hits: WordHits, features: Features, router: Router) -> list[Sign]:
    """Return the signs for which a router sends this text on."""
    return choose(text, hits, router.score(features) + hits.lift >= router.level)


def choose(text: str, hits: WordHits, is_above: bool) -> list[Sign]:
    """Return the signs of a text; below the level only a sure word counts."""
    if not is_above:
        return list(hits.sure)
    return hits.sure + hits.wide or [("none", text)]


def is_routed(text: str, language: Language) -> bool:
    """Whether a client's utterance goes to the risk agent."""
    return bool(find_risk_words(text, language))


def is_session_routed(texts: Sequence[str], language: Language) -> bool:
    """Whether a client's lines of a session do together: one is routed, or several come near to it."""
    if any(is_routed(text, language) for text in texts):
        return True
    return sum(is_near(text, language) for text in texts) >= NEAR_LINES


def is_near(text: str, language: Language) -> bool:
    """Whether a line that is not routed counts towards a session that is."""
    return any(is_near_in(text, spoken) for spoken in languages_in(text, language))


def is_near_in(text: str, language: Language) -> bool:
    """Whether a line comes near to a sign by the list or the model of one language."""
    if language == "en":
        return bool(look_up(text, language).weak)
    return weigh(text, language) >= load_router().near


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
