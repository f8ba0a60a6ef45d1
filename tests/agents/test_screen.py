"""A screen is silent only on texts that its list cannot match, and takes a pattern apart only at its outer bars."""

import re
from itertools import islice
from typing import get_args

import pytest
import yaml

from agents.checks.lexicon import FOLDER, load_words
from agents.checks.needs import read_needs
from agents.checks.screen import build_screen, list_likely, split_alternatives, split_ways
from agents.checks.signs import may_hold_sign
from agents.risk import load_risk_words
from agents.transcript import Language
from taxonomy.refusal import InputError
from tests.agents.test_mutations import FOLDER as PLANTS
from tests.real_data import read_dialogues

NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TURNS = 100


def is_likely(patterns: list[str], text: str) -> bool:
    """Tell whether a screen of these patterns lets a text through."""
    return bool(list_likely(build_screen([patterns]), text))


def read_texts() -> list[str]:
    """Return every planted line, and real ones."""
    plants = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(PLANTS.glob("*.yaml"))]
    lines = [line for plant in plants for half in ("known", "free", "silent") for line in plant[half][::2]]
    real = (line.text for _, dialogue in read_dialogues("smile_sample") for line in dialogue)
    return [*lines, *(line.upper() for line in lines if line.isascii()), *islice(real, TURNS)]


@pytest.mark.parametrize("language", get_args(Language))
def test_a_screened_list_finds_what_the_list_finds(language: Language) -> None:
    texts = read_texts()
    for name in NAMES:
        words = load_words(name, language)
        found = [text for text in texts if words.find.search(text)]
        assert [text for text in texts if words.has_match(text)] == found, name


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("a|b", ["a", "b"]),
        ("(?:a|b)c|d", ["(?:a|b)c", "d"]),
        (r"[|)]|\|", ["[|)]", r"\|"]),
        ("[]|]|[^]|]", ["[]|]", "[^]|]"]),
        ("(?P<x>a|(b|c))", ["(?P<x>a|(b|c))"]),
    ],
)
def test_a_pattern_is_split_at_its_outer_bars(pattern: str, parts: list[str]) -> None:
    assert list(split_alternatives(pattern)) == parts


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("(?P<x>a|(b|c))", ["a", "b", "c"]),
        ("(a|b)|(?:c)", ["a", "b", "c"]),
        ("(a|b)(c|d)", ["(a|b)(c|d)"]),
        ("(?!a|b)|(?i:a|b)", ["(?!a|b)", "(?i:a|b)"]),
    ],
)
def test_a_group_that_is_a_whole_part_is_split_too(pattern: str, ways: list[str]) -> None:
    assert list(split_ways(pattern)) == ways


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(?:你|您)好", "您好"),
        (r"\d成", "６成"),
        (r"A\b我?", "A"),
        ("(?=好)好人(?<=人)吗", "好人吗"),
        ("(?<!不)好(?!坏)人", "好人"),
        ("好{1,2}人", "好好人"),
        ("[]好]人", "]人"),
        ("[a-c-]x", "-x"),
        ("好?坏", "坏"),
        ("[^。]{0,5}吗", "好吗"),
        ("(?=[吗]|$)", ""),
        (r"\d{2}", "42"),
        ("(?i:qq)号", "QQ号"),
        ("(?<!不)好", "好"),
        ("[a-z]x", "bx"),
        ("a|", "z"),
    ],
)
def test_what_a_pattern_does_not_need_is_not_asked_for(pattern: str, text: str) -> None:
    assert re.search(pattern, text)
    assert is_likely([pattern], text)


@pytest.mark.parametrize("text", ["STRASSE", "straße", "KELVIN", "\u212aelvin", "ſtop"])
def test_case_is_no_reason_to_be_silent(text: str) -> None:
    patterns = ["strasse", "straße", "kelvin", "stop"]
    matching = [pattern for pattern in patterns if re.search(pattern, text, re.IGNORECASE)]
    assert matching
    assert all(is_likely([pattern], text) for pattern in matching)


def test_only_the_parts_are_tried_whose_characters_stand_in_the_text() -> None:
    screen = build_screen([["量子|熵增", "(?P<wave>波函数|叠加态)"], ["(?:好|量)吗"]])
    assert list_likely(screen, "你昨晚睡得怎样？") == {}
    assert list_likely(screen, "这个量子好大，是熵增吗") == {0: {"量子", "熵增"}}
    assert list_likely(screen, "叠加态，好吗") == {0: {"叠加态"}, 1: {"(?:好|量)吗"}}


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        ("抑郁症", [{"抑郁"}, {"郁症"}]),
        ("[你您]好", [{"你好", "您好"}]),
        ("量[^。]{0,9}子", [{"量"}, {"子"}]),
        ("量x?子", [{"量"}, {"子"}]),
        ("(?:量子|熵)增", [{"量子", "熵"}, {"增"}]),
        (r"\d成", [{"0成"}]),
        (r"\u91cf\.", [{"量."}]),
        ("[^量]|[一-龥]", []),
    ],
)
def test_characters_side_by_side_are_needed_as_pairs(pattern: str, needs: list[set[str]]) -> None:
    assert sorted(map(sorted, read_needs(pattern))) == sorted(map(sorted, needs))


@pytest.mark.parametrize("pattern", ["(?>量)", "(?i)量", "(?#量)子", "(?P<x>a)(?P=x)"])
def test_a_mark_that_the_screen_cannot_read_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="no screen can read"):
        build_screen([[pattern]])


@pytest.mark.parametrize("language", get_args(Language))
def test_no_word_of_self_harm_is_screened_away(language: Language) -> None:
    words = getattr(load_risk_words(), language)
    near = {"zh": "真的就", "en": " just really "}[language]
    lines = [sign.replace("…", near) for sign in (*words.sure.self_harm, *words.wide.self_harm)]
    assert [line for line in lines if not may_hold_sign(line)] == []
    assert not may_hold_sign({"zh": "我昨晚睡得很好。", "en": "I slept well."}[language])
