"""The crisis lines: exactly the facts that were checked against their public sources, and nothing else."""

import pytest

from agents.hotlines import emergency_for, lines_for, listed_numbers, load_hotlines
from agents.transcript import Language

CHECKED = {
    ("zh-CN", "12356", "各地每日不少于18小时"),
    ("zh-CN", "010-82951332", "24小时"),
    ("zh-CN", "800-810-1117", "24小时"),
    ("zh-CN", "12355", "各地不同"),
    ("en-US", "988", "24/7"),
    ("en-GB", "116 123", "24/7"),
    ("en-IE", "116 123", "24/7"),
}
"""Locale, number and hours as their sources gave them on 2026-11-21; a new line is checked, then added here."""
EMERGENCY = {
    "zh-CN": ("110", "120"),
    "en-US": ("911",),
    "en-GB": ("999", "112"),
    "en-IE": ("112", "999"),
}


def test_the_lines_are_the_checked_ones() -> None:
    known = load_hotlines()
    assert known.checked == "2026-11-21"
    assert {(line.locale, line.number, line.hours) for line in known.lines} == CHECKED
    assert len(known.lines) == len(CHECKED)
    assert {entry.locale: entry.numbers for entry in known.emergency} == EMERGENCY


def test_every_line_has_a_name_and_a_source() -> None:
    for line in load_hotlines().lines:
        assert line.name.strip()
        assert len(line.source) > 10


@pytest.mark.parametrize(("language", "locale"), [("zh", "zh-CN"), ("en", "en-US")])
def test_a_language_has_its_usual_locale(language: Language, locale: str) -> None:
    assert lines_for(language)
    assert {line.locale for line in lines_for(language)} == {locale}
    assert lines_for(language) == lines_for(language, locale)
    assert emergency_for(language) == EMERGENCY[locale]


def test_another_locale_is_had_by_name() -> None:
    assert [line.number for line in lines_for("en", "en-IE")] == ["116 123"]
    assert emergency_for("en", "en-GB") == EMERGENCY["en-GB"]


def test_a_locale_without_a_checked_line_has_none() -> None:
    assert lines_for("en", "en-AU") == ()
    assert emergency_for("en", "en-AU") == ()


def test_the_first_chinese_line_is_the_national_one() -> None:
    assert lines_for("zh")[0].number == "12356"


def test_listed_numbers_are_digits_only() -> None:
    numbers = {number for _, number, _ in CHECKED}
    numbers |= {number for group in EMERGENCY.values() for number in group}
    assert listed_numbers() == {number.replace("-", "").replace(" ", "") for number in numbers}
    assert all(number.isdigit() for number in listed_numbers())
