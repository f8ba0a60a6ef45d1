"""A talk from a note: how long it may be, in which order its draft goes, and where danger stands in it."""

import pytest

from agents.keywords import Keyword
from agents.note_talk import DraftLine, find_cap, find_last_sign, find_note_fault, find_order_fault
from agents.transcript import Language, Utterance


@pytest.mark.parametrize(
    ("sentences", "keywords", "cap"), [(1, 1, 3), (8, 3, 8), (4, 11, 11), (70, 5, 50), (5, 90, 50)]
)
def test_a_talk_is_as_long_as_the_note_has_sentences_or_keywords_up_to_fifty(
    sentences: int, keywords: int, cap: int
) -> None:
    named = [Keyword(kind="symptom", quote="头晕", plain="发晕")] * keywords
    assert find_cap("头晕了。" * sentences, named) == cap


@pytest.mark.parametrize(
    ("parts", "told"),
    [("shc", None), ("sshhcc", None), ("sc", None), ("hs", "symptoms, history"), ("sch", "none gone back to")],
)
def test_a_draft_does_not_go_back_to_a_part(parts: str, told: str | None) -> None:
    named = {"s": "symptoms", "h": "history", "c": "conclusion"}
    turns = [DraftLine.model_validate({"speaker": "client", "text": "嗯。", "part": named[one]}) for one in parts]
    fault = find_order_fault(turns)
    assert fault is None if told is None else told in str(fault)


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("头晕。", "a note of length 2; 40 is needed"),
        ("头晕，" * 30, None),
        ("Back pain after a fall.", "a note of length 5; 25 is needed"),
        ("Back pain after a fall on the stairs. " * 4, None),
    ],
)
def test_a_note_with_next_to_nothing_in_it_is_unfit(note: str, told: str | None) -> None:
    assert find_note_fault(note) == told


@pytest.mark.parametrize(
    ("lines", "language", "exchange"),
    [
        (("睡不着。", "嗯。"), "zh", None),
        (("睡不着。", "嗯。", "我不想活了。", "嗯。", "没事。"), "zh", 2),
        (("没意思。", "你是在想自杀吗？", "有过。"), "zh", 1),
        (("I can't sleep.", "Mm.", "I want to kill myself.", "Mm.", "It's fine."), "en", 2),
    ],
)
def test_the_last_sign_is_the_clients_own_or_a_direct_question(
    lines: tuple[str, ...], language: Language, exchange: int | None
) -> None:
    talk = [Utterance("counselor" if number % 2 else "client", text) for number, text in enumerate(lines)]
    assert find_last_sign(talk, language) == exchange
