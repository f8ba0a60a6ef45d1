"""The words of a comparison's report: the same in both languages, all in use, and no text that can be left out."""

import re
import string
from pathlib import Path

import pytest

from agents.question_set import LIVES
from agents.rubric import load_rubric
from graphs.compare.paper import quote
from graphs.compare.words import load_words, name_item, name_rule, speak

SOURCES = "".join(
    path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "graphs/compare").glob("*.py")
)


def list_fields(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    zh, en = load_words()["zh"], load_words()["en"]
    assert zh.keys() == en.keys()
    assert {key for key in zh if list_fields(zh[key]) != list_fields(en[key])} == set()
    assert all(text.strip() for words in (zh, en) for text in words.values())


def test_every_word_is_in_use() -> None:
    assert {key for key in load_words()["zh"] if not re.search(f"[\"']{key}[\"']", SOURCES)} == set(LIVES)


def test_braces_in_a_value_are_text() -> None:
    assert ": {0} {x!r}. Their figures" in speak("en")("rehearsal_models", models="{0} {x!r}")


@pytest.mark.parametrize("rubric", ["autocbt", "session", "safety"])
def test_a_rubrics_items_have_their_own_chinese_in_a_chinese_report(rubric: str) -> None:
    items = load_rubric(rubric).items
    named = [name_item(rubric, item.id, speak("zh")) for item in items]
    assert not [name for name in named if re.search("[A-Za-z_]", name)]
    assert len(set(named)) == len(named)
    assert [name_item(rubric, item.id, speak("en")) for item in items] == [item.id.replace("_", " ") for item in items]


def test_an_item_or_a_rule_without_chinese_keeps_its_id() -> None:
    assert name_item("session", "gone_since", speak("zh")) == "gone since"
    assert [name_rule(rule, speak("zh")) for rule in ("diagnosis", "vague_cite")] == ["诊断", "vague_cite"]
    assert name_rule("diagnosis", speak("en")) == "diagnosis"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026. 一", "2026\\. 一"),
        ("1.", "1\\."),
        ("123456789. 一", "123456789\\. 一"),
        ("1234567890. 一", "1234567890. 一"),
        ("12) 一", "12\\) 一"),
        ("3.14 和 2026 年", "3.14 和 2026 年"),
    ],
)
def test_no_number_at_the_start_of_a_line_begins_a_list(text: str, written: str) -> None:
    assert quote(text) == written
