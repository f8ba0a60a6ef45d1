"""Processes wait for the rows that the first one makes as long as it lives, and no longer."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taxonomy.refusal import Refusal
from tests.train.made_shards import write_talks
from tests.train.trainers import HOUSE, set_environment
from train.dataset import MADE, wait_for_rows

MAKE = """
import sys, time
from pathlib import Path
from train.place import hold
folder = Path(sys.argv[1])
hold(folder)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
(folder / "made.json").write_text("{}", encoding="utf-8")
time.sleep(60)
"""
RANK = """
import sys, time
from datetime import timedelta
from pathlib import Path
from accelerate import PartialState
from train import dataset
from train.template import load_speech, load_tokenizer
state = PartialState(cpu=True, timeout=timedelta(seconds=4))
write = dataset.write_split
def write_slowly(*told):
    time.sleep(8)
    return write(*told)
dataset.write_split = write_slowly
speech = load_speech(load_tokenizer(sys.argv[1]))
wanted = dataset.Wanted(Path(sys.argv[2]), "per_turn", 256, True)
print(len(dataset.prepare(wanted, ["train"], speech, state).splits["train"]), flush=True)
"""


def start(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    """Start a process that holds a folder and says after some seconds that its rows are made."""
    words = [sys.executable, "-c", MAKE, str(folder), str(seconds)]
    process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": str(HOUSE)}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_rows_are_waited_for_while_the_first_process_lives(tmp_path: Path) -> None:
    with start(tmp_path, 0.6) as process:
        begun = time.monotonic()
        wait_for_rows(tmp_path)
        assert time.monotonic() - begun > 0.3
        assert (tmp_path / MADE).exists()
        process.kill()


def test_a_first_process_that_died_is_not_waited_for(tmp_path: Path) -> None:
    with start(tmp_path, 60) as process:
        process.kill()
        process.wait()
        with pytest.raises(Refusal, match="ended before it had made the rows"):
            wait_for_rows(tmp_path)


def test_a_first_process_that_failed_has_taken_the_folder_away(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="its own line says why"):
        wait_for_rows(tmp_path / "gone")


@pytest.mark.slow
def test_rows_may_take_longer_than_the_processes_wait_for_each_other(tmp_path: Path, tiny: Path) -> None:
    write_talks(tmp_path / "shards")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    ranks = []
    for rank in ("0", "1"):
        world = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
        environment = set_environment(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, **world)
        words = [sys.executable, "-c", RANK, str(tiny), str(tmp_path / "shards")]
        ranks.append(subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=100)[0].split()[-1] for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0]
    assert said[0] == said[1]
    assert int(said[0]) > 0
