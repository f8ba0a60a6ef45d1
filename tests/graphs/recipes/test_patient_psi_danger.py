"""Holds patient_psi to the safety of its client: no sign of danger is cut off, passed over or hurried to an end."""

import json
from typing import get_args

import pytest

from agents.patient import split_sentences
from agents.prompt import load_prompt
from agents.transcript import Language
from graphs.danger import CRISIS_EXCHANGES
from tests.graphs.test_danger import SIGNS, calm_lines, play

LANGUAGES: tuple[Language, ...] = get_args(Language)
WORDY: dict[Language, str] = {"zh": "那天我又迟到了{}回。", "en": "That day I was late {} times. "}
CRISIS_NOTE: dict[Language, str] = {"zh": "【有危险", "en": "【There are signs"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sign_in_the_last_exchange_keeps_the_talk_open_until_it_is_handed_over(language: Language) -> None:
    lines = [*calm_lines(language, 3), SIGNS[language]["active"]]
    told = play(language, {"client": lines}, "patient_psi", exchanges=4, ending="lighter", risk="none")
    assert told.state["end_reason"] == "handed_over"
    assert len(told.lines) == 2 * (4 + CRISIS_EXCHANGES)
    ending = load_prompt("client/ending", language).render(ending="lighter")
    assert CRISIS_NOTE[language] in json.dumps(told.sent["counselor"][3], ensure_ascii=False)
    later = [json.dumps(body, ensure_ascii=False) for body in told.sent["client"][4:]]
    assert [text.count(json.dumps(ending, ensure_ascii=False)[1:-1]) for text in later] == [1] * len(later)
    assert told.record.is_crisis


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sign_is_not_lost_where_a_line_is_asked_for_again_or_cut(language: Language) -> None:
    sign, long = SIGNS[language]["active"], WORDY[language]
    wordy = "".join(long.format(number) for number in range(9)) + sign
    lines = [*calm_lines(language, 1), wordy, long.format(1)]
    told = play(
        language,
        {"client": lines},
        "patient_psi",
        switches={"style": "reserved"},
        exchanges=4,
        ending="lighter",
        risk="none",
    )
    line = told.lines[2].text
    assert sign in line
    assert len(split_sentences(line)) == 3
    assert told.record.is_crisis


def test_a_planned_risk_is_told_to_the_planner_and_no_client_at_risk_is_told_how_to_end() -> None:
    told = play("zh", None, "patient_psi", exchanges=4, ending="lighter", risk="passive")
    assert "风险：有。" in json.dumps(told.sent["planner"], ensure_ascii=False)
    assert "时间快到了" not in json.dumps(told.sent["client"][-1], ensure_ascii=False)
    calm = play("zh", None, "patient_psi", exchanges=4, ending="lighter", risk="none")
    assert "风险：有。" not in json.dumps(calm.sent["planner"], ensure_ascii=False)
    assert "时间快到了" in json.dumps(calm.sent["client"][-1], ensure_ascii=False)
