"""Reads plain text: each line with something on it is a row with one text."""

from collections.abc import Iterator
from pathlib import Path

from store.formats.carriers.json_lines import SHOWN, scan_raw
from store.formats.carriers.row import LONGEST_ROW, FileRow, is_decoded


def read_rows(path: Path) -> Iterator[FileRow]:
    """Yield a row for each line that is not blank."""
    for number, raw in scan_raw(path):
        if len(raw) > LONGEST_ROW:
            yield FileRow(number, None, f"longer than {LONGEST_ROW} characters", raw[:SHOWN])
        elif raw.strip():
            is_sound = is_decoded(raw)
            yield FileRow(number, {"text": raw} if is_sound else None, "" if is_sound else "not UTF-8", raw)
