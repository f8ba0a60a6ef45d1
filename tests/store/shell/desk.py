"""A shell at which people review: runs python -m store.dialogues in this process, and tells what came of it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, text

from store.dialogues import main
from taxonomy.refusal import Refusal

Run = Callable[..., "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str


def sit_down(url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a verb on a database."""

    def run(*words: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["store.dialogues", *map(str, words), "--db", url])
        capfd.readouterr()
        try:
            code, refused = main(), ""
        except Refusal as refusal:
            code, refused = refusal.exit_code, str(refusal)
        except SystemExit as left:
            code, refused = int(left.code or 0), ""
        sys.stdout.flush()
        told = capfd.readouterr()
        return Told(code, told.out, told.err + refused)

    return run


def read_lines(engine: Engine, what: str) -> list[tuple[object, ...]]:
    """Return columns of the log, oldest first, read by a connection of its own."""
    with engine.connect() as db:
        return [tuple(row) for row in db.execute(text(f"SELECT {what} FROM reviews ORDER BY id"))]
