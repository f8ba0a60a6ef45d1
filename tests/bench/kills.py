"""Kills runs with SIGKILL at random calls, again and again, and checks that each goes on as if nothing had happened.

python -m tests.bench.kills [--kills 200] [--sessions 60] [--concurrency 16] [--seed 0] [--recipe interactive]

After every kill and at the end of every run: the database is intact, each stored dialogue is whole and stays as it
is, no committed call is lost or sent again, and no more calls are repeated than were in flight at the kills.
"""

import argparse
import json
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from graphs.trace import rebuild_requests
from store.db import open_db
from tests.witness import Witness, hash_body, let_lease_pass, serve, start, write_endpoint

EXCHANGES = 8
RUN = 1
"""Each run has a database of its own, so it is the first one there."""
CALLS_A_SESSION_TO_A_KILL = 2.5
"""Times the sessions: the most calls that a process may answer before it is killed. A run lives through about ten."""
PATIENCE_S = 120

Line = tuple[str, str, int]


@dataclass(frozen=True)
class Standing:
    """What is stored of a run at one moment, and how many calls the witness had answered by then."""

    calls: Counter[bytes]
    dialogues: dict[int, list[Line]]
    answered: int


NOTHING = Standing(Counter(), {}, 0)


@dataclass
class Figures:
    """What was seen over all runs."""

    kills: int = 0
    runs: int = 0
    sessions: int = 0
    answered: int = 0
    repeats: int = 0
    most_in_flight: int = 0


@dataclass(frozen=True)
class Trial:
    """One database run under its witness."""

    folder: Path
    name: str
    sessions: int
    concurrency: int
    recipe: str
    witness: Witness
    standings: list[Standing] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The run's database."""
        return self.folder / f"{self.name}.db"

    @property
    def url(self) -> str:
        """The run's database, as the command takes it."""
        return f"sqlite:///{self.path}"

    def list_flags(self) -> list[object]:
        """Return the flags that start the run, or go on with it once it was killed."""
        if self.standings:
            return ["--resume", "--db", self.url]
        flags: list[object] = ["--recipe", self.recipe, "--count", self.sessions, "--concurrency", self.concurrency]
        if self.recipe == "interactive":
            flags += ["--set", f"exchanges={EXCHANGES}"]
        return [*flags, "--model", self.folder / "port.yaml", "--db", self.url]

    def run_until(self, calls: int | None) -> bool:
        """Run the command until so many more calls are answered; return whether that killed it before its end."""
        self.witness.kill_after = None if calls is None else self.witness.answered + calls
        process = self.witness.victim = start(self.folder, *self.list_flags())
        try:
            _, told = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
        self.witness.settle()
        killed = process.returncode == -signal.SIGKILL
        assert killed or process.returncode == 0, f"{self.name} ended with {process.returncode}: {told.decode()}"
        self.standings.append(read_standing(self.path, self.witness.answered))
        check_progress(self.standings)
        if killed:
            let_lease_pass(self.path)
        return killed

    def check_end(self, kills: int) -> int:
        """Check the finished run; return how many calls were answered more than once for it."""
        end = self.standings[-1]
        assert len(end.dialogues) == self.sessions, f"{self.name} stored {len(end.dialogues)} of {self.sessions}"
        repeats = end.answered - end.calls.total()
        assert repeats >= 0, f"{self.name} stored {-repeats} calls that were never answered"
        limit = self.concurrency * kills
        assert repeats <= limit, f"{self.name} repeated {repeats} calls, more than the {limit} in flight at its kills"
        return repeats


def read_standing(path: Path, answered: int) -> Standing:
    """Read what a run has stored; raises AssertionError where it is damaged."""
    with closing(sqlite3.connect(path)) as db:
        verdict = db.execute("PRAGMA integrity_check").fetchall()
        assert verdict == [("ok",)], f"{path.name} is damaged: {verdict}"
        dialogues = read_lines(db)
        known = set(db.execute("SELECT position, number FROM calls WHERE run_id = ?", (RUN,)))
    for position, lines in dialogues.items():
        check_dialogue(f"dialogue {position} of {path.name}", position, lines, known)
    database = open_db(f"sqlite:///{path}")
    calls = Counter(hash_body(body) for _, body in rebuild_requests(database, RUN))
    database.dispose()
    return Standing(calls, dialogues, answered)


