"""A league that is killed, and then interrupted, goes on to the end that it would have had."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.graphs.conftest import CHECKOUT, read_rows
from tests.graphs.test_league import play
from tests.witness import Witness, let_lease_pass, serve, write_endpoint

RECIPES = ("interactive", "cactus")
SESSIONS = 3
PATIENCE_S = 60.0
"""Longer than the test: calls wait for the signal, not the signal for them."""


def test_a_league_that_is_killed_and_then_interrupted_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole, struck = tmp_path / "whole", tmp_path / "struck"
    whole.mkdir()
    struck.mkdir()
    flags = ["--recipes", ",".join(RECIPES), "--sessions", SESSIONS]
    assert play(whole, *flags).code == 0
    played = count_calls(whole) - len(RECIPES) * SESSIONS
    with serve(witness := Witness(seed=3)) as port:
        model = write_endpoint(struck, port)
        # In the last of the recipes, then among the verdicts: a kill repeats at most the two calls in flight.
        killed, _ = strike(struck, witness, signal.SIGKILL, played - 5, *flags, "--model", model, "--concurrency", 2)
        assert killed == -signal.SIGKILL
        let_lease_pass(struck / "factory.db")
        code, out = strike(struck, witness, signal.SIGINT, played + 3, "--resume", "--json")
        assert (code, json.loads(out.splitlines()[-1])["stopped"]) == (130, "interrupted")
        assert b"python -m graphs.league --resume" in out
        stored, answered = count_calls(struck), witness.answered
        assert played < stored <= answered <= stored + 2
        assert play(struck, "--resume").code == 0
    assert witness.answered - answered == count_calls(struck) - stored, "what was committed was asked for again"
    query = (
        "SELECT d.recipe, d.position, u.number, u.speaker, u.text FROM utterances u"
        " JOIN dialogues d ON d.id = u.dialogue_id ORDER BY d.recipe, d.position, u.number"
    )
    said = read_rows(query, f"sqlite:///{struck}/factory.db")
    assert {(row.recipe, row.position) for row in said} == {(name, n) for name in RECIPES for n in range(SESSIONS)}
    assert said == read_rows(query, f"sqlite:///{whole}/factory.db")
    verdicts = "SELECT count(*) FROM verdicts WHERE judged_in IS NOT NULL GROUP BY dialogue_id"
    judged = [row[0] for row in read_rows(verdicts, f"sqlite:///{struck}/factory.db")]
    assert judged == [1] * len(RECIPES) * SESSIONS


def count_calls(folder: Path) -> int:
    """Return how many calls are stored."""
    count: int = read_rows("SELECT count(*) FROM calls", f"sqlite:///{folder}/factory.db")[0][0]
    return count


def strike(folder: Path, witness: Witness, blow: signal.Signals, calls: int, *flags: object) -> tuple[int, bytes]:
    """Start the command in a process of its own, and send it a signal when so many calls are answered in all."""
    witness.slow_after, witness.latency = calls, PATIENCE_S
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "graphs.league", *map(str, flags)]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        while (witness.answered < calls or not witness.in_flight) and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(blow)
        if blow == signal.SIGKILL:
            process.wait()
        witness.latency = 0.0
        out, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        witness.latency = 0.0
    witness.settle()
    return process.returncode, out
