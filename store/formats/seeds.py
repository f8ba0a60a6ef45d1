"""Reads a file of texts, one JSON object a line, as input for a recipe; a row without a text is named, not lost."""

import json
from array import array
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)
    """All texts of the row by name."""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that lacks what is needed, and what that is."""

    file: str
    row: int
    reason: str


class SeedFile:
    """The usable rows of a JSON Lines file; only their places are held, and a row is read when it is wanted."""

    def __init__(
        self, path: Path, field: str | None, find_unfit: Callable[[SeedText], str | None] = lambda _: None
    ) -> None:
        """Look through a file; `find_unfit` says why a row with a text cannot be used all the same."""
        self.skipped: list[SkippedRow] = []
        self._path, self._field = path, field
        self._places, self._numbers = array("Q"), array("L")
        for place, number, line in scan_lines(path):
            row = read_row(path.name, number, line, field)
            reason = find_unfit(row) if isinstance(row, SeedText) else None
            if reason is not None:
                row = SkippedRow(path.name, number, reason)
            if isinstance(row, SeedText):
                self._places.append(place)
                self._numbers.append(number)
            else:
                self.skipped.append(row)
        self._file = path.open("rb")

    def __len__(self) -> int:
        return len(self._places)

    def read(self, index: int) -> SeedText:
        """Return a usable row; raises InputError where the file has changed since it was opened."""
        self._file.seek(self._places[index])
        line = self._file.readline().decode("utf-8", "replace")
        row = read_row(self._path.name, self._numbers[index], line, self._field)
        if isinstance(row, SkippedRow):
            raise InputError(f"{show_path(self._path)}:{row.row}: the file has changed since the run began")
        return row


def read_seeds(path: Path, field: str | None) -> Iterator[SeedText | SkippedRow]:
    """Yield the rows of a JSON Lines file; raises InputError where the file as a whole cannot be read.

    The text stands in `field`, or else in the first of the usual names that a row has.
    """
    for _, number, line in scan_lines(path):
        yield read_row(path.name, number, line, field)


def scan_lines(path: Path) -> Iterator[tuple[int, int, str]]:
    """Yield (place in bytes, number from 1, text) of each line with something on it, with or without a first mark."""
    shown = show_path(path)
    place, is_empty = 0, True
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                start = len(BOM_UTF8) if number == 1 and raw.startswith(BOM_UTF8) else 0
                line = raw[start:].decode("utf-8")
                if line.strip():
                    is_empty = False
                    yield place + start, number, line
                place += len(raw)
    except IsADirectoryError:
        raise InputError(f"{shown} is a directory; name a JSON Lines file") from None
    except FileNotFoundError:
        raise InputError(f"{shown} does not exist") from None
    except UnicodeDecodeError:
        raise InputError(f"{shown}:{number}: not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror}") from None
    if is_empty:
        raise InputError(f"{shown}: the file is empty; write one JSON object a line")


def read_row(file: str, number: int, line: str, field: str | None) -> SeedText | SkippedRow:
    """Return one row's text, or why it has none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
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
    texts = {str(name): clean_text(value).strip() for name, value in row.items() if isinstance(value, str)}
    return SeedText(file, number, row_id, text, texts)
