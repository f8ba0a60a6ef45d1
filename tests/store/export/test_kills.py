"""An export that is killed, or that the disk has no room for, is absent; the next one cleans up after it."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store.db import open_db
from store.export.manifest import verify
from tests.store.export.stored import keep_talks, write_mix

HOUSE = Path(__file__).parents[3]
SPLIT = {"train": 0.8, "validation": 0.2}


def start(folder: Path, out: str = "out", **options: object) -> subprocess.Popen[bytes]:
    """Start the command in a folder that holds a database and a mix."""
    command = [
        sys.executable,
        "-m",
        "store.export",
        "--mix",
        "./mix.yaml",
        "--out",
        out,
        "--db",
        "sqlite:///factory.db",
    ]
    environment = os.environ | {"PYTHONPATH": str(HOUSE), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, "--format", "jsonl"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **options,
    )  # type: ignore[call-overload,no-any-return] # fmt: skip


def prepare(folder: Path, talks: int) -> None:
    """Store talks and write a mix."""
    database = open_db(f"sqlite:///{folder}/factory.db")
    keep_talks(database, talks, random.Random(2))
    database.dispose()
    write_mix(folder, split=SPLIT, dedup="near")


def list_made(folder: Path) -> set[str]:
    """Return what stands in a folder beside the database and the mix."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(("factory.db", "mix.yaml"))}


def kill_at_moments(folder: Path, moments: int) -> tuple[int, int]:
    """Kill exports at moments spread over the time one takes; returns how many were absent and how many complete."""
    began = time.monotonic()
    whole = start(folder, "whole")
    assert whole.wait() == 0
    took = time.monotonic() - began
    absent = complete = 0
    for moment in range(moments):
        process = start(folder, f"out{moment}")
        time.sleep(took * (moment + 1) / moments)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (folder / f"out{moment}").exists():
            assert verify(folder / f"out{moment}") == verify(folder / "whole")
            complete += 1
        else:
            absent += 1
    assert {name for name in list_made(folder) if not name.startswith((".", "out"))} == {"whole"}
    return absent, complete


def test_an_export_killed_at_five_moments_is_absent_or_complete(tmp_path: Path) -> None:
    prepare(tmp_path, 60)
    absent, complete = kill_at_moments(tmp_path, 5)
    assert absent >= 2
    assert absent + complete == 5


@pytest.mark.slow
def test_an_export_killed_at_fifty_moments_is_absent_or_complete(tmp_path: Path) -> None:
    prepare(tmp_path, 400)
    absent, complete = kill_at_moments(tmp_path, 50)
    assert absent >= 10
    assert absent + complete == 50


def test_what_a_killed_export_left_is_swept_by_the_next_and_one_that_lives_is_let_be(tmp_path: Path) -> None:
    prepare(tmp_path, 20)
    (tmp_path / ".out.partial-1").mkdir()
    (tmp_path / ".out.partial-1/shard").write_bytes(b"x")
    process = start(tmp_path)
    assert process.wait() == 0
    assert list_made(tmp_path) == {"out"}


def test_a_full_disk_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    prepare(tmp_path, 300)

    def have_little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    process = start(tmp_path, preexec_fn=have_little_room)
    out, told = process.communicate()
    assert process.returncode == 1, out + told
    assert told.decode().count("\n") == 1
    assert "/out: " in told.decode()
    assert "nothing is left behind" in told.decode()
    assert list_made(tmp_path) == set()
