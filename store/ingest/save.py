"""Stores prepared rows, a batch in one transaction: after a kill whole batches are there, and of one batch nothing."""

import time
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, TextClause, bindparam, text

from store.db import explained, persist
from store.ingest.prepared import Prepared
from store.records import DialogueRecord, SeedRecord
from store.rows import INSERT_CHILDREN, INSERT_DIALOGUE, INSERT_STALE, dialogue_values
from store.runs import INGEST, Run, beat

BATCH = 1_000
"""Rows of a transaction; the lock is held for a fifth of a second."""
FIND = text('SELECT id, digest, run_id, "row" FROM seeds WHERE digest IN :digests').bindparams(
    bindparam("digests", expanding=True)
)
INSERT_SEED = text(
    'INSERT INTO seeds (digest, kind, "text", file, "row", row_id, run_id, language, licence, source, fields)'
    " VALUES (:digest, :kind, :text, :file, :row, :row_id, :run_id, :language, :licence, :source, :fields)"
    " ON CONFLICT DO NOTHING"
)
COUNT = text('UPDATE runs SET "count" = :count WHERE id = :run_id AND "count" < :count')


def save_batch(engine: Engine, run: Run, batch: Sequence[Prepared], origin: dict[str, str], last: int) -> int:
    """Store what is not there yet and return how many rows that is; `origin` is their file, source and licence.

    `last` is the row up to which the file has been read. Raises StoreError where another process has the run.
    """

    def save() -> int:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            beat(db, run.id, run.owner)
            db.execute(COUNT, {"count": last, "run_id": run.id})
            return save_rows(db, run.id, batch, origin)

    with explained(engine):
        return persist(save)


def save_rows(db: Connection, run_id: int, batch: Sequence[Prepared], origin: dict[str, str]) -> int:
    """Store rows within a transaction; of two that are the same the first stays."""
    by_digest = {row.digest: row for row in reversed(batch)}
    if not by_digest:
        return 0
    known = {bytes(found.digest) for found in db.execute(FIND, {"digests": list(by_digest)})}
    fresh = sorted((row for digest, row in by_digest.items() if digest not in known), key=lambda row: row.number)
    if not fresh:
        return 0
    insert_many(db, INSERT_SEED, [seed_values(row, run_id, origin) for row in fresh])
    # Where another ingest was faster by a moment, the row is its own.
    ids = {
        bytes(found.digest): found.id
        for found in db.execute(FIND, {"digests": [row.digest for row in fresh]})
        if (found.run_id, found.row) == (run_id, by_digest[bytes(found.digest)].number)
    }
    mine = [row for row in fresh if row.digest in ids]
    talks = [row for row in mine if row.lines]
    if talks:
        now = time.time()
        insert_many(db, INSERT_DIALOGUE, [talk_values(row, run_id, ids[row.digest], now) for row in talks])
        insert_many(db, INSERT_CHILDREN["utterances"], [line for row in talks for line in line_values(row, run_id)])
        db.execute(INSERT_STALE, [{"dialogue_id": f"{run_id}/{row.number}"} for row in talks])
    return len(mine)


def insert_many(db: Connection, statement: TextClause, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows without SQLAlchemy's work on each of them, which takes as long as the database's."""
    compiled = statement.compile(dialect=db.dialect)
    names = getattr(compiled, "positiontup", None)
    db.exec_driver_sql(str(compiled), [tuple(row[name] for name in names) for row in rows] if names else list(rows))


def seed_values(row: Prepared, run_id: int, origin: dict[str, str]) -> dict[str, Any]:
    """Return the row of a seed; a dialogue's own holds where it came from."""
    return {
        "digest": row.digest,
        "kind": "row" if row.lines else "text",
        "text": row.text,
        "row": row.number,
        "row_id": row.row_id,
        "run_id": run_id,
        "language": row.language,
        "fields": orjson.dumps(row.fields).decode() if row.fields else None,
        **origin,
    }


def talk_values(row: Prepared, run_id: int, seed_id: int, now: float) -> dict[str, Any]:
    """Return the row of a dialogue, which no check has seen and nobody has decided on."""
    record = DialogueRecord(
        run_id=run_id,
        position=row.number,
        seed=SeedRecord("row", id=seed_id),
        recipe=INGEST,
        language=row.language,
        outcome="done",
        plan={},
        risk_tier="none",
        is_crisis=False,
        is_rehearsal=False,
    )
    return dialogue_values(record, seed_id, now) | {"exchanges": sum(line.speaker == "counselor" for line in row.lines)}


def line_values(row: Prepared, run_id: int) -> list[dict[str, Any]]:
    """Return the rows of a dialogue's utterances."""
    return [
        {
            "dialogue_id": f"{run_id}/{row.number}",
            "number": number,
            "speaker": line.speaker,
            "text": line.text,
            "reasoning": line.reasoning or None,
            "stage": None,
            "call_number": None,
        }
        for number, line in enumerate(row.lines)
    ]
