"""Measures what each recipe's talks say in one language: how varied, on as much text of each, and in what style."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.diversity import BUDGET, distinct_n, gzip_ratio, take_units, ten_gram_reuse, vendi
from store.minhash import Identity, find_pairs
from store.repetition import cut_closing, cut_opening
from store.report.speech import WORD, Lines
from store.report.style import Style, compare_style

EDGE_WORDS = 4
"""English words that make an opening or an ending; six letters would be no more than one."""


@dataclass(frozen=True, slots=True)
class Variety:
    """How varied talks are: how many begin and end differently and nearly copy an earlier one, and measures by name."""

    openings: int
    endings: int
    copies: int
    measures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said in one language. `dialogues` and `units` say on how much of each recipe variety is measured."""

    language: str
    dialogues: int
    units: int
    variety: dict[str, Variety]
    style: dict[str, Style]
    lines: dict[str, dict[str, int]]
    """How many lines each speaker has, by recipe."""


def compare_talk(language: str, said: Mapping[str, Sequence[Lines]]) -> Talk:
    """Return the figures of each recipe's talks, given as lines of (speaker, text); a recipe without any is left out.

    Variety falls as a set grows, so all are measured on as many talks and as much text as the smallest set has.
    """
    spoken = {recipe: talks for recipe, talks in said.items() if talks}
    fewest = min(len(talks) for talks in spoken.values())
    drawn = {recipe: talks[:fewest] for recipe, talks in spoken.items()}
    texts = {recipe: ["\n".join(list_turns(talk)) for talk in talks] for recipe, talks in drawn.items()}
    units = min(len(take_units(each, language, BUDGET)) for each in texts.values())
    return Talk(
        language,
        fewest,
        units,
        {recipe: measure_variety(drawn[recipe], texts[recipe], language, units) for recipe in spoken},
        {recipe: compare_style(talks, language) for recipe, talks in spoken.items()},
        {recipe: dict(Counter(who for talk in talks for who, _ in talk)) for recipe, talks in spoken.items()},
    )


def measure_variety(talks: Sequence[Lines], texts: Sequence[str], language: str, units: int) -> Variety:
    """Return how varied some talks are, given whole and as the counselor's text."""
    turns = [list_turns(talk) for talk in talks]
    whole: dict[Identity, str] = {(number,): "\n".join(text for _, text in talk) for number, talk in enumerate(talks)}
    return Variety(
        openings=len({cut(said[0], language) for said in turns if said}),
        endings=len({cut(said[-1], language, is_ending=True) for said in turns if said}),
        copies=len({newer for _, newer in find_pairs(whole)}),
        measures={
            "distinct_2": distinct_n(texts, 2, language, units),
            "distinct_3": distinct_n(texts, 3, language, units),
            "gzip_ratio": gzip_ratio(texts, language, units),
            "ten_gram_reuse": ten_gram_reuse(texts),
            "vendi": vendi(texts),
        },
    )


def list_turns(talk: Lines) -> list[str]:
    """Return what the counselor says."""
    return [text for speaker, text in talk if speaker == "counselor"]


def cut(turn: str, language: str, *, is_ending: bool = False) -> str:
    """Return the characters, or words, that a turn begins or ends with."""
    if language == "en":
        words = WORD.findall(turn.lower())
        return " ".join(words[-EDGE_WORDS:] if is_ending else words[:EDGE_WORDS])
    return cut_closing(turn) if is_ending else cut_opening(turn)
