"""Several processes at one database: full disks, two runs side by side, two resumes of one run."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from store.db import Database, open_db
from store.errors import StoreError
from store.runs import Run, end_run, list_unfinished, resume_run
from tests.store.test_failing_commits import let_the_lease_run_out, limit_files
from tests.store.test_sessions import begin, rows

CHECKOUT = Path(__file__).parents[2]


def start_command(folder: Path, *flags: object, size: int | None = None) -> subprocess.Popen[str]:
    """Start python -m graphs.run in a folder, its files limited to a size."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "graphs.run", *map(str, flags)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=None if size is None else lambda: limit_files(size),
    )


@pytest.mark.parametrize(
    "size", [30_000, 300_000, *(pytest.param(size, marks=pytest.mark.slow) for size in (150_000, 600_000))]
)
def test_a_command_on_a_full_disk_ends_with_one_line_and_resumes(tmp_path: Path, size: int) -> None:
    flags = ("--count", 3, "--db", "sqlite:///full.db")
    command = start_command(tmp_path, *flags, size=size)
    out, err = command.communicate()
    assert command.returncode == 1, out + err
    assert "Traceback" not in out + err
    assert re.fullmatch(r"sqlite:///full\.db: (disk I/O error|database or disk is full).*", err.splitlines()[-1])
    database = open_db(f"sqlite:///{tmp_path}/full.db")
    is_started = list_unfinished(database) != []
    let_the_lease_run_out(database)
    database.dispose()
    command = (
        start_command(tmp_path, "--db", "sqlite:///full.db", "--resume")
        if is_started
        else start_command(tmp_path, *flags)
    )
    out, err = command.communicate()
    assert command.returncode == 0, out + err
    database = open_db(f"sqlite:///{tmp_path}/full.db")
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    assert [row.position for row in rows(database, "SELECT position FROM dialogues ORDER BY 1")] == [0, 1, 2]
    assert list_unfinished(database) == []
    database.dispose()


def test_two_runs_share_a_database(tmp_path: Path) -> None:
    commands = [start_command(tmp_path, "--count", 6, "--seed", seed, "--db", "sqlite:///one.db") for seed in (1, 2)]
    for command in commands:
        out, err = command.communicate()
        assert command.returncode == 0, out + err
        assert "locked" not in out + err
    database = open_db(f"sqlite:///{tmp_path}/one.db")
    assert rows(database, "SELECT run_id, count(*) FROM dialogues GROUP BY run_id ORDER BY 1") == [(1, 6), (2, 6)]
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    database.dispose()


@pytest.mark.parametrize("is_let_go", [True, False], ids=["let go", "died"])
def test_of_two_resumes_at_once_exactly_one_is_let_in(database: Database, is_let_go: bool) -> None:
    for _ in range(5):
        run = begin(database)
        if is_let_go:
            end_run(database, run, "interrupted")
        else:
            let_the_lease_run_out(database)
        barrier = threading.Barrier(2)
        ended: list[Run | StoreError] = []

        def claim(run_id: int, barrier: threading.Barrier, ended: list[Run | StoreError]) -> None:
            barrier.wait()
            try:
                ended.append(resume_run(database, run_id))
            except StoreError as error:
                ended.append(error)

        threads = [threading.Thread(target=claim, args=(run.id, barrier, ended)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (held,) = [one for one in ended if isinstance(one, Run)]
        (refused,) = [one for one in ended if isinstance(one, StoreError)]
        assert str(refused).startswith(f"run {run.id} is alive (last seen 0 s ago)")
        assert rows(database, f"SELECT owner FROM runs WHERE id = {run.id}") == [(held.owner,)]
