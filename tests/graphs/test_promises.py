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
    # Three processes a case: each recipe is killed in one language by turns, in the other one with the long tests.
    pytest.param(name, language, marks=() if (turn + other) % 2 == 0 else pytest.mark.slow, id=f"{name}-{language}")
    for turn, name in enumerate(RECIPES)
    for other, language in enumerate(LANGUAGES)
]
SHORT = 4
"""Exchanges of a talk whose length is a switch: its promises do not depend on it."""


def name_seeds(recipe: str, language: str) -> tuple[str | Path, ...]:
    """Return the flags for a recipe's own kind of seed: a file of texts where it does not run on cells first."""
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
    each = sum(played.estimate(open_units(recipe, language).unit(0).plan, switches).values())
    return max(2, -(-calls // int(each)))


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
    factory("--recipe", name, "--count", count_sessions(name, "zh", 30), *name_seeds(name, "zh"))
    rebuilt = [body for _, body in rebuild_requests(open_db("sqlite:///factory.db"), 1)]
    assert len(rebuilt) >= 12
    assert sorted(rebuilt) == sorted(body for body in sent if body)


@pytest.mark.parametrize(("name", "language"), KILLED)
def test_a_run_killed_at_a_random_call_goes_on_to_the_same_dialogues(
    tmp_path: Path, name: str, language: Language
) -> None:
    count = count_sessions(name, language, 12)
    seeds = name_seeds(name, language)
    flags = ("--recipe", name, "--language", language, "--count", count, "--concurrency", 2, *seeds)
    with serve(whole := Witness()) as port:
        model = write_endpoint(tmp_path, port)
        process = start(tmp_path, *flags, "--model", model, "--db", "sqlite:///whole.db")
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    witness = Witness(kill_after=random.Random(f"{name}/{language}").randrange(4, whole.answered - 3))
    with serve(witness) as port:
        model = write_endpoint(tmp_path, port)
        witness.victim = start(tmp_path, *flags, "--model", model, "--db", "sqlite:///killed.db")
        witness.victim.communicate(timeout=60)
        assert witness.victim.returncode == -signal.SIGKILL
        stored = read_rows("SELECT count(*) FROM calls", f"sqlite:///{tmp_path}/killed.db")[0][0]
        let_lease_pass(tmp_path / "killed.db")
        witness.kill_after = None
        process = start(tmp_path, "--resume", "--db", "sqlite:///killed.db")
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    whole_db, killed_db = (f"sqlite:///{tmp_path}/{name}.db" for name in ("whole", "killed"))
    assert read_dialogues(killed_db) == read_dialogues(whole_db)
    assert read_rows("SELECT count(*) FROM calls", killed_db)[0][0] == whole.answered
    assert witness.answered - whole.answered <= 2, "more calls were repeated than were in flight"
    assert stored > 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RECIPES)
def test_a_session_run_again_on_its_ledger_makes_no_call(factory: Factory, name: str, language: Language) -> None:
    factory("--recipe", name, "--count", 2, "--language", language, *name_seeds(name, language))
    before = read_dialogues()
    hanging = (table.name for table in SQLModel.metadata.sorted_tables if "dialogue_id" in table.columns)
    with sqlite3.connect("factory.db") as db:
        for table in (*hanging, "dialogues"):
            db.execute(f"DELETE FROM {table}")
        db.execute("UPDATE runs SET status = 'interrupted'")
    told = factory("--resume", "--json")
    assert told.summary["calls"] == 0
    assert read_dialogues() == before


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
