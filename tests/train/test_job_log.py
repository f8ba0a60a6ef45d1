"""A trainer's log is kept whatever becomes of the disk: what keeps it never ends before those who write to it."""

import fcntl
import resource
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.train.made_jobs import wait_for
from tests.train.trainers import set_environment
from train.job.log import MOST_BYTES, read_log

FULL = 64


def limit_files() -> None:
    """Let no file grow beyond some bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, FULL))


def start_keeper(path: Path, *, is_full: bool = False) -> "subprocess.Popen[str]":
    """Start what keeps a log."""
    return subprocess.Popen(
        [sys.executable, "-m", "train.job.log", str(path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8", preexec_fn=limit_files if is_full else None,
    )  # fmt: skip


def tell(keeper: "subprocess.Popen[str]", line: str) -> None:
    """Say a line to what keeps the log."""
    assert keeper.stdin is not None
    keeper.stdin.write(f"{line}\n")
    keeper.stdin.flush()


def count_unread(keeper: "subprocess.Popen[str]") -> int:
    """Return the bytes that what keeps the log has not taken yet."""
    assert keeper.stdin is not None
    return int.from_bytes(fcntl.ioctl(keeper.stdin, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_full_disk_does_not_end_what_keeps_the_log(tmp_path: Path) -> None:
    path = tmp_path / "trainer.log"
    keeper = start_keeper(path, is_full=True)
    # More than a pipe holds: nobody could write all of it to a reader that has gone.
    _, err = keeper.communicate("".join(f"step {step}\n" for step in range(20_000)), timeout=60)
    assert (keeper.returncode, err) == (0, "")
    assert path.stat().st_size == FULL
    assert path.read_text().startswith("step 0\nstep 1\n")


def test_a_log_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "trainer.log"
    path.mkdir()
    keeper = start_keeper(path)
    for step in range(3):
        tell(keeper, f"step {step}")
    wait_for(lambda: count_unread(keeper) == 0)
    time.sleep(0.2)
    path.rmdir()
    tell(keeper, "step 3")
    wait_for(path.exists)
    keeper.send_signal(signal.SIGINT)
    tell(keeper, "step 4")
    assert keeper.communicate(timeout=60)[1] == ""
    assert keeper.returncode == 0
    assert read_log(path) == ["[3 lines could not be kept: Is a directory]", "step 3", "step 4"]


def test_a_log_is_kept_in_two_files_of_bounded_size(tmp_path: Path) -> None:
    path = tmp_path / "trainer.log"
    keeper = start_keeper(path)
    line = "x" * 99_999
    keeper.communicate("".join(f"{line}\n" for _ in range(50)), timeout=60)
    old = path.with_name("trainer.log.old")
    assert 0 < path.stat().st_size <= MOST_BYTES
    assert MOST_BYTES < old.stat().st_size <= MOST_BYTES + 100_000
    assert path.stat().st_size + old.stat().st_size < 50 * 100_000


def test_what_keeps_a_log_loads_no_database() -> None:
    code = "import sys, train.job.log; sys.exit(' '.join({'sqlalchemy', 'pydantic', 'torch'} & set(sys.modules)) or 0)"
    told = subprocess.run(
        [sys.executable, "-c", code], env=set_environment(), capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
