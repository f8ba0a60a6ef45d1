"""Talks that run from stored scenarios keep to them, and what a counselor is sent holds nothing of them unsaid."""

import json
import re

import pytest

from agents.scenario import LED
from agents.transcript import Language
from graphs.recipes import load_recipe
from graphs.trace import rebuild_requests
from store.bands import normalise
from store.coverage import count_cells
from store.db import open_db
from store.dialogues import main
from store.inputs import list_inputs, read_scenario
from taxonomy.refusal import InputError
from tests.graphs.conftest import Factory, read_dialogues, read_rows
from tests.graphs.test_promises import LANGUAGES, LEAK, list_short, pieces

ON_CELLS = ("session", "interactive", "psyroom", "magnet", "cactus")
"""Recipes that run on cells, and so on scenarios."""
COUNT = 6
SENTENCE_END = re.compile(r"[。！？.!?“”\n]")


def write_scenarios(factory: Factory, language: Language, count: int = COUNT) -> list[str]:
    """Write scenarios; returns the ids of those that can be run on."""
    assert factory("--recipe", "scenarios", "--language", language, "--count", count).code == 0
    return list_inputs(open_db("sqlite:///factory.db"), "scenario")


def run_on(factory: Factory, recipe: str, count: int) -> None:
    short = [flag for name, value in list_short(recipe).items() for flag in ("--set", f"{name}={value}")]
    assert factory("--recipe", recipe, "--stored", "scenarios", "--count", count, *short).code == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("recipe", ON_CELLS)
def test_every_talk_from_a_scenario_names_it_and_is_of_its_cell_person_and_language(
    factory: Factory, recipe: str, language: Language
) -> None:
    ids = write_scenarios(factory, language)
    run_on(factory, recipe, len(ids))
    rows = read_rows(
        "SELECT d.parent_id, d.language, d.plan, d.kind, s.kind AS seed, s.emotion, s.scene, s.row_id, s.text"
        " FROM dialogues d JOIN seeds s ON s.id = d.seed_id WHERE d.run_id = 2 ORDER BY d.position"
    )
    assert [row.parent_id for row in rows] == ids
    for row in rows:
        told = read_scenario(open_db("sqlite:///factory.db"), row.parent_id)
        assert (row.kind, row.seed, row.row_id, row.text) == ("talk", "scenario", told.id, told.parts["text"])
        assert ((row.emotion, row.scene), row.language) == (told.cell, language)
        plan = json.loads(row.plan)
        assert {name: plan[name] for name in ("risk", "age", "gender")} == {
            name: told.parts[name] for name in ("risk", "age", "gender")
        }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("recipe", [name for name in ON_CELLS if load_recipe(name).blind_counselor])
def test_the_counselor_sees_nothing_of_the_scenario_that_was_not_said(
    factory: Factory, recipe: str, language: Language
) -> None:
    ids = write_scenarios(factory, language)
    run_on(factory, recipe, len(ids))
    database, length, checked = open_db("sqlite:///factory.db"), LEAK[language], 0
    said = {id: " ".join(line for _, line, _ in lines) for id, lines in read_dialogues().items()}
    # A talk that was thrown away was said too, though only its artefact holds it.
    for row in read_rows("SELECT position, content FROM calls WHERE agent = 'client' AND run_id = 2"):
        said[f"2/{row.position}"] += f" {row.content}"
    told = [read_scenario(database, id).parts["text"] for id in ids]
    for call, body in rebuild_requests(database, 2):
        if call.agent != "counselor":
            continue
        sent, heard = normalise(body.decode()), normalise(said[f"2/{call.position}"])
        sentences = [normalise(part) for part in SENTENCE_END.split(told[call.position])]
        unsaid = [piece for part in sentences for piece in pieces(part, length) if piece not in heard]
        assert not [piece for piece in unsaid if piece in sent]
        assert len(unsaid) > length
        checked += 1
    assert checked >= COUNT


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_profile_keeps_to_the_scenario(factory: Factory, language: Language) -> None:
    ids = write_scenarios(factory, language)
    run_on(factory, "session", len(ids))
    database = open_db("sqlite:///factory.db")
    profiles = read_rows("SELECT body FROM profiles p JOIN dialogues d ON d.id = p.dialogue_id ORDER BY d.position")
    assert len(profiles) == len(ids)
    for id, row in zip(ids, profiles, strict=True):
        told, profile = read_scenario(database, id).parts, json.loads(row.body)
        assert profile["age"] == told["age"]
        assert profile["situation"] in told["text"]
        assert profile["situation"][:12] == told["event"][:12]
        assert profile["hidden"] == told["hidden"]
        assert profile["surface"] == told["opening_line"]


