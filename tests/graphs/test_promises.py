"""What recipes promise: a blind counselor, rebuilt requests, nothing paid twice, the same dialogue after a kill."""

import json
import random
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

import agents.rehearsal.app
from agents.profile import FIELD_NAMES
from agents.transcript import Language
from graphs.config import RunConfig
from graphs.job import load_units
from graphs.recipes import RECIPES, load_recipe
from graphs.trace import rebuild_requests
from graphs.units import Units
from store.db import open_db
from tests.graphs.conftest import TAXONOMY, Factory, read_dialogues, read_rows
from tests.witness import Witness, let_lease_pass, serve, start, write_endpoint

LANGUAGES: tuple[Language, ...] = ("zh", "en")
LEAK: dict[Language, int] = {"zh": 6, "en": 24}
"""Characters of a profile that stand in a request by chance at most."""


KILLED = [
    # A process to kill for each case: each recipe in one language by turns, in the other one with the long tests.
    pytest.param(name, language, marks=() if (turn + other) % 2 == 0 else pytest.mark.slow, id=f"{name}-{language}")
    for turn, name in enumerate(RECIPES)
    for other, language in enumerate(LANGUAGES)
]
SHORT = 4
"""Exchanges of a talk whose length is a switch: its promises do not depend on it."""


def runs_on_talks(recipe: str) -> bool:
    """Tell whether a recipe's own kind of seed is a stored dialogue."""
    return load_recipe(recipe).units[0] == "dialogue"


def name_talks(language: str, count: int) -> tuple[object, ...]:
    """Return the flags of a run that stores the talks such a recipe needs."""
    return "--recipe", "interactive", "--language", language, "--count", count, *name_seeds("interactive", language)


def name_seeds(recipe: str, language: str) -> tuple[str | Path, ...]:
    """Return the flags for a recipe's own kind of seed: a file of texts where it does not run on cells first."""
    if runs_on_talks(recipe):
        return ("--stored", "dialogues:1")
    path = Path(__file__).parent / "seeds" / f"{recipe}.{language}.jsonl"
    seeds = ("--seeds", path) if path.is_file() else ()
    return (*seeds, "--set", f"exchanges={SHORT}") if list_short(recipe) else seeds


def list_short(recipe: str) -> dict[str, str]:
    """Return the switches that keep a recipe's talk short."""
    return {"exchanges": str(SHORT)} if "exchanges" in load_recipe(recipe).switches.model_fields else {}


def open_units(recipe: str, language: Language) -> Units:
    """Return the units that those flags stand for."""
    named = name_seeds(recipe, language)
    seeds = Path(named[1]) if "--seeds" in named else None
    config = RunConfig(recipe=recipe, language=language, taxonomy=TAXONOMY, seeds=seeds)
    return load_units(config, load_recipe(recipe))


