"""A cron line starts one job when a mix has grown enough, whoever else asks at the same moment."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.db import Database, open_db
from store.export.manifest import verify
from store.jobs import list_jobs
from taxonomy.refusal import InputError
from tests.store.export.stored import keep_talks, write_mix
from tests.store.test_jobs import add
from tests.train.made_jobs import cleaned_up, start, write_config
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
