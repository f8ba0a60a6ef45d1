"""Holds sudosys to its method: six steps with slots to fill, each left for a reason, and no memory but the slots."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any, get_args

import orjson
import pytest

from agents.problem_steps import STEPS, Slots, has_all, has_any
from agents.transcript import Language
from graphs.danger import CRISIS_EXCHANGES
from graphs.recipes.sudosys import MOST_LINES, Switches, estimate
from graphs.trace import rebuild_requests
from graphs.units import CellUnits
from store.db import open_db
from taxonomy.schema import load_taxonomy
from tests.graphs.conftest import TAXONOMY, Factory, Result, read_dialogues, read_rows
from tests.graphs.scripted import script
from tests.graphs.test_danger import SIGNS, calm_lines, play

LANGUAGES: tuple[Language, ...] = get_args(Language)
CRISIS_NOTE: dict[Language, str] = {"zh": "【有危险", "en": "【There are signs"}
CLOSING: dict[Language, str] = {"zh": "【收尾。", "en": "【Closing."}


def run(factory: Factory, language: Language, count: int, *flags: object) -> Result:
    return factory("--recipe", "sudosys", "--language", language, "--count", count, *flags)


def read_made(kind: str) -> dict[str, list[tuple[int, Any]]]:
    """Return (exchange, body) of one kind of artefact by dialogue, in order."""
    made: dict[str, list[tuple[int, Any]]] = {}
    query = "SELECT dialogue_id AS id, exchange, body FROM artefacts WHERE kind = :kind ORDER BY dialogue_id, number"
    for row in read_rows(query, kind=kind):
        made.setdefault(row.id, []).append((row.exchange, json.loads(row.body)))
    return made


def read_requests(role: str) -> dict[str, list[list[str]]]:
    """Return the messages of each call of a role in the first run, by dialogue, in order."""
    requests: dict[str, list[list[str]]] = {}
    for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        if call.agent == role:
            sent = [part["content"] for part in orjson.loads(body)["messages"]]
            requests.setdefault(f"1/{call.position}", []).append(sent)
    return requests


def list_slots(body: dict[str, Any]) -> list[str]:
    """Return every text in the slots of an artefact."""
    return [text for value in body["slots"].values() for text in ([value] if isinstance(value, str) else value) if text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_goes_through_the_six_steps_with_each_ones_slots_filled_and_a_reason_for_each_advance(
    factory: Factory, language: Language
) -> None:
    assert run(factory, language, 8).code == 0
    ends = {row.id: row.end_reason for row in read_rows("SELECT id, end_reason FROM dialogues")}
    slots, advances = read_made("slots"), read_made("advance")
    whole = [id for id, end in ends.items() if end == "closed"]
    assert len(whole) >= 6
    assert set(ends.values()) <= {"closed", "handed_over"}
    why = Counter[str]()
    for dialogue in whole:
        went = advances[dialogue]
        assert [(body["step"], body["to"]) for _, body in went] == list(pairwise(STEPS))
        for exchange, body in went:
            why[body["why"]] += 1
            ((_, read),) = [(at, one) for at, one in slots[dialogue] if at == exchange]
            found = Slots.model_validate(read["slots"])
            assert has_any(body["step"], found)
            assert (body["why"] == "finished") == has_all(body["step"], found, read["finished"])
            assert body["lines"] <= MOST_LINES
            assert body["why"] == "finished" or body["lines"] == MOST_LINES
        last = slots[dialogue][-1][1]["slots"]
        assert all(last[name] for name in ("problems", "problem_selected", "factors", "solutions_ok", "plans"))
        assert sum(speaker == "counselor" for speaker, _, _ in read_dialogues()[dialogue]) == went[-1][0]
    assert set(why) == {"finished", "cap"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_next_steps_requests_hold_the_slots_of_those_before(factory: Factory, language: Language) -> None:
    run(factory, language, 3)
    slots, reads, replies = read_made("slots"), read_requests("stage"), read_requests("counselor")
    compared = 0
    for dialogue, made in slots.items():
        for number, (_, body) in enumerate(made):
            assert all(text in replies[dialogue][number][-1] for text in list_slots(body))
            if number + 1 < len(made):
                assert all(text in reads[dialogue][number + 1][-1] for text in list_slots(body))
                compared += len(list_slots(body))
    assert compared > 50


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_the_talk_reader_and_counselor_see_the_last_two_lines_alone(factory: Factory, language: Language) -> None:
    run(factory, language, 3)
    ends = {row.id: row.end_reason for row in read_rows("SELECT id, end_reason FROM dialogues")}
    slots, reads, replies = read_made("slots"), read_requests("stage"), read_requests("counselor")
    checked = 0
    for dialogue, lines in read_dialogues().items():
        if ends[dialogue] != "closed":
            continue
        assert len(replies[dialogue]) == len(reads[dialogue]) == len(lines) // 2
        said = [text for _, text, _ in lines]
        for number, (reply, read) in enumerate(zip(replies[dialogue], reads[dialogue], strict=True)):
            noted = " ".join(list_slots(slots[dialogue][number][1]))
            seen = said[max(0, 2 * number - 1) : 2 * number + 1]
            for sent in (reply, read):
                assert all(text in "\n".join(sent[1:]) for text in seen)
                for text in said[: max(0, 2 * number - 1)]:
                    if len(text) >= 12 and text not in noted and not any(text in other for other in seen):
                        checked += 1
                        assert text not in "\n".join(sent[1:])
            assert len(reply) == (4 if number else 2)
    assert checked > 50


def test_malformed_json_is_repaired_once(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, "stage", lambda number, asked: '{"problems": ["work"], "fini' if number == 0 else None)
    run(factory, "en", 1)
    [row] = read_rows("SELECT outcome, end_reason FROM dialogues")
    assert tuple(row) == ("done", "closed")
    asked = len(read_rows("SELECT 1 FROM calls WHERE agent = 'stage'"))
    assert asked == 1 + len(read_made("slots")["1/0"])


@pytest.mark.parametrize(
    "garbled", ["", "not JSON at all", '{"problems": "work", "finished": true}', '{"finished": true}']
)
def test_json_that_stays_malformed_fails_the_session_and_says_nothing_empty(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, garbled: str
) -> None:
    script(monkeypatch, "stage", lambda number, asked: garbled)
    assert run(factory, "en", 1).code == 3
    [row] = read_rows("SELECT outcome, error_kind, reason FROM dialogues")
    assert (row.outcome, row.error_kind) == ("failed", "invalid_json" if garbled else "empty")
    assert row.reason.startswith("stage ")
    assert read_dialogues() == {}
    assert read_rows("SELECT 1 FROM calls WHERE agent = 'counselor'") == []


def test_a_step_that_finds_nothing_is_never_left_and_the_cap_parts_kindly(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "stage", lambda number, asked: '{"problems": [], "finished": true}')
    run(factory, "en", 1, "--set", "exchanges=6")
    [row] = read_rows("SELECT outcome, end_reason FROM dialogues")
    assert tuple(row) == ("done", "time")
    assert read_made("advance") == {}
    assert [body["step"] for _, body in read_made("slots")["1/0"]] == ["problems"] * 6
    notes = [sent[-1] for sent in read_requests("counselor")["1/0"]]
    assert [CLOSING["en"] in note for note in notes] == [False] * 5 + [True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_step_is_followed_by_a_leave_taking_with_a_kind_word(factory: Factory, language: Language) -> None:
    run(factory, language, 3)
    closed = [row.id for row in read_rows("SELECT id FROM dialogues WHERE end_reason = 'closed'")]
    assert len(closed) >= 2
    for dialogue in closed:
        notes = [sent[-1] for sent in read_requests("counselor")[dialogue]]
        assert [CLOSING[language] in note for note in notes] == [False] * (len(notes) - 1) + [True]
        plans = read_made("slots")[dialogue][-1][1]["slots"]["plans"]
        assert all(plan in notes[-1] for plan in plans)
    assert {"zh": "实在的好话", "en": "one kind thing that is true"}[language] in notes[-1]


def test_the_cap_of_a_step_is_a_switch(factory: Factory) -> None:
    run(factory, "zh", 6, "--set", "turns=1")
    advances = [body for made in read_made("advance").values() for _, body in made]
    assert {body["lines"] for body in advances} == {1}
    assert {body["why"] for body in advances} == {"finished", "cap"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_step_goes_on_while_a_person_is_in_danger(language: Language) -> None:
    lines = [*calm_lines(language, 3), SIGNS[language]["active"]]
    told = play(language, {"client": lines}, "sudosys", risk="none", ending="lighter")
    assert told.state["end_reason"] == "handed_over"
    assert len(told.lines) == 2 * (4 + CRISIS_EXCHANGES)
    assert len(told.sent["stage"]) == 3
    assert {made.exchange for made in told.record.artefacts} == {1, 2, 3}
    answers = [json.dumps(body, ensure_ascii=False) for body in told.sent["counselor"]]
    assert [CRISIS_NOTE[language] in text for text in answers] == [False] * 3 + [True] * (1 + CRISIS_EXCHANGES)
    assert lines[0] in answers[3], "the crisis talk is not blind to what was said before"
    assert {line.stage for line in told.lines[7:] if line.speaker == "counselor"} == {"crisis"}
    assert told.record.is_crisis


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sign_at_the_very_end_keeps_the_talk_open(language: Language) -> None:
    lines = [*calm_lines(language, 3), SIGNS[language]["active"]]
    told = play(language, {"client": lines}, "sudosys", switches={"exchanges": 4}, risk="none", ending="lighter")
    assert told.state["end_reason"] == "handed_over"
    assert len(told.lines) == 2 * (4 + CRISIS_EXCHANGES)
    assert not any(CLOSING[language] in json.dumps(body, ensure_ascii=False) for body in told.sent["counselor"])


def test_the_estimate_is_near_what_sessions_take(factory: Factory) -> None:
    run(factory, "zh", 8)
    units = CellUnits(load_taxonomy(TAXONOMY), TAXONOMY, 0, "zh")
    guessed: Counter[str] = Counter()
    for position in range(8):
        for role, calls in estimate(units.unit(position).plan, Switches()).items():
            guessed[role] += calls  # type: ignore[assignment]
    asked = Counter(row.agent for row in read_rows("SELECT agent FROM calls"))
    for role in ("intake", "client", "stage", "counselor", "critic"):
        assert 0.7 < asked[role] / guessed[role] < 1.4, role
