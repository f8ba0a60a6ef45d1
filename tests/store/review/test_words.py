"""The page says everything in both languages, and nothing that no page asks for."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment

import store.review
from store.filters import Filter
from store.guide import load_guide
from store.review.lists import FIELDS
from store.review.rendering import HERE, Words, load_words
from store.standing import Word

PARTS = ("page", "script")
MADE = re.compile(r"(theme_|word_|field_|key_|nav_)")
"""Keys that are put together from a part and a name."""


def read(pattern: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(HERE.rglob(pattern)))


@pytest.mark.parametrize("part", PARTS)
def test_both_languages_have_the_same_words_with_the_same_blanks(part: str) -> None:
    zh, en = load_words()["zh"][part], load_words()["en"][part]
    assert list(zh) == list(en)
    for key in zh:
        assert set(re.findall(r"\{(\w+)", zh[key])) == set(re.findall(r"\{(\w+)", en[key])), key
        assert zh[key].strip(), key


def test_every_word_that_a_page_or_a_script_asks_for_is_there_and_no_other() -> None:
    asked = set(re.findall(r"say\('(\w+)'", read("*.j2"))) | set(re.findall(r"\.say\(\s*\"(\w+)\"", read("*.py")))
    asked |= set(re.findall(r"'((?:nav|key)_\w+)'", read("*.j2"))) | {"count_more", "count_exact"}
    known = set(load_words()["zh"]["page"])
    assert {key for key in asked if not key.endswith("_")} - known == set()
    named = set(re.findall(r"\"(\w+)\"", read("*.py"))) | {"accept", "reject"}
    assert {key for key in known - asked - named if not MADE.match(key)} == set()
    scripts = set(re.findall(r"\"(\w+)\"", read("*.js"))) | set(re.findall(r"`(\w+_)\$", read("*.js")))
    unsaid = {key for key in load_words()["zh"]["script"] if not MADE.match(key) and not key.startswith("bulk_")}
    assert unsaid - scripts == set()
    said = set(re.findall(r"say\((?:\w+ \? )?\"(\w+)\"", read("*.js")))
    assert said - set(load_words()["zh"]["script"]) == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_field_of_a_filter_and_every_word_of_the_log_has_a_name(language: str) -> None:
    words = Words(language)
    assert set(FIELDS) == set(Filter.__dataclass_fields__)
    assert all(words.say(f"field_{name}") for name in FIELDS)
    assert all(words.say(f"word_{word}") for word in Word.__args__)  # type: ignore[attr-defined]


def test_the_guide_has_the_reasons_of_the_issue_in_both_languages() -> None:
    guide = load_guide()
    assert list(guide.reasons) == [
        "fabricated_fact", "pseudo_science", "unsafe_crisis", "diagnosis_medication", "boundary_dependency",
        "boilerplate", "role_swap", "reasoning_leak", "lecture_list_dump", "language_mix", "pii", "incoherent", "other",
    ]  # fmt: skip
    assert list(guide.scales) == ["empathy", "helpfulness", "realism"]
    assert len(guide.text["zh"]) == len(guide.text["en"]) > 3


def test_every_template_can_be_read() -> None:
    folder = Path(store.review.__file__).parent / "templates"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) > 10
    for name in names:
        Environment(autoescape=True).parse((folder / name).read_text(encoding="utf-8"))
