"""Reads a file of texts, one JSON object a line, as input for a recipe; a row without a text is named, not lost."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from store.clean import clean_text
from taxonomy.refusal import InputError
from taxonomy.source import show_path

FIELDS = (
    "text",
    "question",
    "self_description",
    "complaint",
    "description",
    "content",
    "post",
    "input",
)
"""Names under which data sets keep the help-seeker's words, in the order in which they are tried."""
IDS = ("id", "row_id", "uid", "_id")


@dataclass(frozen=True, slots=True)
class SeedText:
    """A row with a text; `row` counts lines from 1."""

    file: str
    row: int
    row_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that lacks what is needed, and what that is."""

    file: str
    row: int
    reason: str


def read_seeds(path: Path, field: str | None) -> Iterator[SeedText | SkippedRow]:
    """Yield the rows of a JSON Lines file; raises InputError where the file as a whole cannot be read.

    The text stands in `field`, or else in the first of the usual names that a row has.
    """
    lines = read_lines(path)
    if not any(line.strip() for line in lines):
        raise InputError(f"{show_path(path)}: the file is empty; write one JSON object a line")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield read_row(path.name, number, line, field)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 file, with or without a byte order mark."""
    shown = show_path(path)
    if path.is_dir():
        raise InputError(f"{shown} is a directory; name a JSON Lines file")
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise InputError(f"{shown} does not exist") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(f"{shown}:{line}: not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror}") from None


def read_row(file: str, number: int, line: str, field: str | None) -> SeedText | SkippedRow:
    """Return one row's text, or why it has none."""
    try:
        row = json.loads(line)
    except ValueError:
        return SkippedRow(file, number, "not JSON")
    if not isinstance(row, dict):
        return SkippedRow(file, number, "not a JSON object")
    names = (field,) if field is not None else FIELDS
    found = next((row[name] for name in names if isinstance(row.get(name), str)), None)
    if found is None:
        wanted = f"no text in {field!r}" if field else f"no text in any of {', '.join(FIELDS)}"
        return SkippedRow(file, number, wanted)
    text = clean_text(found).strip()
    if not text:
        return SkippedRow(file, number, "the text is empty")
    row_id = next((str(row[name]) for name in IDS if name in row), None)
    return SeedText(file, number, row_id, text)
