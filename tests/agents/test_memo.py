"""A talk written from a report keeps to its stages, to speech, and to what the two of them can know."""

import pytest

from agents.memo import STAGES, StagedScript, find_talk_fault
from agents.script import Script
from agents.transcript import Language

TOO_LONG = "我一到单位就心慌，" * 20


def staged(stages: str, text: str = "嗯，我在听。") -> StagedScript:
    """Return a talk by the first letters of its stages, with r, d, c and e for the end."""
    named = dict(zip("rdce", STAGES, strict=True))
    turns = [
        {"speaker": ("client", "counselor")[n % 2], "text": text if n == 2 else "嗯。", "stage": named[one]}
        for n, one in enumerate(stages)
    ]
    return StagedScript.model_validate({"turns": turns})


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ("rrrrddcccee" + "e", None),
        ("rdcceeeeee", None),
        ("rrrrddddcccc", "stages must be"),
        ("rrddrrccccee", "stages must be"),
        ("ddrrrrccccee", "stages must be"),
        ("rdcceeee", "4 exchanges; write 5 to 15"),
        ("rdce" * 8, "16 exchanges; write 5 to 15"),
    ],
)
def test_the_four_stages_come_in_order_and_none_is_left_out(stages: str, told: str | None) -> None:
    fault = find_talk_fault(staged(stages), "zh", 5, 15)
    assert fault is None if told is None else told in str(fault)


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("zh", "根据报告，你睡得不好。", "mentions the report"),
        ("zh", "你的咨询记录里写着呢。", "mentions the report"),
        ("zh", "我写了一份报告，领导没看。", None),
        ("zh", "体检报告说没事。", None),
        ("en", "According to the report, you sleep badly.", "mentions the report"),
        ("en", "It says so in your case notes.", "mentions the report"),
        ("en", "I wrote the report and he never read it.", None),
        ("zh", TOO_LONG, "line 3 is too long"),
        ("en", "I can't sleep " * 40, "line 3 is too long"),
    ],
)
def test_nobody_makes_a_speech_or_knows_of_the_report(language: Language, text: str, told: str | None) -> None:
    fault = find_talk_fault(staged("rrrddcceee", text), language, 5, 15)
    assert fault is None if told is None else told in str(fault)


def test_the_baseline_has_no_stages_and_is_held_to_the_rest() -> None:
    turns = [{"speaker": ("client", "counselor")[n % 2], "text": "嗯。"} for n in range(10)]
    assert find_talk_fault(Script.model_validate({"turns": turns}), "zh", 5, 15) is None
    turns[3]["text"] = "个案报告上说你怕黑。"
    assert "line 4 mentions" in str(find_talk_fault(Script.model_validate({"turns": turns}), "zh", 5, 15))
