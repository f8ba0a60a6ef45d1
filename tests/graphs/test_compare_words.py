"""The words of a comparison's report: the same in both languages, all in use, and no text that can be left out."""

import re
import string
from pathlib import Path

from agents.question_set import LIVES
from graphs.compare.words import load_words, speak

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
