"""Reads Parquet, nested columns too, a few rows at a time; pyarrow is imported only for that."""

from collections.abc import Iterator
from pathlib import Path

from store.formats.carriers.row import LONGEST_ROW, FileRow
from taxonomy.refusal import InputError
from taxonomy.source import show_path

ROWS = 200


def read_rows(path: Path) -> Iterator[FileRow]:
    """Yield the rows from 1; raises InputError where the file is broken."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        with ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=ROWS, use_threads=False):
                for value in batch.to_pylist():
                    number += 1
                    yield check_size(number, value)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        what = " ".join(str(error).split())[:200]
        went = f"after row {number}: {what}; the rows before went in" if number else what
        raise InputError(f"{show_path(path)}: not sound Parquet, {went}") from None


def check_size(number: int, value: dict[str, object]) -> FileRow:
    """Return a row, unless it is too long."""
    if sum(len(part) for part in value.values() if isinstance(part, str)) > LONGEST_ROW:
        return FileRow(number, None, f"longer than {LONGEST_ROW} characters")
    return FileRow(number, value)