def count_sessions(recipe: str, language: Language, calls: int) -> int:
    """Return how many sessions make at least so many calls."""
    played = load_recipe(recipe)
    switches = played.switches.model_validate(list_short(recipe))
    units = open_units("interactive" if runs_on_talks(recipe) else recipe, language)
    each = sum(played.estimate(units.unit(0).plan, switches).values())
    return max(2, -(-calls // int(each)))


def read_made(db: str = "sqlite:///factory.db") -> list[tuple[object, ...]]:
    """Return what the newest run has made: how each session ended, and its artefacts.

    The numbers of their calls are left out: where branches run side by side, they follow arrival.
    """
    query = (
        "SELECT d.position, d.kind, d.outcome, d.reason, d.is_crisis, a.kind, a.exchange, a.body"
        " FROM dialogues d LEFT JOIN artefacts a ON a.dialogue_id = d.id"
        " WHERE d.run_id = (SELECT max(id) FROM runs) ORDER BY d.position, a.number"
    )
    return [tuple(row) for row in read_rows(query, db)]


def count_calls(db: str) -> int:
    """Return how many calls the newest run has made."""
    calls: int = read_rows("SELECT count(*) FROM calls WHERE run_id = (SELECT max(id) FROM runs)", db)[0][0]
    return calls


def pieces(text: str, length: int) -> set[str]:
    """Return all runs of a length in a text."""
    return {text[start : start + length] for start in range(len(text) - length + 1)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in RECIPES if load_recipe(name).blind_counselor])
def test_the_counselor_sees_nothing_of_the_profile_that_was_not_said(
    factory: Factory, name: str, language: Language
) -> None:
    factory("--recipe", name, "--count", 6, "--language", language, *name_seeds(name, language))
    hidden = {
        row.id: list(json.loads(row.body).values()) for row in read_rows("SELECT dialogue_id AS id, body FROM profiles")
    }
    units = open_units(name, language)
    said = {position: " ".join(line for _, line, _ in lines) for position, lines in read_dialogues().items()}
    # A talk that was thrown away was said too, though only its artefact holds it.
    for row in read_rows("SELECT position, content FROM calls WHERE agent = 'client'"):
        said[f"1/{row.position}"] += f" {row.content}"
    database = open_db("sqlite:///factory.db")
    length, checked = LEAK[language], 0
    for call, body in rebuild_requests(database, 1):
        if call.agent != "counselor":
            continue
        dialogue = f"1/{call.position}"
        sent = body.decode()
        for value in hidden.get(dialogue, [units.unit(call.position).brief.text]):
            for piece in pieces(str(value), length):
                assert piece not in sent or piece in said[dialogue], piece
        assert not any(f"- {label}" in sent for label in FIELD_NAMES["zh"].values())
        checked += 1
    assert checked >= 6


@pytest.mark.parametrize("name", RECIPES)
def test_every_stored_request_is_rebuilt_to_the_bytes_on_the_wire(
    factory: Factory, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, run = count_sessions(name, "zh", 30), 1
    if runs_on_talks(name):
        factory(*name_talks("zh", count))
        run = 2
    sent: list[bytes] = []
    make = agents.rehearsal.app.create_app

    def create_listening_app(**options: Any) -> Any:
        app = make(**options)

        async def listen(scope: Any, receive: Any, send: Any) -> None:
            async def overhear() -> Any:
                event = await receive()
                sent.append(event.get("body", b""))
                return event

            await app(scope, overhear, send)

        return listen

    monkeypatch.setattr(agents.rehearsal.app, "create_app", create_listening_app)
    factory("--recipe", name, "--count", count, *name_seeds(name, "zh"))
    rebuilt = [body for _, body in rebuild_requests(open_db("sqlite:///factory.db"), run)]
    assert len(rebuilt) >= 12
    assert sorted(rebuilt) == sorted(body for body in sent if body)


@pytest.mark.parametrize(("name", "language"), KILLED)
def test_a_run_killed_at_a_random_call_goes_on_to_the_same_dialogues(
    factory: Factory, tmp_path: Path, name: str, language: Language
) -> None:
    count = count_sessions(name, language, 12)
    seeds = name_seeds(name, language)
    flags = ("--recipe", name, "--language", language, "--count", count, "--concurrency", 2, *seeds)
    for db in ("whole", "killed") if runs_on_talks(name) else ():
        assert factory(*name_talks(language, count), "--db", f"sqlite:///{db}.db").code == 0
    with serve(whole := Witness()) as port:
        told = factory(*flags, "--model", write_endpoint(tmp_path, port), "--db", "sqlite:///whole.db")
    assert told.code == 0, told.err
    witness = Witness(kill_after=random.Random(f"{name}/{language}").randrange(4, whole.answered - 3))
    with serve(witness) as port:
        model = write_endpoint(tmp_path, port)
        witness.victim = start(tmp_path, *flags, "--model", model, "--db", "sqlite:///killed.db")
        witness.victim.communicate(timeout=60)
        assert witness.victim.returncode == -signal.SIGKILL
        stored = count_calls(f"sqlite:///{tmp_path}/killed.db")
        let_lease_pass(tmp_path / "killed.db")
        witness.kill_after = None
        told = factory("--resume", "--db", "sqlite:///killed.db")
        assert told.code == 0, told.err
    whole_db, killed_db = (f"sqlite:///{tmp_path}/{name}.db" for name in ("whole", "killed"))
    assert read_dialogues(killed_db) == read_dialogues(whole_db)
    assert read_made(killed_db) == read_made(whole_db)
    assert count_calls(killed_db) == whole.answered
    assert witness.answered - whole.answered <= 2, "more calls were repeated than were in flight"
    assert stored > 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RECIPES)
def test_a_session_run_again_on_its_ledger_makes_no_call(factory: Factory, name: str, language: Language) -> None:
    if runs_on_talks(name):
        factory(*name_talks(language, 2))
    factory("--recipe", name, "--count", 2, "--language", language, *name_seeds(name, language))
    before, made = read_dialogues(), read_made()
    newest = "(SELECT max(id) FROM runs)"
    hanging = (table.name for table in SQLModel.metadata.sorted_tables if "dialogue_id" in table.columns)
    with sqlite3.connect("factory.db") as db:
        for table in hanging:
            db.execute(f"DELETE FROM {table} WHERE dialogue_id IN (SELECT id FROM dialogues WHERE run_id = {newest})")
        db.execute(f"DELETE FROM dialogues WHERE run_id = {newest}")
        db.execute(f"UPDATE runs SET status = 'interrupted' WHERE id = {newest}")
    told = factory("--resume", "--json")
    assert told.summary["calls"] == 0
    assert read_dialogues() == before
    assert read_made() == made


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path) -> None:
    with serve(witness := Witness()) as port:
        model = write_endpoint(tmp_path, port)
        process = start(tmp_path, "--model", model, "--count", 12, "--concurrency", 4)
        while witness.answered < 60:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=30)
        assert process.returncode == 130, told
        assert b"--resume 1" in out
        assert b"Traceback" not in told
        process = start(tmp_path, "--resume")
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    stored = read_rows("SELECT count(*) FROM calls", f"sqlite:///{tmp_path}/factory.db")[0][0]
    assert stored == witness.answered
    assert len(read_dialogues(f"sqlite:///{tmp_path}/factory.db")) == 12


def test_a_refusing_endpoint_stops_the_run_with_the_queue_intact(factory: Factory, tmp_path: Path) -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 402, "headers": []})
            await send({"type": "http.response.body", "body": b"balance is used up"})

    with serve(refuse) as port:
        told = factory("--model", write_endpoint(tmp_path, port), "--count", 5, "--json")
    assert told.code == 4
    assert "answered 402: balance is used up" in told.out
    assert told.summary["left"] == 5
    assert read_dialogues() == {}
