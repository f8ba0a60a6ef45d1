"""Each format is known by its shape, and its rows become the lines, texts and fields that they hold."""

from collections.abc import Mapping
from typing import Any

import pytest

from store.formats import FORMATS, load_format
from store.formats.dialogues import Line
from store.formats.format import Asked, BadRow, Talk
from taxonomy.refusal import InputError

TALK = (Line("client", "睡不着。"), Line("counselor", "几点醒的？", "先问"))
ROWS: Mapping[str, dict[str, Any]] = {
    "messages": {"messages": [
        {"role": "system", "content": "倾听"}, {"role": "user", "content": "睡不着。"},
        {"role": "assistant", "content": "几点醒的？", "reasoning_content": "先问"},
    ]},
    "sharegpt": {"system": "倾听", "conversations": [
        {"from": "human", "value": "睡不着。"}, {"from": "gpt", "value": "<think>先问</think>几点醒的？"},
    ]},
    "emollm": {"conversation": [
        {"system": "倾听", "input": "睡不着。", "output": "几点醒的？", "reasoning_content": "先问"},
    ]},
    "smile": {"turns": [
        {"role": "client", "content": "睡不着。"},
        {"role": "counselor", "content": "几点醒的？", "reasoning_content": "先问"},
    ]},
    "cpsycoun": {"text": "来访者：睡不着。\n\n心理咨询师：<think>先问</think>几点醒的？", "topic": "睡眠"},
    "xinjing": {"input": "睡不着。", "reasoning_content": "先问", "content": "几点醒的？", "system": "倾听"},
    "alpaca": {"instruction": "倾听", "input": "睡不着。", "output": "<think>先问</think>几点醒的？"},
    "counsel_chat": {"questionText": "睡不着。", "answerText": "<think>先问</think>几点醒的？", "topic": "睡眠",
                     "therapistInfo": "Jane Roe"},
    "clinical_notes": {"note": "失眠。", "dialogue": "Patient: 睡不着。\nDoctor: <think>先问</think>几点醒的？"},
    "case_reports": {"case_introduction": "我睡不着。", "general_info": "男，50岁。", "extra": {"diagnosis": "失眠"}},
    "lines": {"text": "我睡不着。", "labels": ["自杀未遂", "自残"]},
}  # fmt: skip
OPENED = {"system": "倾听", "question": "睡不着。", "answer": "几点醒的？"}
CASE = {"case_introduction": "我睡不着。", "general_info": "男，50岁。", "diagnosis": "失眠"}
FIELDS = {
    "messages": {"system": "倾听"},
    "sharegpt": {"system": "倾听"},
    "emollm": {"system": "倾听"},
    "smile": {},
    "cpsycoun": {"topic": "睡眠"},
    "xinjing": {"system": "倾听"},
    "alpaca": {"system": "倾听"},
    "counsel_chat": {"topic": "睡眠"},
    "clinical_notes": {"note": "失眠。"},
}
"""What stands beside the talk; who answered a question on a public page is left out."""


def test_every_format_has_a_row_here() -> None:
    assert set(ROWS) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_is_known_by_the_first_format_that_fits_it(name: str) -> None:
    fitting = [other for other in FORMATS if load_format(other).fits(ROWS[name])]
    assert fitting[0] == name


@pytest.mark.parametrize("name", FIELDS)
def test_a_dialogue_keeps_lines_reasoning_and_what_stands_beside(name: str) -> None:
    held = load_format(name).read({"id": 3, **ROWS[name]}, "dialogues")
    assert isinstance(held, Talk)
    assert (held.lines, held.fields) == (TALK, FIELDS[name])


@pytest.mark.parametrize(
    ("name", "text", "fields"),
    [
        ("messages", "睡不着。", OPENED),
        ("xinjing", "睡不着。", {**OPENED, "reasoning": "先问"}),
        ("case_reports", "我睡不着。", CASE),
        ("lines", "我睡不着。", {"text": "我睡不着。", "labels": "自杀未遂, 自残"}),
        ("clinical_notes", "失眠。", {"note": "失眠。", "dialogue": ROWS["clinical_notes"]["dialogue"]}),
    ],
)
def test_a_seed_keeps_its_text_and_the_names_recipes_know(name: str, text: str, fields: dict[str, str]) -> None:
    assert load_format(name).read({"id": 3, **ROWS[name]}, "seeds") == Asked(text, fields)


def test_a_question_keeps_its_answer_beside_it() -> None:
    held = load_format("counsel_chat").read({"title": "Sleep", "question": "Why?", "answer": "Tell me."}, "seeds")
    assert held == Asked("Why?", {"title": "Sleep", "question": "Why?", "answer": "Tell me."})
    titled = load_format("counsel_chat").read({"title": "Sleep?", "question": " ", "answer": "Tell me."}, "seeds")
    assert isinstance(titled, Asked)
    assert titled.text == "Sleep?"


def test_alpacas_history_comes_before_and_an_instruction_alone_is_the_question() -> None:
    row = {"instruction": "睡不着。", "input": "", "output": "几点醒的？", "history": [["你好", "请说"]]}
    held = load_format("alpaca").read(row, "dialogues")
    assert isinstance(held, Talk)
    assert [(line.speaker, line.text) for line in held.lines] == [
        ("client", "你好"), ("counselor", "请说"), ("client", "睡不着。"), ("counselor", "几点醒的？"),
    ]  # fmt: skip
    assert held.fields == {}


def test_nobody_has_to_speak_first_or_last_in_pairs() -> None:
    row = {"conversation": [{"input": "", "output": "请说"}, {"input": "睡不着。", "output": " "}]}
    held = load_format("emollm").read(row, "dialogues")
    assert isinstance(held, Talk)
    assert [line.text for line in held.lines] == ["请说", "睡不着。"]


def test_lists_are_read_from_a_table_and_content_in_parts() -> None:
    row = {"messages": '[{"role": "user", "content": [{"type": "text", "text": "睡不着。"}]}]'}
    held = load_format("messages").read(row, "dialogues")
    assert isinstance(held, Talk)
    assert held.lines == (Line("client", "睡不着。"),)


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("messages", {"messages": "none"}, "no list in 'messages'"),
        ("messages", {"messages": [{"role": "tool", "content": "x"}]}, "message 1 is by 'tool', neither client nor"),
        ("messages", {"messages": [{"role": "user", "content": None}]}, "message 1 has no text in 'content'"),
        ("messages", {"messages": [{"content": "x"}]}, "message 1 has no 'role'"),
        ("messages", {"messages": ["x"]}, "message 1 is no object"),
        ("emollm", {"conversation": [{"input": "x"}]}, "pair 1 has no text"),
        ("alpaca", {"instruction": "x", "output": "y", "history": [["a"]]}, "pair 1 of 'history'"),
        ("cpsycoun", {"text": "我睡不着。"}, "no line begins with the label"),
        ("clinical_notes", {"note": "x", "dialogue": "y"}, "no line of 'dialogue' begins"),
        ("xinjing", {"input": 5, "content": "y"}, "no text in 'input'"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(name: str, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRow) as told:
        load_format(name).read(row, "dialogues")
    assert reason in str(told.value)


def test_an_unknown_format_is_told_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'sharegpt'"):
        load_format("sharegtp")
