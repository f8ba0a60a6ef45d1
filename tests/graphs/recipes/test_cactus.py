"""CACTUS: a technique and a plan before a talk of ten exchanges or more, and two scales scored apart."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from agents.cbt_plan import Technique
from agents.intake_form import Manner
from agents.transcript import Language
from graphs.recipes.cactus import FEWEST_EXCHANGES
from graphs.trace import rebuild_requests
from store.db import open_db
from tests.graphs.conftest import Factory, read_dialogues, read_rows

LANGUAGES: tuple[Language, ...] = get_args(Language)
MANNERS: tuple[Manner, ...] = get_args(Manner)
SEEDS = Path(__file__).parents[1] / "seeds"
CLIENTS = 4
LEAK: dict[Language, int] = {"zh": 6, "en": 24}
"""Characters of a form that stand in a request by chance at most."""


def play_clients(factory: Factory, language: Language, *switches: str) -> None:
    """Run the four clients of the file once in each attitude: one run an attitude."""
    for manner in MANNERS:
        given = [flag for switch in (f"attitude={manner}", *switches) for flag in ("--set", switch)]
        seeds = SEEDS / f"cactus.{language}.jsonl"
        told = factory("--recipe", "cactus", "--seeds", seeds, "--language", language, "--fresh", *given, "--json")
        assert told.summary["outcomes"] == {"done": CLIENTS}, told.out + told.err


def read_artefacts(kind: str) -> dict[str, Any]:
    """Return the body of the one artefact of a kind in each dialogue."""
    rows = read_rows("SELECT dialogue_id AS id, body FROM artefacts WHERE kind = :kind", kind=kind)
    bodies = {row.id: json.loads(row.body) for row in rows}
    assert len(bodies) == len(rows)
    return bodies


@pytest.mark.parametrize("language", LANGUAGES)
def test_four_clients_in_three_attitudes_come_through_with_technique_plan_and_ten_exchanges(
    factory: Factory, language: Language
) -> None:
    play_clients(factory, language)
    plans, forms = read_artefacts("plan"), read_artefacts("intake")
    rows = read_rows("SELECT id, exchanges, end_reason FROM dialogues")
    assert len(rows) == len(plans) == len(forms) == CLIENTS * len(MANNERS)
    for row in rows:
        assert plans[row.id]["technique"] in get_args(Technique)
        assert plans[row.id]["plan"]
        assert row.exchanges >= FEWEST_EXCHANGES
        assert row.end_reason == "closed"
        assert len(forms[row.id]) == 7, "six sections and the attitude"
        assert all(forms[row.id].values())
    assert Counter(form["attitude"] for form in forms.values()) == dict.fromkeys(MANNERS, CLIENTS)
    for lines in read_dialogues().values():
        speakers = [speaker for speaker, _, _ in lines]
        assert speakers == ["client", "counselor"] * (len(lines) // 2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_items_and_affect_before_and_after_are_stored_apart_with_judge_and_version(
    factory: Factory, language: Language
) -> None:
    factory("--recipe", "cactus", "--count", 3, "--language", language)
    rows = read_rows("SELECT dialogue_id AS id, rubric, version, model, scores FROM verdicts ORDER BY id, number")
    assert [(row.id, row.rubric) for row in rows] == [
        (f"1/{at}", name) for at in range(3) for name in ("ctrs", "panas")
    ]
    assert all(row.model == "rehearsal-critic" and row.version == 1 for row in rows)
    ctrs, panas = (json.loads(row.scores) for row in rows[:2])
    assert set(ctrs) == {
        "understanding", "interpersonal", "collaboration", "guided_discovery", "focus", "strategy",
    }  # fmt: skip
    assert Counter(item.split(".")[0] for item in panas) == {"before": 20, "after": 20}


def test_one_call_writes_the_whole_talk_from_form_attitude_and_plan(factory: Factory) -> None:
    factory("--recipe", "cactus", "--count", 3)
    branches = Counter(row.branch for row in read_rows("SELECT branch FROM calls"))
    assert branches == {"intake": 3, "planner": 3, "writer": 3, "critic": 9}
    plans, forms = read_artefacts("plan"), read_artefacts("intake")
    shown = 0
    for call, _ in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        sent, dialogue = call.messages[-1][1], f"1/{call.position}"
        if call.agent == "writer":
            shown += 1
            assert all(value in sent for value in forms[dialogue].values())
            assert all(value in sent for value in plans[dialogue].values())
        if call.agent == "planner":
            assert forms[dialogue]["reason"] in sent
            assert forms[dialogue]["presenting_problem"] not in sent
    assert shown == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_turns_the_counselor_works_from_reason_plan_and_talk_and_the_client_from_the_whole_form(
    factory: Factory, language: Language
) -> None:
    play_clients(factory, language, "mode=session", "exchanges=2", "critic=off")
    plans, forms = read_artefacts("plan"), read_artefacts("intake")
    dialogues = read_dialogues()
    assert len(dialogues) == CLIENTS * len(MANNERS)
    assert {row.end_reason for row in read_rows("SELECT end_reason FROM dialogues")} == {"time"}
    seen: Counter[str] = Counter()
    told: dict[Manner, set[str]] = {}
    for run in range(1, len(MANNERS) + 1):
        for call, _ in rebuild_requests(open_db("sqlite:///factory.db"), run):
            dialogue = f"{run}/{call.position}"
            sent, form = "\n".join(text for _, text in call.messages), forms[dialogue]
            said = " ".join(text for _, text, _ in dialogues[dialogue])
            seen[call.agent] += 1
            if call.agent == "client":
                assert all(value in sent for key, value in form.items() if key != "attitude")
                told.setdefault(form["attitude"], set()).add(
                    sent.partition("\n- ")[2].partition(form["demographics"])[0]
                )
            if call.agent == "counselor":
                assert form["reason"] in sent
                assert plans[dialogue]["plan"] in sent
            if call.agent in ("counselor", "planner"):
                problem, length = form["presenting_problem"], LEAK[language]
                pieces = (problem[at : at + length] for at in range(len(problem) - length + 1))
                assert [piece for piece in pieces if piece in sent and piece not in said] == []
    assert [len(heads) for heads in told.values()] == [1, 1, 1], "an attitude is worded the same for every client"
    assert len(set.union(*told.values())) == len(MANNERS)
    assert seen["planner"] == CLIENTS * len(MANNERS)
    assert seen["client"] == seen["counselor"] >= 2 * CLIENTS * len(MANNERS)
    assert seen["critic"] == seen["writer"] == 0
