"""How a trainer ends when several processes run it: one line, from the first process alone."""

import os
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from taxonomy.command import run_main
from taxonomy.refusal import Refusal

PATIENCE = 20.0
"""Seconds that another process waits for the first to say what is wrong; the launcher ends it when that one is gone."""


def run_ranks(main: Callable[[], int]) -> NoReturn:
    """Run a trainer and leave with its exit code; see taxonomy.command.run_main."""
    rank = os.environ.get("RANK", "0")
    if rank == "0":
        run_main(main)
    try:
        sys.exit(main())
    except Refusal as refusal:
        time.sleep(PATIENCE)
        # Still here: what is wrong is wrong in this process alone, as a folder that another machine lacks.
        sys.stderr.write(f"process {rank}: {' '.join(str(refusal).split())}\n")
        sys.exit(refusal.exit_code)


def say(line: str) -> None:
    """Print a line where a person looks, from the first process alone."""
    if os.environ.get("RANK", "0") == "0":
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
