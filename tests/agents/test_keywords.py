"""Keywords stand in their note word for word, and are found in a talk as the note or as the person says them."""

import pytest
from pydantic import ValidationError

from agents.keywords import Keyword, cut_sentences, find_keyword_fault, is_said, shape_keywords, stands_in
from agents.transcript import Language

NOTE = "He felt ill at the bank. Takes 20 mg of it daily.\nNo fever, no chills; weighs 61.5 kg."


def keyword(quote: str, plain: str = "as said") -> Keyword:
    return Keyword(kind="symptom", quote=quote, plain=plain)


@pytest.mark.parametrize(
    ("words", "text", "language", "stands"),
    [
        ("ill", "I felt ill.", "en", True),
        ("ill", "I was still there.", "en", False),
        ("No fever", "There was no  FEVER, he said", "en", True),
        ("can’t sleep", "I can't sleep", "en", True),
        ("at", "at the bank", "en", False),
        ("起身时，眼前发黑", "我起身时眼前发黑。", "zh", True),
        ("头晕", "头不晕", "zh", False),
        ("晕", "头晕", "zh", False),
        ("", "anything", "en", False),
    ],
)
def test_words_are_found_as_they_are_said(words: str, text: str, language: Language, stands: bool) -> None:
    assert stands_in(words, text, language) is stands


def test_a_keyword_is_said_in_the_notes_words_or_in_the_persons() -> None:
    vertigo = keyword("orthostatic dizziness", "dizzy when I stand up")
    assert is_said(vertigo, "I get dizzy when I stand up.", "en")
    assert is_said(vertigo, "They wrote orthostatic dizziness.", "en")
    assert not is_said(vertigo, "I get dizzy.", "en")


@pytest.mark.parametrize(
    ("quotes", "told"),
    [
        (["felt ill", "No fever"], None),
        (["felt ill", "high fever"], "keywords.1.quote: 'high fever' does not stand in the note"),
        (["20 mg"], "each is a dose or too short"),
        (["of", "it"], "each is a dose or too short"),
        (["of", "felt ill"], None),
        (["20 mg", "felt ill"], None),
        (["wakes"], "keywords.0.quote"),
    ],
)
def test_a_keyword_that_the_note_does_not_hold_is_sent_back(quotes: list[str], told: str | None) -> None:
    fault = find_keyword_fault([keyword(quote) for quote in quotes], NOTE, "en")
    assert fault is None if told is None else told in str(fault)


def test_a_note_is_cut_at_its_sentences_and_not_within_a_figure() -> None:
    assert cut_sentences(NOTE) == [
        "He felt ill at the bank.",
        "Takes 20 mg of it daily.",
        "No fever, no chills;",
        "weighs 61.5 kg.",
    ]
    assert cut_sentences("头晕三个月。睡不着！查过血；没事") == ["头晕三个月。", "睡不着！", "查过血；", "没事"]
    assert cut_sentences("他是个学\n生，怕黑。\n\n家里\n三口人\n\n父亲：\n在外地") == [
        "他是个学 生，怕黑。",
        "家里 三口人",
        "父亲：",
        "在外地",
    ]
    assert cut_sentences(" \n ") == []


def test_the_form_asks_for_enough_keywords_and_for_short_ones() -> None:
    form = shape_keywords(2, 16)
    one = {"kind": "symptom", "quote": "头晕", "plain": "发晕"}
    assert len(form.model_validate({"keywords": [one, one]}).keywords) == 2
    with pytest.raises(ValidationError, match="at least 2"):
        form.model_validate({"keywords": [one]})
    with pytest.raises(ValidationError, match="at most 16"):
        form.model_validate({"keywords": [one, one | {"quote": "头晕" * 9}]})
