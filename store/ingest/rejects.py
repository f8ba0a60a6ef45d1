"""Keeps the rows that could not be read, each with its line and reason, in a file beside the database."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import IO, Self

from sqlalchemy import Engine

from store.clean import clean_text
from store.errors import StoreError
from store.language import language_of
from store.masking import mask
from taxonomy.refusal import InputError
from taxonomy.source import show_path

ENDING = ".rejects.jsonl"
SHOWN = 3
KEYS = {"file", "row", "reason", "raw"}


def choose_path(named: Path | None, file: Path, engine: Engine) -> Path:
    """Return where rejects go: where they were asked for, else beside the SQLite file or in the working folder.

    Raises InputError for a file that holds something else, or a folder that nobody can write to.
    """
    beside = Path(str(engine.url.database)).parent if engine.dialect.name == "sqlite" else Path()
    path = named or beside / f"{file.name}{ENDING}"
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as held:
            first = held.readline()
        if path.resolve() == file.resolve() or not holds_rejects(first):
            raise InputError(f"{show_path(path)} holds something else than rejects; --rejects names another file")
    elif not path.parent.is_dir():
        raise InputError(f"--rejects: {show_path(path.parent)} does not exist; make the folder first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{show_path(path.parent)} cannot be written to; --rejects names a file elsewhere")
    return path


def holds_rejects(line: str) -> bool:
    """Tell whether the first line of a file is one of ours, or there is none."""
    try:
        return not line or set(json.loads(line)) == KEYS
    except (ValueError, TypeError, RecursionError):
        return False


class Rejects:
    """A file that is there only where something was rejected; an earlier one is replaced."""

    def __init__(self, path: Path, *, keeps_pii: bool) -> None:
        self.path, self.count = path, 0
        self.first: list[str] = []
        """What is told of them at the end."""
        self._keeps_pii = keeps_pii
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, file: str, row: int, reason: str, raw: str) -> None:
        """Keep a row as it stands in its file, with what would lead to a person masked."""
        clean = clean_text(raw.encode("utf-8", "replace").decode())
        kept = clean if self._keeps_pii else mask(clean, language_of(clean), Counter())
        reason = clean_text(reason)
        line = json.dumps({"file": file, "row": row, "reason": reason, "raw": kept}, ensure_ascii=False)
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8")
            self._file.write(line + "\n")
        except OSError as error:
            where = show_path(self.path)
            raise StoreError(f"{where} cannot be written: {error.strerror}; --rejects names another") from None
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(f"{file}:{row} {reason}")
