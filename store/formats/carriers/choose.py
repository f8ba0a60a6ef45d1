"""Says what a file's rows come in, from its first bytes and, where they leave it open, from its name."""

import json
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from store.formats.carriers import csv_rows, json_lines, json_values, parquet, text_lines
from store.formats.carriers.row import FileRow
from taxonomy.refusal import InputError
from taxonomy.source import show_path

HEAD = 2**16
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd")
"""gzip, zip, xz, bzip2, zstd."""
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
TABLES = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")
TEXTS = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class Carrier:
    """What rows come in, in a word, and who reads it."""

    name: str
    read_rows: Callable[[Path], Iterator[FileRow]]


JSON_LINES = Carrier("JSON Lines", json_lines.read_rows)
JSON_VALUES = Carrier("JSON", json_values.read_rows)
CSV = Carrier("CSV", csv_rows.read_rows)
PARQUET = Carrier("Parquet", parquet.read_rows)
TEXT = Carrier("plain text", text_lines.read_rows)


def choose_carrier(path: Path) -> Carrier:
    """Return what a file's rows come in; raises InputError for what cannot be read as a whole."""
    shown, head = show_path(path), read_head(path)
    if head.startswith(PACKED):
        raise InputError(f"{shown} is compressed; unpack it first (gunzip, unzip)")
    if head.startswith(UTF_16):
        raise InputError(f"{shown} is in UTF-16; save it as UTF-8")
    if head.startswith(b"PAR1"):
        return PARQUET
    suffix, start = path.suffix.lower(), head.removeprefix(BOM_UTF8).lstrip()
    if not start:
        raise InputError(f"{shown}: the file is empty")
    if suffix == ".parquet":
        raise InputError(f"{shown} is not Parquet, whatever its name; give it the ending of what it is")
    if suffix in TABLES:
        return CSV
    if suffix in TEXTS:
        return TEXT
    if suffix in LINES:
        return JSON_LINES
    if start.startswith(b"[") and suffix == ".json":
        return JSON_VALUES
    if not start.startswith((b"{", b"[")):
        return TEXT if suffix != ".json" else JSON_LINES
    return JSON_LINES if is_whole(start.splitlines()[0]) else JSON_VALUES


def read_head(path: Path) -> bytes:
    """Return the first bytes of a plain file; raises InputError for anything else."""
    shown = show_path(path)
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise InputError(f"{shown} is a directory; name a file in it")
        # A pipe that nobody writes to would wait for ever.
        if not stat.S_ISREG(kind):
            raise InputError(f"{shown} is not a plain file; copy it to one")
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        raise InputError(f"{shown} does not exist") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{shown} cannot be read: {reason}") from None


def is_whole(line: bytes) -> bool:
    """Tell whether a line holds an object of its own, as in JSON Lines; an array is one file's rows."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        # A line that is longer than what was read is no pretty-printed file either.
        return line.startswith(b"{") and len(line) > HEAD // 2
