"""What comes back is read wherever it stands, and what is wrong with it has a name."""

import json
from typing import Any

import pytest

from agents.answer import Usage, read_answer


def body(finish: object = "stop", usage: object = None, **message: Any) -> bytes:
    """Return the body of an answer with one choice."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    return json.dumps({"model": "served", "choices": [choice], "usage": usage}, ensure_ascii=True).encode()


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_is_split_off_whatever_field_it_came_in(field: str) -> None:
    answer = read_answer(body(content="嗯。", **{field: "我听见了。"}))
    assert (answer.content, answer.reasoning, answer.outcome) == ("嗯。", "我听见了。", "ok")


def test_reasoning_details_are_joined() -> None:
    answer = read_answer(body(content="Mm.", reasoning_details=[{"text": "one "}, {"summary": "two"}]))
    assert answer.reasoning == "one two"


@pytest.mark.parametrize(
    ("content", "said", "thought"),
    [
        ("<think>想想</think>\n\n嗯。", "嗯。", "想想"),
        ("  <think>\n想想\n</think>嗯。", "嗯。", "想想"),
        ("<think>\n\n</think>\n嗯。", "嗯。", ""),
        ("想想</think>嗯。", "嗯。", "想想"),
        ("嗯。<think> 是个标签", "嗯。<think> 是个标签", ""),
    ],
)
def test_a_leading_think_tag_is_split_off(content: str, said: str, thought: str) -> None:
    answer = read_answer(body(content=content))
    assert (answer.content, answer.reasoning) == (said, thought)


def test_thinking_that_never_ends_leaves_an_empty_answer() -> None:
    answer = read_answer(body(content="<think>还在想"))
    assert (answer.outcome, answer.content, answer.reasoning) == ("empty", "", "还在想")


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (body(content=""), "empty"),
        (body(content=None, reasoning_content="only thoughts"), "empty"),
        (body(content="     "), "empty"),
        (body(finish="length", content="半句"), "truncated"),
        (body(finish="content_filter", content=""), "filtered"),
        (body(content=None, refusal="no"), "filtered"),
        (body(finish="insufficient_system_resource", content="x"), "overloaded"),
        (body(finish="something_new", content="x"), "bad_answer"),
        (b'{"choices": []}', "bad_answer"),
        (b'{"choices": null}', "bad_answer"),
        (b'{"choices": [{}]}', "bad_answer"),
    ],
)
def test_an_unusable_answer_is_kept_with_its_outcome(data: bytes, outcome: str) -> None:
    assert read_answer(data).outcome == outcome


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<html>bad gateway</html>", "unreadable"),
        (b'{"choices": [{"mess', "unreadable"),
        (b"\xff\xfe{", "unreadable"),
        (b'"just a string"', "unreadable"),
        (b'{"error": {"code": 401, "message": "bad key"}}', "refused"),
        (b'{"error": {"code": "insufficient_quota"}}', "refused"),
        (b'{"error": {"code": 429, "message": "slow down"}}', "rate_limited"),
        (b"[" * 100_000, "unreadable"),
        (b'{"error": {"code": "context_length_exceeded"}}', "bad_request"),
        (b'{"error": {"code": 502, "message": "upstream"}}', "server"),
        (b'{"error": "what"}', "server"),
    ],
)
def test_a_body_without_an_answer_has_the_outcome_that_its_error_stands_for(data: bytes, kind: str) -> None:
    answer = read_answer(data)
    assert answer.outcome == kind
    assert answer.problem
    assert len(answer.problem) < 300


def test_what_a_database_cannot_hold_is_cleaned_away() -> None:
    raw = b'{"choices":[{"finish_reason":"stop","message":{"content":"a\\u0000b\\ud83dc"}}]}'
    assert read_answer(raw).content == "abc"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 3},
            Usage(9, 6, 5, None),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(9, 4, 5, 2),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": None}, Usage(9, None, 5, None)),
    ],
)
def test_usage_is_read_in_each_dialect_and_never_invented(usage: object, expected: Usage) -> None:
    assert read_answer(body(content="x", usage=usage)).usage == expected
