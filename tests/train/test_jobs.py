"""Jobs are listed, shown and cancelled from a shell."""

import json
import time
from pathlib import Path

from store.db import open_db
from tests.store.test_jobs import add
from tests.train.made_jobs import (
    ask_jobs,
    is_gone,
    kill,
    launch,
    read_job,
    start_job,
    wait_for_step,
    write_config,
)
from train.job.plot import draw
from train.job.progress import show_seconds
from train.job.settle import follower_of


def test_a_job_is_listed_and_shown(place: Path) -> None:
    launch(place)
    head, line = ask_jobs(place, "list").stdout.splitlines()
    assert head.split() == ["job", "state", "model", "mix", "step", "loss", "tokens/s", "started", "took"]
    assert line.split()[:7] == ["1", "done", "Qwen/Qwen2.5-0.5B-Instruct", "little", "6/6", "0.6667", "1,000"]
    shown = ask_jobs(place, "show", 1).stdout
    job = read_job(place)
    for part in (job.output, job.shards, "1 by plain", "model_name_or_path", "loss 0.6667, eval loss 0.5", "█"):
        assert part in shown
    told = json.loads(ask_jobs(place, "show", 1, "--json").stdout)
    assert [row["step"] for row in told["metrics"]] == [1, 2, 3, 4, 5, 6]
    assert told["versions"]["trl"]
    assert job.token not in json.dumps(told) + shown
    assert job.owner not in json.dumps(told) + shown


def test_a_living_job_is_cancelled_with_all_of_its_processes(place: Path) -> None:
    write_config(place, stop_at=2, rank=True, deaf=False)
    command = start_job(place)
    job = wait_for_step(place, 2)
    told = ask_jobs(place, "cancel", 1)
    assert (told.returncode, told.stdout) == (0, "job 1 was cancelled\n"), told.stderr
    assert is_gone(job)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 130
    assert err.splitlines()[-1] == "job 1 was cancelled"
    assert (read_job(place).state, read_job(place).reason) == ("cancelled", None)
    again = ask_jobs(place, "cancel", 1)
    assert again.returncode == 2
    assert again.stderr == "job 1 is cancelled; there is nothing to cancel\n"


def test_a_detached_job_and_one_whose_follower_was_killed_are_cancelled(place: Path) -> None:
    write_config(place, stop_at=2)
    assert launch(place, "--detach").returncode == 0
    job = wait_for_step(place, 2)
    kill(follower_of(job))
    assert ask_jobs(place, "cancel", 1).stdout == "job 1 was cancelled\n"
    assert is_gone(job)
    assert read_job(place).state == "cancelled"


def test_a_job_of_another_machine_is_not_cancelled_from_here(place: Path) -> None:
    engine = open_db(f"sqlite:///{place}/factory.db")
    add(engine, state="running", heartbeat_at=time.time(), host="elsewhere")
    engine.dispose()
    told = ask_jobs(place, "cancel", 1)
    assert told.returncode == 2
    assert told.stderr == "job 1 runs on elsewhere; cancel it there\n"
    assert read_job(place).wish is None


def test_what_is_not_there_is_told_in_one_line(place: Path) -> None:
    assert "does not exist" in ask_jobs(place, "list").stderr
    open_db(f"sqlite:///{place}/factory.db").dispose()
    assert "no jobs" in ask_jobs(place, "list").stdout
    told = ask_jobs(place, "show", 3)
    assert (told.returncode, told.stderr) == (
        2, "there is no job 3 in this database; python -m train.jobs list shows them\n"
    )  # fmt: skip
    huge = ask_jobs(place, "show", 10**20)
    assert (huge.returncode, huge.stderr.partition(" in")[0]) == (2, f"there is no job {10**20}")


def test_what_a_trainer_said_steers_no_terminal(place: Path) -> None:
    engine = open_db(f"sqlite:///{place}/factory.db")
    add(engine, state="failed", reason="\x1b[2Jgone", ended_at=1.0)
    engine.dispose()
    assert "\x1b" not in ask_jobs(place, "show", 1).stdout


def test_a_curve_falls_from_its_highest_to_its_lowest() -> None:
    lines = draw([(step, float(10 - step)) for step in range(1, 9)], height=4)
    assert lines[0].startswith("        9 │█")
    assert lines[3].startswith("        2 │")
    assert lines[5].split() == ["1", "8"]
    columns = [sum(line[11 + place : 12 + place].strip() != "" for line in lines[:4]) for place in range(8)]
    assert columns == sorted(columns, reverse=True)
    assert columns[0] == 4
    assert columns[-1] == 1
    assert draw([(1, 2.0)]) == []
    assert len(draw([(1, 2.0), (2, 2.0)])) == 10


def test_durations_are_told_in_two_units() -> None:
    assert [show_seconds(s) for s in (5, 65, 3700, 90_000)] == ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]
