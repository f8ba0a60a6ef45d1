"""A killed run goes on as if nothing had happened, and a second Ctrl-C ends one at once without losing anything."""

import signal
import time
from collections import Counter
from pathlib import Path

from tests.bench.kills import kill_runs, read_standing
from tests.witness import Witness, serve, start, write_endpoint

SESSIONS = 12
FAST_CALLS = 60
LATENCY_S = 60.0
"""Longer than the test: only a run that gives up on its calls in flight ends in time."""


def test_runs_killed_at_random_calls_lose_nothing_and_repeat_only_what_was_in_flight(tmp_path: Path) -> None:
    figures = kill_runs(tmp_path, kills=3, sessions=SESSIONS, concurrency=4)
    assert figures.kills == 3
    assert figures.sessions == SESSIONS * figures.runs
    assert figures.answered - figures.repeats == 17 * figures.sessions
    assert figures.repeats <= 4 * figures.kills
    assert figures.most_in_flight <= 4


def test_a_second_ctrl_c_ends_the_run_at_once_and_loses_nothing_committed(tmp_path: Path) -> None:
    path = tmp_path / "factory.db"
    with serve(witness := Witness(latency=LATENCY_S, slow_after=FAST_CALLS)) as port:
        model = write_endpoint(tmp_path, port)
        process = start(tmp_path, "--model", model, "--count", SESSIONS, "--concurrency", 4)
        try:
            wait_until_calls_hang(witness, 4)
            before = read_standing(path, witness.answered)
            assert before.calls.total() == before.answered >= FAST_CALLS
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            assert process.poll() is None, "the first Ctrl-C did not wait for the calls in flight"
            process.send_signal(signal.SIGINT)
            pressed = time.monotonic()
            out, told = process.communicate(timeout=30)
            waited = time.monotonic() - pressed
        finally:
            process.kill()
            witness.latency = 0.0
        assert process.returncode == 130, told
        assert waited < 5
        assert b"--resume" in out
        assert b"Traceback" not in out + told
        witness.settle()
        stopped = read_standing(path, witness.answered)
        assert before.calls <= stopped.calls
        process = start(tmp_path, "--resume")
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    end = read_standing(path, witness.answered)
    assert stopped.calls <= end.calls
    assert len(end.dialogues) == SESSIONS
    assert Counter(witness.log[stopped.answered :]) == end.calls - stopped.calls


def wait_until_calls_hang(witness: Witness, calls: int) -> None:
    """Return when so many calls wait for their answer and no other one comes."""
    deadline = time.monotonic() + 30
    while witness.answered < FAST_CALLS or witness.in_flight < calls:
        assert time.monotonic() < deadline, "the run never got as far as its slow calls"
        time.sleep(0.01)
    time.sleep(0.3)
