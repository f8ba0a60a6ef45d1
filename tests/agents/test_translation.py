"""A translation is asked for in requests of a bearable size, and comes back without its numbers and labels."""

import pytest
from pydantic import ValidationError

from agents.brief import Brief
from agents.transcript import Utterance
from agents.translation import MOST_CHARACTERS, MOST_LINES, cut_batches, list_lines, shape_translation, unmark


def test_lines_are_dealt_out_in_order_and_no_request_is_too_large() -> None:
    texts = {number: "字" * (10 if number % 7 else 2_500) for number in range(100)}
    batches = cut_batches(list(texts), texts)
    assert [number for batch in batches for number in batch] == list(range(100))
    for batch in batches:
        assert len(batch) <= MOST_LINES
        assert sum(len(texts[number]) for number in batch) <= MOST_CHARACTERS
    assert cut_batches([3], {3: "字" * 2 * MOST_CHARACTERS}) == [[3]]
    assert cut_batches([], {}) == []


def test_a_form_takes_as_many_lines_as_were_asked_for() -> None:
    assert shape_translation(2).model_validate({"lines": ["好", ""]}).lines == ["好", ""]
    for lines in (["好"], ["好", "嗯", "行"]):
        with pytest.raises(ValidationError):
            shape_translation(2).model_validate({"lines": lines})


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("[3] 来访者：我睡不着。", "我睡不着。"),
        ("Client: I can't sleep.\n  Not at all.", "I can't sleep.\nNot at all."),
        ("  我说：不去。", "我说：不去。"),
    ],
)
def test_the_number_and_the_label_of_a_line_are_taken_off(text: str, plain: str) -> None:
    assert unmark(text) == plain


def test_a_row_gives_its_question_and_its_answer_and_a_stored_talk_its_lines() -> None:
    row = Brief("Why?", fields={"question": "Why?", "answer": "Because."})
    assert [(line.speaker, line.text) for line in list_lines(row, with_answer=True)] == [
        ("client", "Why?"),
        ("counselor", "Because."),
    ]
    assert [line.text for line in list_lines(row, with_answer=False)] == ["Why?"]
    talk = (Utterance("counselor", "Hm."), Utterance("client", "No."))
    assert list_lines(Brief("", lines=talk), with_answer=False) == talk
