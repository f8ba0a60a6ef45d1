"""What a check of speech does with a session's language, with odd characters, and with what each side may say."""

import pytest

from agents.checks.finding import Severity
from agents.checks.speech import find_language_mix, find_loop, find_template
from agents.transcript import Speaker, Utterance


def talk(*texts: str) -> list[Utterance]:
    """Return a session that the client begins."""
    return [Utterance("counselor" if number % 2 else "client", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("before", "text", "found"),
    [
        (["OK", "你接着说。", "我睡不着。"], "那先不急。", False),
        (["……", "Take your time.", "I can't sleep."], "那先不急。", True),
        (["I can't sleep.", "Mm."], "What was it like?", False),
        (["我睡不着。"], "What was it like?", True),
        (["他總是說：這樣不對。"], "這樣說，你會難過嗎？", False),
        ([], "這樣說，你會難過嗎？", False),
        (["我睡不着。"], "這樣說，你會難過嗎？", True),
    ],
)
def test_a_session_has_the_language_of_its_first_lines(before: list[str], text: str, found: bool) -> None:
    assert (find_language_mix(Utterance("counselor", text), talk(*before)) is not None) == found


@pytest.mark.parametrize(("speaker", "severity"), [("counselor", "reject"), ("client", "flag")])
def test_a_sentence_said_twice_is_graver_for_a_counselor(speaker: Speaker, severity: Severity) -> None:
    finding = find_loop(Utterance(speaker, "我在门口等了他一整夜。后来下雨了。我在门口，等了他一整夜。"), ())
    assert finding is not None
    assert (finding.rule, finding.severity) == ("loop", severity)


def test_a_short_english_sentence_may_be_said_twice() -> None:
    assert find_loop(Utterance("counselor", "He came back. You let him in. He came back."), ()) is None


@pytest.mark.parametrize("text", ["İ" * 40, "ß" * 40 + "。", "ﬁ" * 12, "①" * 30, "嗯" * 40])
def test_letters_that_change_their_number_in_small_break_no_check(text: str) -> None:
    finding = find_loop(Utterance("counselor", text), ())
    assert finding is None or finding.span[1] <= len(text)


def test_a_template_is_found_the_third_time_and_not_before() -> None:
    lines = talk("睡不着。", "听起来你很累。", "嗯。", "你多说一点。", "没什么。", "听上去很难。", "嗯。")
    assert find_template(lines[5], lines[:5]) is None
    finding = find_template(Utterance("counselor", "听起来他没有听你说。"), lines)
    assert finding is not None
    assert finding.span == (0, 3)
