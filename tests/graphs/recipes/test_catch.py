"""Holds catch to its method: an outline, three stages grown from it, and a checked thought behind each reply."""

import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Row

from agents.outline import PARTS as OUTLINE_PARTS
from agents.outline import STAGES
from agents.planned_thought import MOST_TRIES
from agents.planned_thought import PARTS as THOUGHT_PARTS
from graphs.recipes.catch import Switches, estimate
from graphs.trace import rebuild_requests
from store.db import open_db
from taxonomy.plan import Planner
from taxonomy.schema import load_taxonomy
from tests.graphs.conftest import TAXONOMY, Factory, read_dialogues, read_rows
from tests.graphs.scripted import script
from tests.real_data import DATA
from tests.real_data import read_rows as read_data

LANGUAGES = ("zh", "en")
MARKED = (
    {
        "openness": "low",
        "conscientiousness": "high",
        "extraversion": "low",
        "agreeableness": "high",
        "neuroticism": "middle",
        "manner": "mark-manner",
    },
    {"goal": "mark-goal", "sign": "mark-sign"},
    {"internal": ["mark-internal"], "external": ["mark-external"]},
    {"solution": "mark-solution", "steps": ["mark-step"]},
)
MARKS = ("manner", "goal", "sign", "internal", "external", "solution", "step")


def name_seeds(language: str) -> Path:
    return Path(__file__).parents[1] / "seeds" / f"catch.{language}.jsonl"


def play(factory: Factory, language: str, count: int, *flags: object) -> None:
    told = factory(
        *("--recipe", "catch", "--seeds", name_seeds(language), "--language", language, "--count", count),
        *("--json", *flags),
    )
    assert told.summary["outcomes"] == {"done": count}


def read_made(dialogue: str, kind: str) -> list[Row[Any]]:
    """Return what a dialogue has of one kind of artefact, in order."""
    query = "SELECT body, call_number AS call, exchange FROM artefacts WHERE dialogue_id = :id AND kind = :kind"
    return read_rows(f"{query} ORDER BY number", id=dialogue, kind=kind)


def read_tries(dialogue: str) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """Return every writing of a part with its check, in order, by its exchange and the part's name."""
    tries, checks = defaultdict(list), {}
    for row in read_made(dialogue, "check"):
        check = json.loads(row.body)
        checks[row.exchange, check["part"], check["try"]] = check | {"call": row.call}
    for part in THOUGHT_PARTS:
        for row in read_made(dialogue, part):
            body = json.loads(row.body)
            check = checks.pop((row.exchange, part, body["try"]))
            tries[row.exchange, part].append(body | {"call": row.call, "check": check})
    assert checks == {}
    return tries


def read_lines(dialogue: str) -> list[Row[Any]]:
    query = "SELECT number, speaker, text, stage, call_number AS call FROM utterances WHERE dialogue_id = :id"
    return read_rows(f"{query} ORDER BY number", id=dialogue)


def read_calls(position: int) -> dict[int, Row[Any]]:
    query = "SELECT number, agent, content FROM calls WHERE position = :position"
    return {row.number: row for row in read_rows(query, position=position)}


def read_requests(position: int = 0) -> dict[int, tuple[str, str]]:
    """Return (role, all its text) of each call of a session, by its number."""
    calls = rebuild_requests(open_db("sqlite:///factory.db"), 1, position)
    return {
        call.number: (call.agent, "\n".join(part["content"] for part in orjson.loads(body)["messages"]))
        for call, body in calls
    }


