"""Lends a folder below the system's temporary one for rows in use, and removes what killed trainings left there."""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "psyfoundry-rows-"
OLD_S = 3600.0
"""A folder younger than this may belong to a training that has not locked it yet."""


def name_place() -> str:
    """Return the path of a new folder."""
    return tempfile.mkdtemp(prefix=PREFIX)


def hold(folder: Path) -> int:
    """Lock a folder as long as this process lives; returns the handle that holds the lock."""
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def sweep_places(now: float | None = None) -> None:
    """Remove old folders of ours that no process holds."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            about = left.stat()
            if about.st_uid != os.getuid() or (now or time.time()) - about.st_mtime < OLD_S:
                continue
            handle = hold(left)
        except OSError:
            continue
        shutil.rmtree(left, ignore_errors=True)
        os.close(handle)
