"""A cron line starts one job when a mix has grown enough, whoever else asks at the same moment."""

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.db import Database, open_db
from store.export.manifest import verify
from store.jobs import NO_SHARDS, find_triggered, list_jobs
from taxonomy.refusal import InputError
from tests.store.export.stored import keep_talks, write_mix
from tests.store.test_jobs import add
from tests.train.made_jobs import ask_jobs, cleaned_up, run, start, wait_for, write_config
from train.job.place import PROC
from train.trigger import count_dialogues, fill


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder with a mix and a configuration."""
    write_mix(tmp_path, name="grown")
    write_config(tmp_path, steps=2)
    with cleaned_up(tmp_path):
        yield tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, place: Path) -> str:
    """Return the URL of a database that is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{place}/factory.db"
    from tests.databases import make_database

    address = request.getfixturevalue("postgres")
    return f"postgresql://factory:pw4test@{address}/{make_database(address)}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Yield the database of the URL."""
    engine = open_db(url)
    yield engine
    engine.dispose()


def ask(place: Path, url: str, wanted: int, *flags: object) -> Any:
    """Start what a cron line starts."""
    words = ("--trigger", "mix.yaml", wanted, "--config", "train.yaml", "--accelerate", "plain", "--nproc", 1)
    return start(place, *words, *flags, DATABASE_URL=url)


