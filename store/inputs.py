"""What is stored and can be the input of a run: scenarios and dialogues that nobody has rejected, ingested seeds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, Row, text

from store.coverage import STANDING_COLUMNS, read_standing
from store.db import explained
from store.records import Kind
from taxonomy.refusal import InputError
from taxonomy.schema import Cell

LIST = (
    f"SELECT d.id, d.language, {STANDING_COLUMNS} FROM dialogues d"
    " WHERE d.kind = :kind AND d.outcome = 'done'"
    " AND (d.kind <> 'talk' OR EXISTS (SELECT 1 FROM utterances u WHERE u.dialogue_id = d.id))"
)
READ = text(
    "SELECT d.language, d.plan, s.emotion, s.scene, a.body FROM dialogues d JOIN seeds s ON s.id = d.seed_id"
    " JOIN artefacts a ON a.dialogue_id = d.id AND a.kind = d.kind WHERE d.id = :id ORDER BY a.number DESC LIMIT 1"
)
SEEDS = """SELECT id, language, "text", fields, file, "row", row_id FROM seeds WHERE kind = 'text'"""
PAGE = 1_000
"""Seeds read together."""


@dataclass(frozen=True, slots=True)
class StoredScenario:
    """A scenario with its cell, the plan it was written to, and its parts by name."""

    id: str
    language: str
    cell: Cell
    plan: dict[str, Any]
    parts: dict[str, Any]


def list_inputs(engine: Engine, kind: Kind, run: int | None = None, language: str | None = None) -> list[str]:
    """Return the ids of what may be input, in the order in which it was planned.

    What waits for a person is among it: a scenario with a sign of danger waits, and so will the talk made of it.
    """
    query, values = LIST, {"kind": kind, "run": run, "language": language}
    query += " AND d.run_id = :run" if run is not None else ""
    query += " AND d.language = :language" if language is not None else ""
    with explained(engine), engine.connect() as db:
        rows = db.execute(text(f"{query} ORDER BY d.run_id, d.position"), values)
        return [row.id for row in rows if read_standing(row) != "rejected"]


def read_scenario(engine: Engine, id: str) -> StoredScenario:
    """Return a scenario; raises InputError where it is gone."""
    with explained(engine), engine.connect() as db:
        row = db.execute(READ, {"id": id}).one_or_none()
    if row is None:
        raise InputError(f"scenario {id} is no longer in this database")
    return StoredScenario(id, row.language, Cell(row.emotion, row.scene), json.loads(row.plan), json.loads(row.body))


@dataclass(frozen=True, slots=True)
class StoredSeed:
    """A text that an ingest brought in, with the other texts of its row by name and where it stood."""

    id: int
    language: str
    text: str
    file: str
    row: int
    row_id: str | None
    fields: Mapping[str, str] = field(default_factory=dict)


def list_seeds(engine: Engine, run: int | None = None, language: str | None = None) -> Iterator[StoredSeed]:
    """Yield the ingested seeds in the order in which they came, all or those of one ingest."""
    query = f"{SEEDS} AND run_id IS NOT NULL AND id > :last"
    query += " AND run_id = :run" if run is not None else ""
    query += " AND language = :language" if language is not None else ""
    last, rows = 0, 1
    while rows:
        values = {"run": run, "language": language, "last": last, "page": PAGE}
        with explained(engine), engine.connect() as db:
            page = [_read_seed(row) for row in db.execute(text(f"{query} ORDER BY id LIMIT :page"), values)]
        yield from page
        rows = len(page)
        last = page[-1].id if page else last


def read_seed(engine: Engine, id: int) -> StoredSeed:
    """Return an ingested seed; raises InputError where it is gone."""
    with explained(engine), engine.connect() as db:
        row = db.execute(text(f"{SEEDS} AND id = :id"), {"id": id}).one_or_none()
    if row is None:
        raise InputError(f"seed {id} is no longer in this database")
    return _read_seed(row)


def _read_seed(row: Row[Any]) -> StoredSeed:
    fields = json.loads(row.fields) if row.fields else {}
    return StoredSeed(row.id, row.language, row.text, row.file, row.row, row.row_id, fields)
