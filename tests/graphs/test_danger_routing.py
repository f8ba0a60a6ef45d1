"""Signs that are easily missed: in a rewrite, in a bare yes, in several lines together, where no risk node looks."""

import json

import pytest

from agents.transcript import Language
from tests.graphs.test_danger import (
    LANGUAGES,
    SIGNS,
    Told,
    calm_lines,
    play,
    waits_under_any_policy,
)

NOTE: dict[Language, str] = {"zh": "【有危险", "en": "【There are signs"}
SECRET: dict[Language, str] = {
    "zh": "这事我不会告诉任何人，你放心说吧。",
    "en": "I won't tell anyone, whatever it is.",
}
LOW: dict[Language, list[str]] = {
    "zh": ["房贷压力好大，受不了。", "做什么都没意思。", "感觉没有希望。"],
    "en": ["I feel hopeless.", "It all seems pointless.", "I hate myself."],
}
ASKED: dict[Language, str] = {
    "zh": "我直接问一句，你有想过自杀吗？",
    "en": "I'll ask outright: have you thought of killing yourself?",
}
YES: dict[Language, str] = {"zh": "有过。", "en": "Yeah."}
NO: dict[Language, str] = {"zh": "没有，就是累。", "en": "No, just tired."}
WAVED = '{"kind": "none", "level": "none", "quote": ""}'


def notes_of(told: Told) -> int:
    """Count the crisis notes that the counselor has been given by its last request."""
    asked = json.dumps(told.sent["counselor"][-1], ensure_ascii=False)
    return sum(asked.count(note) for note in NOTE.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rewrite_in_a_crisis_keeps_the_crisis_note_and_loses_the_promise(language: Language) -> None:
    lines = [*calm_lines(language, 3), SIGNS[language]["active"]]
    told = play(language, {"client": lines, "counselor": [None] * 3 + [SECRET[language]]}, exchanges=8, risk="none")
    assert SECRET[language] not in told.text_of("counselor")
    fault = next(f for f in told.record.findings if f.rule == "secrecy")
    assert (fault.exchange, fault.attempt, fault.severity) == (4, 0, "reject")
    again = json.dumps(told.sent["counselor"][4], ensure_ascii=False)
    assert NOTE[language] in again
    assert SECRET[language] in again
    chosen = next(line for line in told.lines[7:] if line.speaker == "counselor")
    assert chosen.stage == "crisis"


def test_a_counselor_who_will_not_let_go_of_the_promise_ends_the_session() -> None:
    lines = [*calm_lines("zh", 3), SIGNS["zh"]["active"]]
    promises = [f"{SECRET['zh']}第{number}次。" for number in range(3)]
    told = play("zh", {"client": lines, "counselor": [None] * 3 + promises}, exchanges=8, risk="none")
    assert told.record.outcome == "rejected"
    assert (told.record.risk_tier, told.record.is_crisis) == ("active", True)
    assert waits_under_any_policy(told.record)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_that_come_near_together_are_read_once(language: Language) -> None:
    calm = calm_lines(language, 6)
    lines = [calm[0], LOW[language][0], calm[1], *LOW[language][1:], *calm[2:]]
    told = play(language, {"client": lines}, exchanges=8, risk="none")
    assert told.record.risk_tier == "passive"
    assert notes_of(told) == 1
    assert told.lines[9].stage == "crisis"
    waved = play(language, {"client": [*lines, *LOW[language]], "risk": [WAVED]}, exchanges=10, risk="none")
    assert len(waved.sent["risk"]) == 1
    assert not waved.record.is_crisis


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bare_yes_to_a_direct_question_is_heard(language: Language) -> None:
    calm = calm_lines(language, 6)
    written = {"client": [*calm[:3], YES[language], *calm[3:]], "counselor": [None, None, ASKED[language]]}
    told = play(language, written, exchanges=8, risk="none")
    assert told.record.risk_tier == "active"
    assert told.lines[7].stage == "crisis"
    denied = play(language, written | {"client": [*calm[:3], NO[language], *calm[3:]]}, exchanges=8, risk="none")
    assert len(denied.sent["risk"]) == 1
    assert not denied.record.is_crisis


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("heard", ["sign", "low", "yes"])
def test_a_recipe_without_a_risk_node_routes_the_same_to_a_person(language: Language, heard: str) -> None:
    calm = calm_lines(language, 4)
    told_by = {"sign": [SIGNS[language]["passive"]], "low": LOW[language], "yes": [calm[0], YES[language]]}
    counselor = [ASKED[language]] if heard == "yes" else []
    written = {"client": [*told_by[heard], *calm], "counselor": counselor}
    told = play(language, written, "interactive", switches={"exchanges": 5}, risk="none")
    assert (told.record.risk_tier, told.record.is_crisis) == ("passive", True)
    assert waits_under_any_policy(told.record)
    ordinary = play(language, {"client": calm * 2}, "interactive", switches={"exchanges": 4}, risk="none")
    assert not ordinary.record.is_crisis


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plain_talk_does_not_end_on_a_farewell_to_a_sign(language: Language) -> None:
    bye = "今天就到这儿，再见。" if language == "zh" else "Let's leave it there. Goodbye."
    written = {"client": [SIGNS[language]["active"], *calm_lines(language, 3)], "counselor": [bye, None, bye]}
    told = play(language, written, "interactive", switches={"exchanges": 2}, risk="none")
    assert len(told.lines) == 4
    unhandled = next(f for f in told.record.findings if f.rule == "crisis_handled")
    assert (unhandled.exchange, unhandled.severity) == (0, "reject")
    assert told.record.decision is not None
    assert told.record.decision.choice == "reject"