def finish(command: Any) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of a command."""
    out, err = command.communicate(timeout=120)
    return command.returncode, out, err


def test_a_job_starts_when_the_mix_has_grown_enough(place: Path, url: str, database: Database) -> None:
    chance = random.Random(1)
    keep_talks(database, 6, chance)
    code, out, err = finish(ask(place, url, 10))
    assert (code, out) == (0, "mix grown: 6 accepted dialogues so far, 4 are missing\n"), err
    assert list_jobs(database) == []
    keep_talks(database, 5, chance)
    code, out, err = finish(ask(place, url, 10, "--out", "cron"))
    assert code == 0, err
    (job,) = list_jobs(database)
    assert (job.state, job.trigger_mix, job.trigger_count, job.mix) == ("done", "grown", 11, "grown")
    assert Path(job.shards) == place / "cron/1/shards"
    assert verify(Path(job.shards))["rows"] == 11
    assert json.loads(job.shard_hashes)
    assert Path(job.output) == place / "cron/1/model"
    assert "pw4test" not in out + err + json.dumps(job.model_dump())
    keep_talks(database, 9, chance)
    code, out, _ = finish(ask(place, url, 10))
    assert (code, out) == (0, "mix grown: 9 accepted dialogues since job 1, 1 are missing\n")
    keep_talks(database, 1, chance)
    assert finish(ask(place, url, 10, "--out", "cron"))[0] == 0
    assert [(job.trigger_after, job.trigger_count) for job in list_jobs(database)] == [(1, 21), (0, 11)]


def test_of_two_cron_lines_at_once_one_starts_a_job(place: Path, url: str, database: Database) -> None:
    keep_talks(database, 4, random.Random(2))
    commands = [ask(place, url, 4) for _ in range(3)]
    told = [finish(command) for command in commands]
    assert [code for code, _, _ in told] == [0, 0, 0], told
    assert len(list_jobs(database)) == 1
    quiet = [out for _, out, _ in told if "is done" not in out]
    assert len(quiet) == 2
    assert all("another process" in out or "is still" in out or "since job 1" in out for out in quiet)


def test_while_its_last_job_trains_a_mix_triggers_none(place: Path) -> None:
    url = f"sqlite:///{place}/factory.db"
    database = open_db(url)
    keep_talks(database, 2, random.Random(3))
    write_config(place, stop_at=1)
    assert finish(ask(place, url, 2, "--detach"))[0] == 0
    keep_talks(database, 2, random.Random(4))
    code, out, _ = finish(ask(place, url, 2))
    assert code == 0
    assert out.startswith("mix grown: job 1, which it triggered last, is still ")
    database.dispose()


def test_an_export_that_fails_leaves_a_failed_job_with_its_reason(place: Path) -> None:
    url = f"sqlite:///{place}/factory.db"
    database = open_db(url)
    job = add(database, trigger_mix="grown", trigger_after=0, trigger_count=3)
    (place / str(job.id)).mkdir()
    with pytest.raises(InputError, match=r"gone\.yaml"):
        fill(database, url, job, place / "gone.yaml", place)
    (failed,) = list_jobs(database)
    assert failed.state == "failed"
    assert "gone.yaml" in (failed.reason or "")
    assert failed.folder == str(place / f"{job.id}-{job.owner[:6]}"), "the folder of another database is left alone"
    assert (place / str(job.id)).is_dir()
    assert not Path(failed.folder).exists()
    assert find_triggered(database, "grown") == failed
    database.dispose()


def test_dialogues_are_counted_as_the_mix_takes_them(place: Path) -> None:
    from store.mix import load_mix

    database = open_db(f"sqlite:///{place}/factory.db")
    keep_talks(database, 5, random.Random(6))
    keep_talks(database, 3, random.Random(6))
    assert count_dialogues(database, load_mix(write_mix(place, dedup="exact"))) == 5
    assert count_dialogues(database, load_mix(write_mix(place, dedup="none"))) == 8
    database.dispose()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--trigger", "mix.yaml", "few"), "--trigger mix.yaml few: a whole number of dialogues is wanted"),
        (("--trigger", "mix.yaml", "0"), "a whole number of dialogues is wanted"),
        (("--trigger", "mix.yaml", "²"), "a whole number of dialogues is wanted"),
        (("--trigger", "mix.yaml", "9" * 5000), "a whole number of dialogues is wanted"),
        (("--shards", "x"), "--trigger exports its own shards"),
        (("--out", "train.yaml"), "--out train.yaml: is no folder"),
        (("--trigger", "gone", "3"), "gone"),
    ],
)
def test_a_wrong_cron_line_is_refused_in_one_line(place: Path, flags: Any, expected: str) -> None:
    url = f"sqlite:///{place}/factory.db"
    open_db(url).dispose()
    code, _, err = finish(ask(place, url, 3, *flags))
    assert code == 2, err
    assert expected in err
    assert len(err.splitlines()) == 1


def test_a_job_that_failed_waits_for_new_growth_too(place: Path) -> None:
    url = f"sqlite:///{place}/factory.db"
    database = open_db(url)
    keep_talks(database, 2, random.Random(7))
    write_config(place, end="crash")
    assert finish(ask(place, url, 2))[0] == 1
    code, out, _ = finish(ask(place, url, 2))
    assert (code, out) == (0, "mix grown: 0 accepted dialogues since job 1, 2 are missing\n")
    (job,) = list_jobs(database)
    assert (job.state, job.reason) == ("failed", "RuntimeError: the shapes do not agree")
    database.dispose()


def begin_export(place: Path) -> tuple[str, Database, Any, int]:
    """Have a cron line start a job, and halt its export; returns URL, database, launcher and export."""
    url = f"sqlite:///{place}/factory.db"
    database = open_db(url)
    keep_talks(database, 2, random.Random(8))
    command = ask(place, url, 2)
    return url, database, command, halt_export(command.pid)


def halt_export(launcher: int) -> int:
    """Halt the export that a cron line runs, as one that takes long; returns its process."""

    def look() -> int | None:
        for number in (PROC / str(launcher) / "task" / str(launcher) / "children").read_text().split():
            if b"store.export" in (PROC / number / "cmdline").read_bytes().split(b"\0"):
                return int(number)
        return None

    found: int = wait_for(look)
    os.kill(found, signal.SIGSTOP)
    return found


def go_on(export: int) -> None:
    """Let a halted export go on as soon as it is interrupted."""

    def is_interrupted() -> bool:
        told = dict(line.split(":") for line in (PROC / str(export) / "status").read_text().splitlines())
        return bool(int(told["ShdPnd"], 16) & 1 << signal.SIGINT - 1)

    wait_for(is_interrupted)
    os.kill(export, signal.SIGCONT)


@pytest.mark.parametrize("word", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupt_during_the_export_uses_up_no_growth(place: Path, word: signal.Signals) -> None:
    url, database, command, export = begin_export(place)
    command.send_signal(word)
    go_on(export)
    assert finish(command) == (130, "", "interrupted\n")
    (job,) = list_jobs(database)
    told = "stopped while its shards were made; the next trigger starts a new job"
    assert (job.state, job.reason) == ("interrupted", told)
    assert list((place / "jobs").iterdir()) == []
    refused = run(place, "--resume", 1)
    assert refused.returncode == 2
    assert refused.stderr == f"job 1 ended before its shards were made ({told}); start a new one\n"
    code, _, err = finish(ask(place, url, 2))
    assert code == 0, err
    assert [(job.id, job.state, job.trigger_after) for job in list_jobs(database)] == [
        (2, "done", 1), (1, "interrupted", 0)
    ]  # fmt: skip
    database.dispose()


def test_a_job_is_cancelled_during_its_export_and_not_begun_again(place: Path) -> None:
    url, database, command, export = begin_export(place)
    cancel = start(place, "cancel", 1, module="train.jobs")
    go_on(export)
    assert finish(cancel) == (0, "job 1 was cancelled\n", "")
    assert finish(command) == (130, "", "job 1 was cancelled\n")
    (job,) = list_jobs(database)
    assert (job.state, job.reason, job.trainer_pid) == ("cancelled", None, None)
    assert list((place / "jobs").iterdir()) == []
    assert finish(ask(place, url, 2))[1] == "mix grown: 0 accepted dialogues since job 1, 2 are missing\n"
    database.dispose()


def test_a_job_that_was_killed_during_its_export_is_not_told_to_be_resumed(place: Path) -> None:
    _, database, command, export = begin_export(place)
    command.kill()
    command.communicate()
    os.kill(export, signal.SIGKILL)
    assert "dead" in ask_jobs(place, "list").stdout
    (job,) = list_jobs(database)
    assert job.reason == "it was killed while its shards were made; the next trigger starts a new job"
    assert job.shards == NO_SHARDS
    assert find_triggered(database, "grown", counts=True) is None
    database.dispose()