def find_marks(text: str) -> set[str]:
    return {mark for mark in MARKS if f"mark-{mark}" in text}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_outline_three_stages_and_a_checked_thought_for_each_reply_are_stored(
    factory: Factory, language: str
) -> None:
    play(factory, language, 3, "--set", "exchanges=8")
    mended = 0
    for position, dialogue in enumerate(read_dialogues()):
        calls, requests = read_calls(position), read_requests(position)
        for part in OUTLINE_PARTS:
            [made] = read_made(dialogue, part)
            assert all(json.loads(made.body).values())
            assert calls[made.call].agent == "planner"
        lines = read_lines(dialogue)
        replies = [line for line in lines if line.speaker == "counselor"]
        stages = [line.stage for line in replies]
        assert set(stages) == set(STAGES)
        assert stages == sorted(stages, key=STAGES.index)
        assert {line.stage for line in lines if line.speaker == "client"} == {None}
        for line in lines:
            assert calls[line.call].agent == "writer"
            assert line.text in [turn["text"].strip() for turn in json.loads(calls[line.call].content)["turns"]]
        tries = read_tries(dialogue)
        assert set(tries) == {(n, part) for n in range(1, len(replies) + 1) for part in THOUGHT_PARTS}
        for (_, part), written in tries.items():
            assert [one["try"] for one in written] == list(range(1, len(written) + 1))
            for one in written:
                checker = one["check"]["call"]
                assert calls[one["call"]].agent == "adviser"
                assert (checker is None) == (part == "global_plan")
                assert checker is None or json.loads(calls[checker].content)["passes"] == one["check"]["passes"]
            for failed, again in pairwise(written):
                assert failed["check"]["passes"] is False
                assert failed["check"]["reason"] in requests[again["call"]][1]
                mended += 1
            assert written[-1]["check"]["passes"] or len(written) == MOST_TRIES
    assert mended > 0, "no check ever failed, so none was seen to have its part written again"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thought_stands_beside_its_reply_exactly_where_all_three_parts_passed(
    factory: Factory, language: str
) -> None:
    play(factory, language, 2, "--set", "exchanges=8")
    thoughts = {(row.dialogue_id, row.number): row for row in read_rows("SELECT * FROM thoughts")}
    own = 0
    for dialogue in read_dialogues():
        tries = read_tries(dialogue)
        for exchange, line in enumerate((one for one in read_lines(dialogue) if one.speaker == "counselor"), start=1):
            thought = thoughts.pop((dialogue, line.number))
            failed = [part for part in THOUGHT_PARTS if not tries[exchange, part][-1]["check"]["passes"]]
            assert bool(thought.text) != bool(thought.problem)
            assert all(part in thought.problem for part in failed)
            assert not (failed and thought.text)
            assert line.text not in (thought.text or "")
            own += bool(thought.text)
    assert thoughts == {}
    assert own > 0
    judged = read_rows("SELECT DISTINCT rubric FROM verdicts WHERE about = 'thought'")
    assert [row.rubric for row in judged] == ["reasoning"]


def test_each_part_of_the_outline_is_written_with_the_former_ones_in_sight(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "planner", lambda number, _: json.dumps(MARKED[number]))
    play(factory, "en", 1, "--set", "exchanges=4", "--set", "thought=off")
    requests = [text for agent, text in read_requests().values() if agent == "planner"]
    assert [find_marks(text) for text in requests] == [
        set(),
        {"manner"},
        {"manner", "goal", "sign"},
        {"manner", "goal", "sign", "internal", "external"},
    ]
    text = json.loads(name_seeds("en").read_text(encoding="utf-8").splitlines()[0])["text"]
    assert all(text in request for request in requests)


def test_a_stage_writer_sees_its_own_parts_and_the_talk_so_far_and_the_thinker_nothing_of_the_outline(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "planner", lambda number, _: json.dumps(MARKED[number]))
    play(factory, "en", 1, "--set", "exchanges=6")
    requests, lines = read_requests(), read_lines("1/0")
    written = {stage: next(line.call for line in lines if line.stage == stage) for stage in STAGES}
    assert [find_marks(requests[call][1]) for call in written.values()] == [
        {"manner", "goal", "sign"},
        {"manner", "internal", "external", "solution", "step"},
        set(MARKS),
    ]
    for call in written.values():
        for line in lines:
            assert (f": {line.text}" in requests[call][1]) == (line.call < call)
    assert not any(find_marks(text) for agent, text in requests.values() if agent in ("adviser", "inner_voice"))
    before = ""
    for exchange, line in enumerate((one for one in lines if one.speaker == "counselor"), start=1):
        for one in read_tries("1/0")[exchange, "memory_capture"]:
            assert line.text in before or line.text not in requests[one["call"]][1], (
                "what is known comes before the reply"
            )
            assert line.text in before or line.text not in requests[one["check"]["call"]][1]
        assert all(line.text in requests[one["call"]][1] for one in read_tries("1/0")[exchange, "global_plan"])
        before += line.text
    checked = {json.dumps(sorted(find_marks(text))) for agent, text in requests.values() if agent == "assessor"}
    assert checked == {json.dumps(sorted(MARKS)), "[]"}, "memory is held to the whole outline, strategy to none of it"


