"""Starts the processes of a job: the trainer, and beside it what keeps its log."""

import os
import subprocess
import sys
from pathlib import Path

from store.job_tables import JobRow
from taxonomy.refusal import Refusal
from taxonomy.source import show_path
from train.job.command import build_command, build_environment, load_settings, log_environment
from train.job.folder import folder_of


def start_trainer(job: JobRow, checkpoint: Path | None) -> tuple["subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]:
    """Start the trainer in a session of its own, and what keeps its log; returns both, or raises Refusal.

    The log is kept by a process of its own, so that neither secrets reach the disk nor the trainer ever waits for us.
    """
    folder, environment = folder_of(job), dict(os.environ)
    words = make_words(job, checkpoint)
    try:
        folder.end.unlink(missing_ok=True)
        log = subprocess.Popen(
            [sys.executable, "-m", "train.job.log", str(folder.log)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env=log_environment(environment),
        )  # fmt: skip
    except OSError as error:
        raise Refusal(f"{show_path(folder.path)}: the trainer cannot be started ({error.strerror})") from None
    assert log.stdin is not None
    try:
        trainer = subprocess.Popen(
            words, cwd=job.workdir, stdin=subprocess.DEVNULL, stdout=log.stdin, stderr=subprocess.STDOUT,
            start_new_session=True, env=build_environment(environment, job.token),
        )  # fmt: skip
    except OSError as error:
        log.stdin.close()
        log.wait()
        raise Refusal(f"{show_path(Path(job.workdir))}: the trainer cannot be started ({error.strerror})") from None
    finally:
        log.stdin.close()
    return trainer, log


def make_words(job: JobRow, checkpoint: Path | None) -> list[str]:
    """Return the command line of a stored job's trainer."""
    folder = folder_of(job)
    return build_command(load_settings(job.settings), folder.config, Path(job.shards), folder.output, checkpoint)
