"""Runs the real command in a folder of its own, on the rehearsal model."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, create_engine, text

from graphs.run import main
from taxonomy.command import run_main

CHECKOUT = Path(__file__).parents[2]
TAXONOMY = CHECKOUT / "taxonomy" / "emotions.yaml"


@dataclass(frozen=True)
class Result:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON summary in the last line of stdout."""
        told: dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return told


Factory = Callable[..., Result]


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Factory:
    """Return a function that runs `python -m graphs.run` with some flags, in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "PSYFOUNDRY_MODEL", "PSYFOUNDRY_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*flags: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["graphs.run", *map(str, flags)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_main(main)
        told = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else 1, told.out, told.err)

    return run


def read_rows(query: str, db: str = "sqlite:///factory.db", **values: Any) -> list[Row[Any]]:
    """Return the rows of a query on a run's database."""
    engine = create_engine(db)
    with engine.connect() as connection:
        rows = list(connection.execute(text(query), values))
    engine.dispose()
    return rows


def read_dialogues(db: str = "sqlite:///factory.db") -> dict[str, list[tuple[str, str, str]]]:
    """Return each dialogue as (speaker, text, reasoning), by its position in the plan."""
    dialogues: dict[str, list[tuple[str, str, str]]] = {}
    query = (
        "SELECT d.run_id, d.position, u.speaker, u.text, u.reasoning FROM utterances u"
        " JOIN dialogues d ON d.id = u.dialogue_id ORDER BY d.run_id, d.position, u.number"
    )
    for run, position, speaker, said, reasoning in read_rows(query, db):
        dialogues.setdefault(f"{run}/{position}", []).append((speaker, said, reasoning or ""))
    return dialogues
