"""Makes the folder of an export: filled under another name and renamed at the end, so that it is whole or absent."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import StoreError
from taxonomy.refusal import InputError
from taxonomy.source import show_path

MARK = ".partial-"


def choose_folder(told: str) -> Path:
    """Return where an export goes; raises InputError for what exists or leaves the working folder unsaid.

    A path from the root is taken as it is: whoever writes one means it.
    """
    path = Path(told)
    shown = show_path(path)
    if not told.strip() or "\0" in told or path.name in ("", ".."):
        raise InputError(f"--out {told!r}: name a folder that does not exist yet")
    real = path.parent.resolve() / path.name
    if not path.is_absolute() and Path.cwd().resolve() not in real.parents:
        raise InputError(f"--out {shown}: leads out of the working folder; write it from the root if you mean {real}")
    if os.path.lexists(real):
        raise InputError(f"--out {shown}: is there already and is left as it is; name another folder")
    if not real.parent.is_dir():
        raise InputError(f"--out {shown}: {show_path(path.parent)} does not exist; make the folder first")
    if not os.access(real.parent, os.W_OK | os.X_OK):
        raise InputError(f"--out {shown}: {show_path(path.parent)} cannot be written to; choose another place")
    return real


@contextmanager
def filled_folder(target: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes `target` when all goes well and is removed when not.

    What a killed export left beside it is removed first. Raises StoreError where the disk is full or somebody has made
    the target meanwhile.
    """
    sweep(target)
    folder = target.with_name(f".{target.name}{MARK}{os.getpid()}")
    try:
        folder.mkdir()
        handle = os.open(folder, os.O_RDONLY)
        try:
            # Held as long as this process lives: by it the next export knows what nobody is filling any more.
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield folder
            sync(folder)
            if os.path.lexists(target):
                raise StoreError(f"{show_path(target)} was made by somebody else meanwhile; name another folder")
            folder.rename(target)
            sync_one(target.parent)
        finally:
            os.close(handle)
    except (OSError, sqlite3.Error) as error:
        # pyarrow's own errors are OSErrors; SQLite's are of the slips, those of the store are explained already.
        why = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())[:200]
        raise StoreError(f"{show_path(target)}: {why}; nothing is left behind, try again with more room") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(target: Path) -> None:
    """Remove what killed exports to this target left behind."""
    for left in target.parent.glob(f".{target.name}{MARK}*"):
        try:
            handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(handle)


def sync(folder: Path) -> None:
    """Have everything in a folder reach the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            sync_one(Path(place, name))
        sync_one(Path(place))


def sync_one(path: Path) -> None:
    """Have a file or a folder reach the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
