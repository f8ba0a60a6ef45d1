"""What may be the input of a run: what is accepted or waits, of the kind, the run and the language asked for."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from store.db import Database
from store.inputs import list_inputs, read_scenario
from store.records import ArtefactRecord, DecisionRecord, DialogueRecord, SeedRecord, UtteranceRecord
from store.rows import save_dialogue
from store.runs import Run
from taxonomy.refusal import InputError
from taxonomy.schema import Cell
from tests.store.test_sessions import begin

Save = Callable[..., str]
PLAN: dict[str, object] = {"risk": "none", "age": 17, "gender": "female"}
BODY = {"text": "17岁，女，高中生。上周六晚上老同桌办生日。", "intensity": 3}


@pytest.fixture
def save(database: Database) -> Save:
    """Return a function that stores a scenario, or what else is asked for, and gives its id."""
    runs: dict[str, Run] = {}
    places: list[int] = []

    def store(choice: str = "accept", run: str = "first", **changes: Any) -> str:
        runs.setdefault(run, begin(database, 9))
        places.append(len(places))
        fields: dict[str, Any] = {
            "run_id": runs[run].id, "position": places[-1], "seed": SeedRecord("cell", "envy", "L08"),
            "recipe": "scenarios", "language": "zh", "outcome": "done", "plan": PLAN, "risk_tier": "none",
            "is_crisis": False, "is_rehearsal": True, "kind": "scenario",
            "artefacts": [ArtefactRecord("candidate", 0, {"text": "x"}, 0), ArtefactRecord("scenario", 0, BODY, 0)],
            "decision": DecisionRecord("default", 2, choice, (), "{}"),
        }  # fmt: skip
        record = DialogueRecord(**(fields | changes))
        with database.begin() as db:
            save_dialogue(db, record, 0.0)
        return record.id

    return store


def test_what_is_accepted_or_waits_can_be_run_on_and_what_is_rejected_cannot(database: Database, save: Save) -> None:
    kept = [save("accept"), save("person"), save("accept", is_crisis=True, risk_tier="passive")]
    save("reject")
    save(outcome="rejected", decision=None, artefacts=[])
    save(outcome="failed", decision=None, artefacts=[])
    assert list_inputs(database, "scenario") == kept
    assert list_inputs(database, "talk") == []


def test_only_the_run_and_the_language_that_are_named_count(database: Database, save: Save) -> None:
    first, english = save(), save(language="en")
    other = save(run="second")
    assert list_inputs(database, "scenario") == [first, english, other]
    assert list_inputs(database, "scenario", language="en") == [english]
    assert list_inputs(database, "scenario", int(other.split("/")[0])) == [other]
    assert list_inputs(database, "scenario", int(other.split("/")[0]), "en") == []


def test_a_talk_is_an_input_only_where_something_was_said(database: Database, save: Save) -> None:
    said = [UtteranceRecord("client", "睡不着。", "", None, None), UtteranceRecord("counselor", "嗯。", "", None, None)]
    talk = save(kind="talk", artefacts=[], utterances=said)
    save(kind="talk", artefacts=[])
    save()
    assert list_inputs(database, "talk") == [talk]


def test_a_scenario_comes_back_with_its_cell_its_plan_and_its_parts(database: Database, save: Save) -> None:
    told = read_scenario(database, save())
    assert (told.cell, told.language, told.plan, told.parts) == (Cell("envy", "L08"), "zh", PLAN, BODY)
    assert json.loads(json.dumps(told.parts)) == BODY


def test_one_that_is_gone_is_named(database: Database) -> None:
    with pytest.raises(InputError, match="scenario 9/9 is no longer in this database"):
        read_scenario(database, "9/9")
