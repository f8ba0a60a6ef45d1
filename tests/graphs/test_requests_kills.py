"""Requests are carried out once: by a run that was killed and goes on, and by one of two that begin at once."""

import signal
import threading
from pathlib import Path

import pytest

from graphs.provenance import find_commit
from store.db import open_db
from store.errors import StoreError
from store.requests import KEY, hold_requests, list_open
from store.reviews import Said, say
from store.runs import PlanLine, Run
from tests.databases import make_database
from tests.graphs.conftest import Factory, read_dialogues, read_rows
from tests.witness import Witness, let_lease_pass, serve, start, write_endpoint

CONCURRENCY = 2
ASKED = (("1/0", 9), ("1/1", 6), ("1/2", 12))
CALLS = "SELECT run_id, position, agent, branch, seed, content FROM calls ORDER BY run_id, position, branch, number"


def ask_for_all(db: str) -> list[int]:
    """Ask for some dialogues again; returns the lines of the log."""
    engine = open_db(db)
    asked = (Said(dialogue_id=id, reviewer="li", word="again", number=number) for id, number in ASKED)
    lines = [say(engine, one) for one in asked]
    engine.dispose()
    return lines


@pytest.mark.parametrize("calls", [1, 40])
def test_requests_that_are_killed_go_on_to_the_end_that_they_would_have_had(
    factory: Factory, tmp_path: Path, calls: int
) -> None:
    path, whole = tmp_path / "factory.db", f"sqlite:///{tmp_path}/whole.db"
    with serve(witness := Witness(seed=5)) as port:
        model = write_endpoint(tmp_path, port)
        for db in (f"sqlite:///{path}", whole):
            assert factory("--model", model, "--count", len(ASKED), "--db", db).code == 0
            ask_for_all(db)
        assert factory("--requests", "--concurrency", CONCURRENCY, "--db", whole).code == 0
        began = witness.answered
        witness.kill_after = began + calls
        process = witness.victim = start(tmp_path, "--requests", "--concurrency", CONCURRENCY)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        witness.settle()
        let_lease_pass(path)
        held = factory("--requests")
        assert held.code == 0
        assert "request 1, 2, 3 belongs to run 2, which is unfinished; --resume 2 goes on with it" in held.out
        stored, answered = read_rows("SELECT count(*) FROM calls WHERE run_id = 2")[0][0], witness.answered
        assert stored > 0
        assert factory("--resume").code == 0
    own = "SELECT count(*) FROM calls WHERE run_id = 2 AND NOT (latency_ms = 0 AND prompt_tokens = 0)"
    paid = read_rows(own)[0][0]
    assert paid == read_rows(own, whole)[0][0]
    assert paid <= witness.answered - began <= paid + CONCURRENCY
    assert witness.answered > answered
    assert read_dialogues() == read_dialogues(whole)
    assert sorted(map(tuple, read_rows(CALLS))) == sorted(map(tuple, read_rows(CALLS, whole)))
    assert list_open(open_db(f"sqlite:///{path}")) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_two_that_begin_at_once_one_gets_the_requests(
    factory: Factory, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/factory.db"
    if kind == "postgresql":
        address = request.getfixturevalue("postgres")
        url = f"postgresql://factory@{address}/{make_database(address)}"
    assert factory("--recipe", "interactive", "--set", "exchanges=3", "--count", 3, "--db", url).code == 0
    got: list[Run] = []
    refused: list[str] = []
    for _ in range(5):
        lines = ask_for_one(url)
        barrier = threading.Barrier(4)

        def hold(lines: list[int] = lines, barrier: threading.Barrier = barrier) -> None:
            engine = open_db(url)
            barrier.wait()
            try:
                mark = {KEY: {"run": 1, "lines": lines, "draw": 1}}
                got.append(
                    hold_requests(
                        engine, PlanLine("interactive", "", 0, "requests on run 1"), lines, mark,
                        versions={}, prompts={}, git_commit=find_commit(), is_rehearsal=True,
                    )
                )  # fmt: skip
            except StoreError as error:
                refused.append(str(error))
            finally:
                engine.dispose()

        threads = [threading.Thread(target=hold) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(got), len(refused)) == (5, 15)
    assert all("taken up by another run" in line for line in refused)


def ask_for_one(db: str) -> list[int]:
    """Ask for one dialogue again; returns the line of the log."""
    engine = open_db(db)
    line = say(engine, Said(dialogue_id="1/0", reviewer="li", word="again", number=2))
    engine.dispose()
    return [line]
