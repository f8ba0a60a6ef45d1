"""An export that is killed, or that the disk has no room for, is absent; the next one cleans up after it."""

import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from store.db import open_db
from store.export.manifest import verify
from tests.store.export.stored import keep_talks, write_mix

HOUSE = Path(__file__).parents[3]
SPLIT = {"train": 0.8, "validation": 0.2}


STEPPED = """
import atexit, os, runpy, signal, sys
kill_at, steps, here = int(sys.argv[1]), 0, os.getcwd()
def hear(event, values):
    global steps
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir") and here in str(values[0]):
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
atexit.register(lambda: print(steps))
sys.argv = ["store.export", *sys.argv[2:]]
sys.addaudithook(hear)
runpy.run_module("store.export", run_name="__main__", alter_sys=True)
"""
"""Runs the command and kills it before one of its steps on files, as Python's own audit tells of them."""
FLAGS = ("--mix", "./mix.yaml", "--db", "sqlite:///factory.db", "--format", "jsonl", "--out")


def start(folder: Path, out: str = "out", steps: int | None = None, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command in a folder with a database and a mix, perhaps to be killed before a step; 0 is none."""
    module = ["-m", "store.export"] if steps is None else ["-c", STEPPED, str(steps)]
    environment = os.environ | {"PYTHONPATH": str(HOUSE), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *module, *FLAGS, out], cwd=folder, env=environment, **pipes, **options)


def prepare(folder: Path, talks: int) -> None:
    """Store talks and write a mix."""
    database = open_db(f"sqlite:///{folder}/factory.db")
    keep_talks(database, talks, random.Random(2))
    database.dispose()
    write_mix(folder, split=SPLIT, dedup="near")


def list_made(folder: Path) -> set[str]:
    """Return what stands in a folder beside the database and the mix."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(("factory.db", "mix.yaml"))}


def count_steps(folder: Path) -> int:
    """Export once under the name `whole` and return how many steps on files it took."""
    process = start(folder, "whole", steps=0)
    out, told = process.communicate()
    assert process.returncode == 0, told
    return int(out.split()[-1])


def kill_at(folder: Path, steps: Iterable[int]) -> tuple[int, int]:
    """Kill exports before some of their steps; returns how many were absent and how many complete."""
    absent = complete = 0
    for step in steps:
        process = start(folder, f"out{step}", steps=step)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        if (folder / f"out{step}").exists():
            assert verify(folder / f"out{step}") == verify(folder / "whole")
            complete += 1
        else:
            absent += 1
    assert {name for name in list_made(folder) if not name.startswith((".", "out"))} == {"whole"}
    return absent, complete


def test_an_export_killed_at_five_of_its_last_steps_is_absent_or_complete(tmp_path: Path) -> None:
    prepare(tmp_path, 30)
    total = count_steps(tmp_path)
    absent, complete = kill_at(tmp_path, [total - before for before in (0, 7, 14, 21, 28)])
    assert absent >= 2
    assert complete >= 1


@pytest.mark.slow
def test_an_export_killed_at_fifty_of_its_steps_is_absent_or_complete(tmp_path: Path) -> None:
    prepare(tmp_path, 300)
    total = count_steps(tmp_path)
    absent, complete = kill_at(tmp_path, [*range(1, total, -(-total // 30)), *range(total - 20, total + 1)][:50])
    assert absent >= 20
    assert complete >= 1


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
