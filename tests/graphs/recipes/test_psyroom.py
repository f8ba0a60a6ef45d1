"""Holds psyroom to its method: a talk below the bar is begun again, with reasons for the counselor, and never lost."""

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import orjson
import pytest

import agents.rehearsal.app
from agents.rehearsal.app import create_app
from agents.rubric import load_rubric
from graphs.trace import rebuild_requests
from store.db import open_db
from tests.graphs.conftest import Factory, read_dialogues, read_rows

LANGUAGES = ("zh", "en")
BAR = 8.5
NOTED = {"zh": "督导的话", "en": "From supervision"}


def read_tries() -> dict[str, list[dict[str, Any]]]:
    """Return the tries of each dialogue, in the order in which they were made."""
    tries: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read_rows("SELECT dialogue_id AS id, body FROM artefacts WHERE kind = 'try' ORDER BY id, number"):
        tries[row.id].append(json.loads(row.body))
    return tries


def read_outcomes() -> dict[str, Any]:
    return {row.id: row for row in read_rows("SELECT id, outcome, end_reason, reason FROM dialogues")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_try_is_stored_with_its_talk_its_nine_points_and_its_calls(factory: Factory, language: str) -> None:
    factory("--recipe", "psyroom", "--count", 4, "--language", language)
    answered = {
        (f"1/{row.position}", row.number): row
        for row in read_rows("SELECT position, number, agent, content FROM calls WHERE run_id = 1")
    }
    tries, items = read_tries(), {item.id for item in load_rubric("psyroom").items}
    assert len(tries) == 4
    for dialogue, made in tries.items():
        assert [one["try"] for one in made] == list(range(1, len(made) + 1))
        for one in made:
            assert set(one["verdict"]["scores"]) == items
            assert one["points"] == sum(one["verdict"]["scores"].values()) <= 9
            assert answered[dialogue, one["verdict"]["call"]].agent == "critic"
            assert [line["speaker"] for line in one["transcript"]] == ["client", "counselor"] * 5
            for line in one["transcript"]:
                assert answered[dialogue, line["call"]].content == line["text"]
        verdicts = sum(key[0] == dialogue and row.agent == "critic" for key, row in answered.items())
        assert verdicts == len(made), "a verdict was asked for and its try is not stored"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_talk_is_begun_again_until_it_reaches_the_bar_and_never_accepted_below_it(
    factory: Factory, language: str
) -> None:
    factory("--recipe", "psyroom", "--count", 10, "--language", language)
    tries, outcomes, kept = read_tries(), read_outcomes(), read_dialogues()
    standing = {row.id: row for row in read_rows("SELECT dialogue_id AS id, scores FROM verdicts")}
    assert {row.outcome for row in outcomes.values()} == {"done", "rejected"}, "the seeds show only one side"
    for dialogue, made in tries.items():
        points = [one["points"] for one in made]
        best = made[points.index(max(points))]
        assert all(point < BAR for point in points[:-1])
        assert [(line["speaker"], line["text"]) for line in best["transcript"]] == [
            (speaker, text) for speaker, text, _ in kept[dialogue]
        ]
        assert json.loads(standing[dialogue].scores) == best["verdict"]["scores"]
        outcome = outcomes[dialogue]
        if points[-1] >= BAR:
            assert (outcome.outcome, outcome.end_reason) == ("done", "time")
        else:
            assert (outcome.outcome, outcome.end_reason, len(made)) == ("rejected", "rejected", 3)
            assert outcome.reason == f"no try of 3 reached 8.5 of 9 points; the best has {max(points):g}"
    assert len(standing) == len(read_rows("SELECT 1 FROM verdicts")) == 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_try_keeps_the_opening_and_tells_the_reasons_to_the_counselor_alone(
    factory: Factory, language: str
) -> None:
    factory("--recipe", "psyroom", "--count", 6, "--language", language)
    sent = {
        (f"1/{call.position}", call.number): (call.agent, body.decode())
        for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1)
    }
    again = 0
    for dialogue, made in read_tries().items():
        assert len({one["transcript"][0]["call"] for one in made}) == 1
        assert made[0]["told"] == []
        for one in made:
            head = json.dumps(NOTED[language], ensure_ascii=False)[1:-1]
            bodies = [sent[dialogue, line["call"]][1] for line in one["transcript"] if line["speaker"] == "counselor"]
            assert all((head in body) == bool(one["told"]) for body in bodies)
            assert all(reason in body for reason in one["told"] for body in bodies)
        for before, one in pairwise(made):
            assert one["told"][0] == before["verdict"]["reason"]
            short = [id for id, score in before["verdict"]["scores"].items() if score < 1]
            assert len(one["told"]) == 1 + len(short)
            again += 1
    assert again >= 3
    assert not any(NOTED[language] in body for agent, body in sent.values() if agent != "counselor")


def test_the_first_half_asks_and_the_rest_advises(factory: Factory) -> None:
    factory("--recipe", "psyroom", "--count", 1, "--set", "exchanges=4", "--language", "en")
    [made] = read_tries().values()
    bodies = {call.number: body.decode() for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1)}
    lines = [bodies[line["call"]] for line in made[0]["transcript"] if line["speaker"] == "counselor"]
    assert ["You have asked enough" in body for body in lines] == [False, False, True, True]
    assert ["This is your last line" in body for body in lines] == [False, False, False, True]


def test_a_verdict_that_cannot_be_read_is_no_pass(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    def create_mute_critic(**options: Any) -> Any:
        app = create_app(**options)

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            event = await receive()
            is_critic = orjson.loads(event["body"])["model"].endswith("-critic")

            async def again() -> Any:
                return event | {"more_body": False}

            async def garble(told: Any) -> None:
                if is_critic and told.get("body"):
                    told = told | {"body": told["body"].replace(b'\\"items\\"', b'\\"itens\\"')}
                await send(told)

            await app(scope, again, garble)

        return answer

    monkeypatch.setattr(agents.rehearsal.app, "create_app", create_mute_critic)
    factory("--recipe", "psyroom", "--count", 1)
    [made], [outcome] = read_tries().values(), read_outcomes().values()
    assert [(one["points"], bool(one["verdict"]["unscored"])) for one in made] == [(None, True)] * 3
    assert outcome.outcome == "rejected"
    assert outcome.reason.endswith("none could be scored")
    assert len(read_dialogues()["1/0"]) == 10
