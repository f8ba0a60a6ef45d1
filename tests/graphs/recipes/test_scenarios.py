"""A cell becomes two scenarios; one that is sound and found again blind is kept, and 480 cells give at least 423."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from agents.risk import ADULT
from agents.scenario import Scenario, tell_scenario
from agents.transcript import Language
from graphs.trace import rebuild_requests
from store.bands import SCENARIO, jaccard, list_runs, normalise
from store.db import open_db
from store.inputs import list_inputs
from taxonomy.plan import Planner
from taxonomy.schema import load_taxonomy
from tests.graphs.conftest import TAXONOMY, Factory, read_rows

LANGUAGES: tuple[Language, ...] = ("zh", "en")
COUNT = 24
WANTED = 423
"""The scenarios of PsyRoom; 57 of 480 cells may stay without one."""
MOST_OPENINGS = 0.005
"""No first line may open more of the set: taxonomy and export hold any single opening sentence to this share."""

Made = dict[str, list[dict[str, Any]]]


def read_made() -> dict[str, Made]:
    """Return the artefacts of every session, by kind."""
    made: dict[str, Made] = {}
    for row in read_rows("SELECT dialogue_id AS id, kind, body FROM artefacts ORDER BY dialogue_id, number"):
        made.setdefault(row.id, {}).setdefault(row.kind, []).append(json.loads(row.body))
    return made


def is_sound(candidate: dict[str, Any]) -> bool:
    return not any(found["severity"] == "reject" for found in candidate["findings"])


def cut(told: str) -> set[str]:
    return list_runs(normalise(told))


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_two_candidates_the_better_one_that_was_found_again_blind_is_kept(
    factory: Factory, language: Language
) -> None:
    factory("--recipe", "scenarios", "--language", language, "--count", COUNT)
    made, planner = read_made(), Planner(load_taxonomy(TAXONOMY), 0)
    rows = read_rows("SELECT id, position, kind, outcome, reason, exchanges FROM dialogues ORDER BY position")
    assert len(rows) == COUNT
    assert {row.kind for row in rows} == {"scenario"}
    for row in rows:
        plan, parts = planner.session(row.position), made[row.id]
        assert plan.cell is not None
        first, second = parts["candidate"]
        assert jaccard(cut(first["text"]), cut(second["text"])) < SCENARIO.threshold
        assert first["event"] != second["event"]
        read = {reading["candidate"]: reading for reading in parts.get("recovery", [])}
        assert sorted(read) == [each["candidate"] for each in (first, second) if is_sound(each)]
        for reading in read.values():
            guesses = [reading["first"], reading["second"]]
            found = plan.cell.emotion in guesses and reading["scene"] == plan.cell.scene
            assert reading["is_recovered"] == found
        able = [
            (read[each["candidate"]]["rank"], len(each["findings"]), each["candidate"])
            for each in (first, second)
            if each["candidate"] in read and read[each["candidate"]]["is_recovered"]
        ]
        assert (row.outcome == "done") == bool(able)
        if not able:
            assert "scenario" not in parts
            assert row.reason.startswith("candidate 1: ")
            assert "; candidate 2: " in row.reason
            continue
        (kept,) = parts["scenario"]
        assert kept["candidate"] == min(able)[2]
        chosen = parts["candidate"][kept["candidate"] - 1]
        names = Scenario.model_fields
        assert {name: kept[name] for name in names} == {name: chosen[name] for name in names}
        assert (kept["emotion"], kept["scene"], kept["risk"], kept["age"], kept["gender"]) == (
            *plan.cell, plan.risk, plan.age, plan.gender,
        )  # fmt: skip
        assert kept["text"] == tell_scenario(Scenario(**{name: kept[name] for name in names}), plan, language)
        assert plan.cell.emotion not in kept["secondary_emotions"]


def test_some_cells_fail_and_leave_nothing_to_run_on(factory: Factory) -> None:
    told = factory("--recipe", "scenarios", "--language", "en", "--count", COUNT, "--json")
    assert 0 < told.summary["outcomes"]["rejected"] < COUNT / 2
    ended = read_rows("SELECT id, outcome, end_reason FROM dialogues")
    assert {row.end_reason for row in ended if row.outcome == "rejected"} == {"rejected"}
    runnable = list_inputs(open_db("sqlite:///factory.db"), "scenario")
    assert set(runnable) <= {row.id for row in ended if row.outcome == "done"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_assessor_sees_the_scenario_and_two_shuffled_lists_and_nothing_of_the_cell(
    factory: Factory, language: Language
) -> None:
    factory("--recipe", "scenarios", "--language", language, "--count", COUNT)
    made, planner = read_made(), Planner(load_taxonomy(TAXONOMY), 0)
    rest, places = set(), []
    for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        if call.agent != "assessor":
            continue
        texts = [each["text"] for each in made[f"1/{call.position}"]["candidate"]]
        sent = "\n".join(part["content"] for part in json.loads(body)["messages"])
        shown = [text for text in texts if text in sent]
        assert len(shown) == 1
        lines = sent.replace(shown[0], "").splitlines()
        listed = [line for line in lines if line.startswith("- ") and line[2:].split("：")[0].split(":")[0].isascii()]
        rest.add("\n".join(line for line in lines if line not in listed))
        cell = planner.session(call.position).cell
        assert cell is not None
        places.append(next(n for n, line in enumerate(listed) if line.startswith(f"- {cell.emotion}")))
    assert len(rest) == 1, "beside the lists and the scenario every request says the same"
    assert len(set(places)) > COUNT / 3


def test_a_second_writing_is_shown_the_first(factory: Factory) -> None:
    factory("--recipe", "scenarios", "--count", 2)
    made = read_made()
    sent = [
        json.loads(body)
        for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1)
        if call.agent == "writer"
    ]
    lengths = Counter(len(body["messages"]) for body in sent)
    assert lengths == {2: 2, 4: 2}
    shown = {json.loads(body["messages"][2]["content"])["event"] for body in sent if len(body["messages"]) == 4}
    assert shown == {parts["candidate"][0]["event"] for parts in made.values()}


def test_planned_danger_waits_for_a_person_and_a_minors_is_lifted(factory: Factory) -> None:
    factory("--recipe", "scenarios", "--count", 60)
    planner, checked = Planner(load_taxonomy(TAXONOMY), 0), 0
    rows = read_rows("SELECT id, position, risk_tier, is_crisis, outcome FROM dialogues WHERE outcome = 'done'")
    for row in rows:
        plan = planner.session(row.position)
        assert bool(row.is_crisis) == (plan.risk != "none")
        if plan.risk != "none":
            assert plan.age is not None
            lifted = {"passive": "active", "active": "plan"}[plan.risk]
            assert row.risk_tier == (lifted if plan.age < ADULT else plan.risk)
            checked += 1
    assert checked >= 4
    assert set(list_inputs(open_db("sqlite:///factory.db"), "scenario")) == {row.id for row in rows}


def test_without_recovery_the_first_sound_candidate_is_kept_and_no_assessor_asked(factory: Factory) -> None:
    flags = ("--set", "recovery=off", "--set", "candidates=1")
    told = factory("--recipe", "scenarios", "--count", 12, *flags, "--json")
    assert told.summary["roles"]["writer"]["calls"] == 12
    assert "assessor" not in told.summary["roles"]
    for parts in read_made().values():
        assert len(parts["candidate"]) == 1
        assert ("scenario" in parts) == is_sound(parts["candidate"][0])


def test_a_scenario_written_again_is_rejected_as_a_near_copy(factory: Factory) -> None:
    factory("--recipe", "scenarios", "--count", 4)
    factory("--recipe", "scenarios", "--count", 4, "--fresh")
    copies = read_rows("SELECT dialogue_id, severity, reason FROM findings WHERE rule = 'near_copy' ORDER BY 1")
    assert [row.dialogue_id for row in copies] == ["2/0", "2/1", "2/2", "2/3"]
    assert "nearly the same as dialogue 1/0 (Jaccard 1.00" in copies[0].reason
    choices = dict(tuple(row) for row in read_rows("SELECT dialogue_id, choice FROM decisions"))
    assert {id: choice for id, choice in choices.items() if id.startswith("2/")} == dict.fromkeys(
        ["2/0", "2/1", "2/2", "2/3"], "reject"
    )
    told = factory("--stored", "scenarios:2")
    assert told.code == 2
    assert "this database has none of run 2 that nobody has rejected" in told.err


def test_what_the_estimate_says_is_what_a_run_asks(factory: Factory) -> None:
    told = factory("--recipe", "scenarios", "--count", 48, "--dry-run").out
    found = re.search(r"estimate: 48 sessions, (\d+) calls", told)
    assert found
    asked = factory("--recipe", "scenarios", "--count", 48, "--json").summary["calls"]
    assert asked == pytest.approx(int(found[1]), rel=0.06)


@pytest.mark.slow
def test_all_480_cells_give_at_least_423_distinct_scenarios(factory: Factory) -> None:
    factory("--recipe", "scenarios", "--language", "zh")
    cells = read_rows("SELECT count(DISTINCT seed_id) FROM dialogues")[0][0]
    assert cells == 480
    ids = list_inputs(open_db("sqlite:///factory.db"), "scenario")
    made = read_made()
    kept = [made[id]["scenario"][0] for id in ids]
    assert len(kept) == len({(each["emotion"], each["scene"]) for each in kept}) >= WANTED
    runs = [cut(each["text"]) for each in kept]
    nearest = max(jaccard(one, other) for one, other in combinations(runs, 2))
    assert nearest < SCENARIO.threshold
    openings = Counter(each["opening_line"] for each in kept)
    assert openings.most_common(1)[0][1] <= MOST_OPENINGS * len(kept)
    accepted = read_rows(
        "SELECT count(*) FROM decisions d JOIN dialogues s ON s.id = d.dialogue_id WHERE choice = 'accept'"
    )
    assert accepted[0][0] >= WANTED


def test_the_file_of_the_taxonomy_that_is_named_is_the_one_the_assessor_chooses_from(
    factory: Factory, tmp_path: Path
) -> None:
    text = TAXONOMY.read_text(encoding="utf-8").replace("code: L15", "code: L95").replace("L15", "L95")
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    factory("--recipe", "scenarios", "--taxonomy", "own.yaml", "--count", 1)
    for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        if call.agent == "assessor":
            assert "L95" in body.decode()
            assert "L15" not in body.decode()
