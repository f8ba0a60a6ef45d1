"""Reads JSON Lines: an object a line; a line that is too long is passed over without being held."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from store.formats.carriers.row import LONGEST_ROW, FileRow, read_json_row

SHOWN = 1_000


def read_rows(path: Path) -> Iterator[FileRow]:
    """Yield a row for each line with something on it."""
    for number, raw in scan_raw(path):
        if len(raw) > LONGEST_ROW:
            yield FileRow(number, None, f"longer than {LONGEST_ROW} characters", raw[:SHOWN])
        elif raw.strip():
            yield read_json_row(number, raw)


def scan_raw(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line by its number; of one that is too long only the beginning, which is too long as well."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(4 * LONGEST_ROW):
            number += 1
            if number == 1:
                line = line.removeprefix(BOM_UTF8)
            if not line.endswith(b"\n"):
                pass_over(file)
            yield number, line.decode("utf-8", "surrogateescape").rstrip("\r\n")


def pass_over(file: BinaryIO) -> None:
    """Go to the end of a line."""
    while (piece := file.readline(2**20)) and not piece.endswith(b"\n"):
        pass