def test_the_intake_is_sent_the_scenario_between_lines_and_nobody_else_is(factory: Factory) -> None:
    ids = write_scenarios(factory, "zh", 2)
    run_on(factory, "session", len(ids))
    database = open_db("sqlite:///factory.db")
    told = [read_scenario(database, id).parts["text"] for id in ids]
    assert all(text.splitlines()[1].startswith(LED["zh"][0]) for text in told)
    holding = {
        call.agent
        for call, body in rebuild_requests(database, 2)
        if told[call.position] in "\n".join(part["content"] for part in json.loads(body)["messages"])
    }
    assert holding == {"intake"}


def test_a_minors_scenario_gives_a_minor_and_one_with_danger_a_talk_that_waits(factory: Factory) -> None:
    ids = write_scenarios(factory, "zh", 40)
    database = open_db("sqlite:///factory.db")
    plans = {id: read_scenario(database, id).parts for id in ids}
    factory("--recipe", "interactive", "--stored", "scenarios", "--count", len(ids), "--set", "exchanges=4")
    rows = {
        row.parent_id: row for row in read_rows("SELECT parent_id, plan, is_crisis FROM dialogues WHERE run_id = 2")
    }
    minors = [id for id in ids if plans[id]["age"] < 18]
    risky = [id for id in ids if plans[id]["risk"] != "none"]
    assert minors
    assert risky
    assert all(json.loads(rows[id].plan)["age"] == plans[id]["age"] for id in minors)
    assert all(rows[id].is_crisis for id in risky)


def test_a_talk_from_a_scenario_counts_for_its_cell(factory: Factory) -> None:
    ids = write_scenarios(factory, "zh")
    run_on(factory, "interactive", len(ids))
    database = open_db("sqlite:///factory.db")
    counts = count_cells(database, "interactive", "zh", is_rehearsal=True)
    assert set(counts) == {read_scenario(database, id).cell for id in ids}
    assert all(count.accepted + count.waiting + count.rejected == 1 for count in counts.values())


def test_a_scenario_is_shown_as_it_reads(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (id, *_) = write_scenarios(factory, "zh", 2)
    told = read_scenario(open_db("sqlite:///factory.db"), id)
    monkeypatch.setattr("sys.argv", ["store.dialogues", "show", id])
    main()
    shown = capsys.readouterr().out
    assert f"{id}  scenarios (scenario), {told.cell.emotion} x {told.cell.scene}, rehearsal" in shown
    assert all(f"\n  {line}\n" in shown for line in told.parts["text"].splitlines())
    assert f"\nhidden: {told.parts['hidden']}\n" in shown


def test_a_recipe_that_takes_no_cell_takes_no_scenario(factory: Factory) -> None:
    write_scenarios(factory, "zh", 2)
    told = factory("--recipe", "smile", "--stored", "scenarios")
    assert told.code == 2
    assert "recipe 'smile' runs on text, not on a cell" in told.err


def test_an_empty_store_is_told_in_one_line(factory: Factory) -> None:
    factory("--recipe", "interactive", "--count", 1, "--set", "exchanges=2")
    told = factory("--stored", "scenarios")
    assert told.code == 2
    assert told.err.count("\n") == 1
    assert "--recipe scenarios writes them" in told.err
    assert InputError.exit_code == 2
