"""Writes the endpoint file by which the gateway reaches a served model, and takes it away when nobody serves it."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from store.jobs import Process
from taxonomy.refusal import InputError
from taxonomy.source import show_path
from train.job.place import is_running, this_process

MARK = "# Written by python -m train.serve"
HEAD = re.compile(rf"{re.escape(MARK)}, process (\d+) since (\d+)")
FOLDER = Path("configs") / "models"
SHIPPED = Path(__file__).parents[2] / "configs" / "models"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


def choose_endpoint(name: str, told: Path | None) -> Path:
    """Return where the endpoint file goes; raises InputError for one that is somebody else's, or whose server lives."""
    if not NAME.fullmatch(name):
        raise InputError(f"--name {name!r}: small letters, digits, dots and dashes are wanted")
    path = told or FOLDER / f"{name}.yaml"
    shown = show_path(path)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"--endpoint {shown}: the gateway takes files that end in .yaml; name one")
    shipped = SHIPPED / path.name
    if told is None and shipped.is_file() and not is_written_here(shipped):
        raise InputError(f"--name {name!r} is an endpoint that ships with the factory; choose another name")
    if os.path.lexists(path):
        owner = read_owner(path)
        if owner is None:
            raise InputError(f"{shown} is there already and was not written by train.serve; choose another --name")
        if is_running(owner):
            raise InputError(
                f"{shown} belongs to a server that runs (process {owner.pid}); stop it, or choose a --name"
            )
    return path


@contextmanager
def hold_endpoint(path: Path) -> Iterator[None]:
    """Keep an endpoint file for this process, also while none is written; raises InputError where another keeps it."""
    place = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise explain_unwritable(path, error) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed it since it was opened.
            is_held = os.path.samestat(os.fstat(handle), place.stat())
        except OSError:
            is_held = False
        if not is_held:
            raise InputError(f"{show_path(path)} belongs to a server that starts or runs; choose another --name")
        try:
            yield
        finally:
            place.unlink(missing_ok=True)
    finally:
        os.close(handle)


def explain_unwritable(path: Path, error: OSError) -> InputError:
    """Return the refusal of an endpoint file that cannot be written."""
    return InputError(f"{show_path(path)} cannot be written ({error.strerror}); choose another --endpoint")


def is_written_here(path: Path) -> bool:
    """Whether a file was written by this command."""
    return read_owner(path) is not None


def read_owner(path: Path) -> Process | None:
    """Return the process that wrote an endpoint file; None where another maker did."""
    try:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, ValueError):
        return None
    found = HEAD.match(first)
    return Process(int(found[1]), int(found[2])) if found else None


def write_endpoint(path: Path, keys: dict[str, Any]) -> None:
    """Write an endpoint file at once or not at all."""
    process = this_process()
    head = f"{MARK}, process {process.pid} since {process.started}; it goes when the server ends.\n"
    if os.path.lexists(path) and read_owner(path) is None:
        raise InputError(f"{show_path(path)} was made by somebody else meanwhile; choose another --name")
    # As JSON every value is YAML too, whatever characters a path holds.
    text = head + "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f".{path.name}.{process.pid}")
        written.write_text(text, encoding="utf-8")
        written.replace(path)
    except OSError as error:
        raise explain_unwritable(path, error) from None


def remove_endpoint(path: Path) -> None:
    """Remove an endpoint file, if it is this process's own; what was changed in it goes too, as its first line says."""
    if read_owner(path) == this_process():
        path.unlink(missing_ok=True)
