"""Holds autocbt to its method: a draft, routes and advice, a last draft, the six items on both, and an end in time."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

import agents.rehearsal.app
from agents.rehearsal.app import create_app
from agents.rehearsal.faults import send_body
from agents.supervision import SUPERVISORS, find_routing_fault
from graphs.trace import rebuild_requests
from store.db import open_db
from tests.graphs.conftest import Factory, Result, read_dialogues, read_rows
from tests.real_data import DATA
from tests.real_data import read_rows as read_data

LANGUAGES = ("zh", "en")
ITEMS = {"empathy", "identification", "challenge", "strategy", "encouragement", "relevance"}


def name_seeds(language: str) -> Path:
    return Path(__file__).parents[1] / "seeds" / f"autocbt.{language}.jsonl"


def read_made(dialogue: str, kind: str) -> list[dict[str, Any]]:
    """Return what a dialogue has of one kind of artefact, in order."""
    query = "SELECT body FROM artefacts WHERE dialogue_id = :id AND kind = :kind ORDER BY number"
    return [json.loads(row.body) for row in read_rows(query, id=dialogue, kind=kind)]


def read_requests() -> list[tuple[str, int, str]]:
    """Return (role, number, all its text) of each call of the first run, in order."""
    requests = []
    for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        text = "\n".join(part["content"] for part in orjson.loads(body)["messages"])
        requests.append((call.agent, call.number, text))
    return requests


def script_planner(monkeypatch: pytest.MonkeyPatch, *routes: list[str]) -> None:
    """Let the rehearsal planner give these routes, one after the other; everything else is as always."""
    left = list(routes)

    def create(**options: Any) -> Any:
        app = create_app(**options)

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            event = await receive()
            is_planner = orjson.loads(event["body"])["model"].endswith("-planner")
            said = orjson.dumps({"targets": left.pop(0)}).decode() if is_planner and left else None

            async def again() -> Any:
                return event | {"more_body": False}

            async def replace_answer(told: Any) -> None:
                if said is None:
                    await send(told)
                    return
                if told["type"] == "http.response.body":
                    completion = orjson.loads(told["body"])
                    completion["choices"][0]["message"]["content"] = said
                    await send_body(send, orjson.dumps(completion))

            await app(scope, again, replace_answer)

        return answer

    monkeypatch.setattr(agents.rehearsal.app, "create_app", create)


def play_one(factory: Factory, *flags: object) -> Result:
    return factory("--recipe", "autocbt", "--seeds", name_seeds("en"), "--language", "en", "--count", 1, *flags)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_becomes_a_draft_routes_advice_and_a_last_draft(factory: Factory, language: str) -> None:
    factory("--recipe", "autocbt", "--seeds", name_seeds(language), "--language", language, "--count", 6)
    questions = [json.loads(line)["question"] for line in name_seeds(language).read_text(encoding="utf-8").splitlines()]
    dialogues = read_dialogues()
    assert sorted(lines[0][1] for lines in dialogues.values()) == sorted(questions[:6])
    for dialogue, lines in dialogues.items():
        drafts, routings, advice = (read_made(dialogue, kind) for kind in ("draft", "routing", "advice"))
        assert [speaker for speaker, _, _ in lines] == ["client", "counselor"]
        assert [draft["version"] for draft in drafts] == list(range(len(routings)))
        assert lines[1][1] == drafts[-1]["text"]
        assert len(advice) >= 1
        assert [routing["targets"] for routing in routings][-1] == ["user"]
        asked = Counter(name for routing in routings[:-1] for name in routing["targets"])
        assert set(asked) <= set(SUPERVISORS)
        assert set(asked.values()) == {1}, "a supervisor was asked twice"
        assert asked == Counter(one["supervisor"] for one in advice)
        assert len(routings) <= 6
    assert {row.end_reason for row in read_rows("SELECT end_reason FROM dialogues")} == {"closed"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_draft_and_the_last_are_scored_on_the_six_items(factory: Factory, language: str) -> None:
    factory("--recipe", "autocbt", "--seeds", name_seeds(language), "--language", language, "--count", 3)
    for row in read_rows("SELECT dialogue_id AS id, rubric, scores, attempt FROM verdicts"):
        [first] = read_made(row.id, "first_verdict")
        assert first["version"] == 0 < row.attempt
        for scores in (first["verdict"]["scores"], json.loads(row.scores)):
            assert set(scores) == ITEMS
            assert all(0 <= score <= 7 for score in scores.values())
    assert len(read_rows("SELECT 1 FROM verdicts")) == 3
    judged = [text for agent, _, text in read_requests() if agent == "critic"]
    drafts = [read_made(f"1/{n}", "draft") for n in range(3)]
    for made in drafts:
        for draft in (made[0], made[-1]):
            assert any(draft["text"] in body for body in judged)


def test_the_advice_of_a_round_is_given_apart_and_reaches_the_next_draft_whole(factory: Factory) -> None:
    play_one(factory)
    requests, said = read_requests(), dict(map(tuple, read_rows("SELECT number, content FROM calls")))
    advisers = [(number, text) for agent, number, text in requests if agent == "adviser"]
    assert len(advisers) == len(SUPERVISORS)
    for number, text in advisers:
        assert not any(said[other] in text for other, _ in advisers if other != number)
    drafting = [text for agent, _, text in requests if agent == "counselor"]
    assert all(said[number] in drafting[-1] for number, _ in advisers)
    assert all(later.startswith(earlier) for earlier, later in pairwise(drafting))


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (["user", "strategy"], "answer now, or ask"),
        (["empathy"], "not again"),
        (["strategy", "strategy"], "only once"),
        ([], "nobody is named"),
        (["nobody"], "cannot be asked"),
    ],
)
def test_an_invalid_route_is_asked_for_once_more(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, route: list[str], told: str
) -> None:
    script_planner(monkeypatch, ["empathy"], route, ["challenge"], ["user"])
    play_one(factory)
    routings = read_made("1/0", "routing")
    assert [routing["targets"] for routing in routings] == [["empathy"], ["challenge"], ["user"]]
    assert len(read_rows("SELECT 1 FROM calls WHERE agent = 'planner'")) == 4
    assert sum(told in text for agent, _, text in read_requests() if agent == "planner") == 1


def test_a_route_that_stays_invalid_fails_the_session_by_name(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_planner(monkeypatch, ["user"], ["user"])
    play_one(factory)
    [row] = read_rows("SELECT outcome, error_kind FROM dialogues")
    assert tuple(row) == ("failed", "invalid_json")


def test_the_router_ends_it_when_it_sends_the_draft_to_the_user(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_planner(monkeypatch, ["strategy", "empathy"], ["user"])
    play_one(factory)
    assert [made["why"] for made in read_made("1/0", "routing")] == ["chosen", "chosen"]
    assert len(read_made("1/0", "draft")) == 2
    assert read_rows("SELECT end_reason FROM dialogues")[0][0] == "closed"


def test_the_cap_ends_it_with_a_reason_of_its_own(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    script_planner(monkeypatch, ["empathy"], ["strategy"])
    play_one(factory, "--set", "routings=3")
    assert [made["why"] for made in read_made("1/0", "routing")] == ["chosen", "chosen", "cap"]
    assert read_rows("SELECT end_reason FROM dialogues")[0][0] == "time"


def test_each_asked_singly_takes_six_routings_and_the_last_asks_no_model(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_planner(monkeypatch, *([name] for name in SUPERVISORS))
    play_one(factory)
    assert [made["why"] for made in read_made("1/0", "routing")] == ["chosen"] * 5 + ["nobody_left"]
    assert len(read_rows("SELECT 1 FROM calls WHERE agent = 'planner'")) == 5


def test_a_text_too_long_for_one_question_is_skipped_and_counted(factory: Factory, tmp_path: Path) -> None:
    rows = [{"question": "What can I do? " * 400}, {"question": "My sister stopped calling me. What can I do?"}]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = factory("--recipe", "autocbt", "--seeds", path)
    assert "too long for one question" in told.out
    assert [lines[0][1] for lines in read_dialogues().values()] == [rows[1]["question"]]


def test_real_questions_are_answered(factory: Factory) -> None:
    asked = {row["question"].split()[0] for row in read_data("counsel_chat_qa_en")}
    told = factory("--recipe", "autocbt", "--seeds", DATA / "counsel_chat_qa_en.jsonl", "--count", 10, "--json")
    assert sum(told.summary["outcomes"].values()) == 10
    assert "failed" not in told.summary["outcomes"]
    assert {lines[0][1].split()[0] for lines in read_dialogues().values()} <= asked


def test_a_fault_names_who_can_be_asked() -> None:
    assert find_routing_fault(["empathy", "challenge"], SUPERVISORS) is None
    assert find_routing_fault(["user"], (*SUPERVISORS, "user")) is None
    assert "['strategy', 'user']" in str(find_routing_fault(["empathy"], ("strategy", "user")))
