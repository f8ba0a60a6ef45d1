"""The glossary: terms are found in every form, the longest first, and held to in a translation."""

import pytest

from agents.glossary import find_missing, find_terms, load_glossary
from agents.transcript import Language


def find(text: str, language: Language) -> list[str]:
    return [term.zh for term in find_terms(text, language)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My therapists say I self harm after panic  attacks.", ["惊恐发作", "自伤", "治疗师"]),
        ("PTSD, and DEPRESSED again.", ["抑郁", "创伤后应激障碍"]),
        ("Cognitive-behavioral therapy helped.", ["认知行为"]),
        ("The therapeutic depressions of a landscape; a clientele.", ["抑郁"]),
        ("Nothing of the kind.", []),
    ],
)
def test_a_term_is_found_in_its_forms_and_not_within_a_longer_one(text: str, found: list[str]) -> None:
    assert find(text, "en") == found


def test_a_chinese_word_that_says_more_than_the_term_is_not_held_to() -> None:
    assert find("我去做心理治疗，治疗师说是焦虑，要多应对。", "zh") == ["焦虑", "治疗师", "心理治疗"]


def test_a_translation_must_hold_each_term_as_the_glossary_has_it() -> None:
    terms = find_terms("My counselor says it is anxiety.", "en")
    assert find_missing(terms, "咨询师说这是焦虑。", "zh") == []
    assert [term.zh for term in find_missing(terms, "顾问说这是担心。", "zh")] == ["焦虑", "咨询师"]
    back = find_terms("咨询师说这是焦虑。", "zh")
    assert find_missing(back, "The counsellor says I'm anxious.", "en") == []
    assert [term.zh for term in find_missing(back, "The adviser says I worry.", "en")] == ["焦虑", "咨询师"]


def test_no_form_stands_for_two_terms_and_every_term_is_found_as_it_is_written() -> None:
    glossary = load_glossary()
    forms = [form.lower().replace("-", " ") for term in glossary.terms for form in term.en]
    assert len(forms) == len(set(forms))
    for term in glossary.terms:
        assert term in find_terms(f"It is {term.word('en')} again.", "en")
        assert term.one_way or term in find_terms(f"又是{term.word('zh')}。", "zh")