def read_lines(db: sqlite3.Connection) -> dict[int, list[Line]]:
    """Return the utterances of each stored dialogue, by its position."""
    dialogues: dict[int, list[Line]] = {}
    places: dict[str, int] = {}
    for key, position in db.execute("SELECT id, position FROM dialogues WHERE run_id = ?", (RUN,)):
        assert position not in dialogues, f"position {position} is stored twice"
        dialogues[position], places[key] = [], position
    for key, *line in db.execute(
        "SELECT dialogue_id, speaker, text, call_number FROM utterances ORDER BY dialogue_id, number"
    ):
        assert key in places, f"utterances of {key} are stored without their dialogue"
        dialogues[places[key]].append((line[0], line[1], line[2]))
    return dialogues


def check_dialogue(name: str, position: int, lines: list[Line], known: set[tuple[int, int]]) -> None:
    """Raise AssertionError unless client and counselor take turns, and each line's call is in the ledger."""
    assert lines, f"{name} is empty"
    for number, (speaker, said, call) in enumerate(lines):
        assert speaker == ("client", "counselor")[number % 2], f"line {number} of {name} is the {speaker}'s"
        assert said, f"line {number} of {name} is empty"
        assert (position, call) in known, f"line {number} of {name} comes from call {call}, which is not stored"


def check_progress(standings: list[Standing]) -> None:
    """Raise AssertionError where the last process lost or changed something that was stored."""
    before, now = [NOTHING, *standings][-2:]
    lost = before.calls - now.calls
    assert not lost, f"{lost.total()} committed calls are gone"
    for position, lines in before.dialogues.items():
        assert now.dialogues.get(position) == lines, f"dialogue {position} was stored and is not what it was"


def check_payments(standings: list[Standing], log: list[bytes]) -> None:
    """Raise AssertionError where a process sent a call that was committed when it started.

    A process asks for each call that is not yet stored once at most, so what it was answered of a body is no more
    than what the finished run holds of it beyond what was stored at the start.
    """
    end = standings[-1].calls
    before = NOTHING
    for now in standings:
        answered = Counter(log[before.answered : now.answered])
        again = answered - (end - before.calls)
        assert not again, f"{again.total()} calls were sent again although they were committed"
        before = now


def kill_runs(
    folder: Path, *, kills: int, sessions: int, concurrency: int, seed: int = 0, recipe: str = "interactive"
) -> Figures:
    """Start runs, kill them so many times in all, finish each, and return what was seen."""
    random, figures = Random(seed), Figures()
    most = int(sessions * CALLS_A_SESSION_TO_A_KILL)
    while figures.kills < kills:
        witness = Witness(seed=random.randrange(1 << 30))
        trial = Trial(folder, f"run-{figures.runs + 1}", sessions, concurrency, recipe, witness)
        with serve(witness) as port:
            write_endpoint(folder, port)
            before = figures.kills
            while trial.run_until(random.randint(1, most) if figures.kills < kills else None):
                figures.kills += 1
        check_payments(trial.standings, witness.log)
        figures.repeats += trial.check_end(figures.kills - before)
        figures.runs += 1
        figures.sessions += sessions
        figures.answered += witness.answered
        figures.most_in_flight = max(figures.most_in_flight, witness.most_in_flight)
    return figures


def main() -> None:
    """Run it and print the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", default="interactive")
    flags = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        figures = kill_runs(Path(folder), **vars(flags))
    told = vars(figures) | {
        "repeats_per_kill": round(figures.repeats / max(figures.kills, 1), 2),
        "violations": 0,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
