"""Writes labels into a file from a shell; a file that is there is only replaced by a whole one."""

import sys
from argparse import Namespace
from pathlib import Path

from sqlalchemy import Engine

from store.labels import write_labels
from store.shell.flags import asked_filter
from taxonomy.refusal import InputError
from taxonomy.source import show_path

STDOUT = "-"


def save_labels(engine: Engine, flags: Namespace) -> None:
    """Write what people said of the dialogues of a filter."""
    if flags.bom and flags.format != "csv":
        raise InputError(f"--bom is for --format csv, not {flags.format}")
    pieces = write_labels(engine, asked_filter(flags), flags.format, anonymous=flags.anonymous, bom=flags.bom)
    if flags.file == STDOUT:
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode())
        return
    path = Path(flags.file)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece.encode())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{show_path(path)}: {error.strerror}") from error
    sys.stderr.write(f"the labels are in {show_path(path)}\n")
