"""Reads CSV (and TSV, by its name): the first line names the fields; a row counts by the line on which it begins."""

import csv
from collections.abc import Iterator
from pathlib import Path

from store.formats.carriers.row import LONGEST_ROW, FileRow, is_decoded
from taxonomy.refusal import InputError
from taxonomy.source import show_path


def read_rows(path: Path) -> Iterator[FileRow]:
    """Yield a row for each record; raises InputError where the first line names no fields."""
    csv.field_size_limit(LONGEST_ROW)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        names = read_head(reader, path)
        while True:
            number = reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield FileRow(number, None, f"not CSV: {error}")
                continue
            if record:
                yield read_record(number, names, record)


def read_head(reader: Iterator[list[str]], path: Path) -> list[str]:
    """Return the names of the fields."""
    try:
        names = next(reader, [])
    except csv.Error as error:
        raise InputError(f"{show_path(path)}:1: not CSV ({error})") from None
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{show_path(path)}:1: two fields are named {twice[:40]!r}; rename one")
    if not any(names) or not all(map(is_decoded, names)):
        raise InputError(f"{show_path(path)}:1: the first line does not name the fields in UTF-8")
    return names


def read_record(number: int, names: list[str], record: list[str]) -> FileRow:
    """Return a record by the names of its fields."""
    raw = ",".join(record)
    if not is_decoded(raw):
        return FileRow(number, None, "not UTF-8", raw)
    if len(record) != len(names):
        return FileRow(number, None, f"{len(record)} fields where the first line names {len(names)}", raw)
    return FileRow(number, dict(zip(names, record, strict=True)), raw=raw)