def test_without_thoughts_the_talk_is_the_same_and_nobody_thinks(factory: Factory) -> None:
    play(factory, "zh", 1)
    whole = read_dialogues()
    play(factory, "zh", 1, "--set", "thought=off", "--db", "sqlite:///off.db")
    assert read_dialogues("sqlite:///off.db") == whole
    rows = read_rows("SELECT agent, count(*) AS asked FROM calls WHERE position = 0 GROUP BY agent", "sqlite:///off.db")
    plan = Planner(load_taxonomy(TAXONOMY), 0).session_for_text(0)
    expected = {role: calls for role, calls in estimate(plan, Switches(thought="off")).items() if calls}
    assert {row.agent: row.asked for row in rows} == expected == {"planner": 4, "writer": 3, "critic": 1}
    assert read_rows("SELECT 1 FROM thoughts", "sqlite:///off.db") == []


def test_the_estimate_is_near_what_sessions_take(factory: Factory) -> None:
    play(factory, "en", 4)
    asked = {row.agent: row.asked for row in read_rows("SELECT agent, count(*) AS asked FROM calls GROUP BY agent")}
    planner, told = Planner(load_taxonomy(TAXONOMY), 0), Counter[str]()
    for position in range(4):
        told.update(estimate(planner.session_for_text(position), Switches()))
    assert set(asked) == set(told)
    assert sum(asked.values()) == pytest.approx(sum(told.values()), rel=0.25)


def test_a_part_that_never_passes_is_written_three_times_and_leaves_no_thought(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "assessor", lambda number, _: json.dumps({"passes": False, "reason": f"not so {number}"}))
    play(factory, "en", 1, "--set", "exchanges=4")
    tries = read_tries("1/0")
    assert {len(written) for (_, part), written in tries.items() if part != "global_plan"} == {MOST_TRIES}
    thoughts = read_rows("SELECT text, problem FROM thoughts")
    assert len(thoughts) == 4
    assert all(not row.text and "memory_capture: not so" in row.problem for row in thoughts)
    assert read_rows("SELECT 1 FROM calls WHERE agent = 'inner_voice'") == []


def test_a_check_that_cannot_be_read_is_no_pass(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, "assessor", lambda *_: '{"passes": "perhaps"')
    play(factory, "en", 1, "--set", "exchanges=3")
    tries = read_tries("1/0")
    unread = [written for (_, part), written in tries.items() if part != "global_plan"]
    assert {len(written) for written in unread} == {1}
    assert {written[0]["check"]["passes"] for written in unread} == {None}
    assert all(not row.text for row in read_rows("SELECT text FROM thoughts"))


def test_nobody_with_a_sign_of_danger_is_told_to_part(factory: Factory, tmp_path: Path) -> None:
    safe = json.loads(name_seeds("zh").read_text(encoding="utf-8").splitlines()[0])["text"]
    rows = [{"text": safe}, {"text": safe + "有时候我觉得活着没意思，不想活了。"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    factory("--recipe", "catch", "--seeds", "rows.jsonl", "--set", "thought=off", "--set", "exchanges=4")
    last = {}
    for position in (0, 1):
        lines = read_lines(f"1/{position}")
        last[position] = read_requests(position)[lines[-1].call][1]
    assert "散的时候来访者是这样的" in last[0]
    assert "没有人陪着就不散" not in last[0]
    assert "散的时候来访者是这样的" not in last[1]
    assert "没有人陪着就不散" in last[1]
    assert "最多9个来回" in last[1]
    assert [row.is_crisis for row in read_rows("SELECT is_crisis FROM dialogues ORDER BY position")] == [0, 1]


def test_a_text_that_tells_of_nothing_is_skipped_and_named(factory: Factory, tmp_path: Path) -> None:
    long = json.loads(name_seeds("en").read_text(encoding="utf-8").splitlines()[0])["text"]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, [{"text": "Help."}, {"text": long}])), "utf-8")
    told = factory("--recipe", "catch", "--seeds", "rows.jsonl", "--set", "thought=off", "--json")
    assert told.summary["outcomes"] == {"done": 1}
    assert "skipped 1 rows: rows.jsonl:1 a text of 5 characters" in told.out + told.err


def test_ten_real_texts_become_talks_in_three_stages(factory: Factory) -> None:
    read_data("self_descriptions_zh")
    path = DATA / "self_descriptions_zh.jsonl"
    told = factory("--recipe", "catch", "--seeds", path, "--count", 10, "--set", "thought=off", "--json")
    assert told.summary["outcomes"] == {"done": 10}
    for dialogue in read_dialogues():
        assert {line.stage for line in read_lines(dialogue)} == {*STAGES, None}
