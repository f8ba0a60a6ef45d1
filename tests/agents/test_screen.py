"""A screen is silent only on texts that its list cannot match, and takes a pattern apart only at its outer bars."""

import re
from itertools import islice
from typing import get_args

import pytest
import yaml

from agents.checks.lexicon import FOLDER, load_words
from agents.checks.screen import build_screen, split_alternatives
from agents.checks.signs import may_hold_sign
from agents.risk import load_risk_words
from agents.transcript import Language
from tests.agents.test_mutations import FOLDER as PLANTS
from tests.real_data import read_dialogues

NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TURNS = 200


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
        assert [text for text in texts if words.screen.has_match(text)] == found, name


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
    ("pattern", "text"),
    [
        ("(?:你|您)好", "您好"),
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
    assert build_screen([pattern], re.NOFLAG).has_match(text)


@pytest.mark.parametrize("text", ["STRASSE", "straße", "KELVIN", "\u212aelvin", "ſtop"])
def test_case_is_no_reason_to_be_silent(text: str) -> None:
    patterns = ["strasse", "straße", "kelvin", "stop"]
    screen = build_screen(patterns, re.IGNORECASE)
    assert screen.has_match(text) == bool(re.search("|".join(patterns), text, re.IGNORECASE))


def test_a_list_is_not_run_over_a_text_without_its_characters() -> None:
    screen = build_screen(["量子|熵增", "波函数"], re.NOFLAG)
    assert screen.list_likely("你昨晚睡得好吗？") == set()
    assert screen.list_likely("这个量好大，是熵增吗") == {1}


@pytest.mark.parametrize("language", get_args(Language))
def test_no_word_of_self_harm_is_screened_away(language: Language) -> None:
    words = getattr(load_risk_words(), language)
    near = {"zh": "真的就", "en": " just really "}[language]
    lines = [sign.replace("…", near) for sign in (*words.sure.self_harm, *words.wide.self_harm)]
    assert [line for line in lines if not may_hold_sign(line)] == []
    assert not may_hold_sign({"zh": "我昨晚睡得很好。", "en": "I slept well."}[language])
