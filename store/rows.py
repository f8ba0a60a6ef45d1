"""How records become rows: the statements of the writer and the values they take."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import Connection, TextClause, text
from sqlmodel import SQLModel

from store.clean import clean_text
from store.near import save_bands
from store.records import DecisionRecord, DialogueRecord, FindingRecord, SeedRecord, ThoughtRecord, VerdictRecord
from store.tables import (
    ArtefactRow,
    AttemptRow,
    CallRow,
    DialogueRow,
    DisagreementRow,
    FindingRow,
    MessageRow,
    ParametersRow,
    PolicyRow,
    ProfileRow,
    ThoughtRow,
    UtteranceRow,
    VerdictRow,
)

HASH_BYTES = 10
"""80 bits: a hundred million messages collide with a chance of one in 200 million."""


def hash_text(content: str | bytes) -> bytes:
    """Return the hash under which a message or a set of parameters is kept."""
    data = content.encode() if isinstance(content, str) else content
    return blake2b(data, digest_size=HASH_BYTES).digest()


def insert(table: type[SQLModel], *, ignore: bool = False) -> TextClause:
    """Return the statement that inserts a row of a table, in words both databases understand."""
    columns = [column.name for column in table.__table__.columns]  # type: ignore[attr-defined]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f":{name}" for name in columns)
    end = " ON CONFLICT DO NOTHING" if ignore else ""
    return text(f'INSERT INTO "{table.__tablename__}" ({names}) VALUES ({values}){end}')


INSERT_MESSAGE = insert(MessageRow, ignore=True)
INSERT_PARAMETERS = insert(ParametersRow, ignore=True)
INSERT_CALL = insert(CallRow)
INSERT_DIALOGUE = insert(DialogueRow, ignore=True)
INSERT_CHILDREN = {
    "profiles": insert(ProfileRow),
    "utterances": insert(UtteranceRow),
    "attempts": insert(AttemptRow),
    "findings": insert(FindingRow),
    "verdicts": insert(VerdictRow),
    "disagreements": insert(DisagreementRow),
    "thoughts": insert(ThoughtRow),
    "artefacts": insert(ArtefactRow),
}
INSERT_POLICY = insert(PolicyRow, ignore=True)
INSERT_STALE = text(
    "INSERT INTO stale (dialogue_id) VALUES (:dialogue_id)"
    " ON CONFLICT (dialogue_id) DO UPDATE SET dialogue_id = excluded.dialogue_id"
)
"""Holds a mark that is there as well: in PostgreSQL it could else be wiped off before what it tells of is seen."""
INSERT_DECISION = text(
    "INSERT INTO decisions (dialogue_id, policy, version, choice, reasons, policy_hash, created_at)"
    " VALUES (:dialogue_id, :policy, :version, :choice, :reasons, :policy_hash, :created_at)"
)
INSERT_SEED = text(
    'INSERT INTO seeds (digest, kind, emotion, scene, "text", file, "row", row_id)'
    " VALUES (:digest, :kind, :emotion, :scene, :text, :file, :row, :row_id) ON CONFLICT DO NOTHING"
)
FIND_SEED = text("SELECT id FROM seeds WHERE digest = :digest")


def dump(value: object) -> str:
    """Return a value as compact JSON text."""
    return clean_text(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode())


def save_seed(db: Connection, seed: SeedRecord) -> int:
    """Return the id of a seed, storing it where it is not there yet."""
    if seed.id is not None:
        return seed.id
    named = (seed.kind, seed.emotion, seed.scene, seed.text, seed.file, seed.row, seed.row_id)
    values = {
        "digest": hash_text(dump(named)),
        "kind": seed.kind,
        "emotion": seed.emotion,
        "scene": seed.scene,
        "text": clean_text(seed.text) if seed.text is not None else None,
        "file": seed.file,
        "row": seed.row,
        "row_id": seed.row_id,
    }
    db.execute(INSERT_SEED, values)
    found: int = db.execute(FIND_SEED, {"digest": values["digest"]}).scalar_one()
    return found


def save_dialogue(db: Connection, record: DialogueRecord, now: float) -> bool:
    """Store a whole session; returns False, storing nothing, where it is there already."""
    stored = db.execute(INSERT_DIALOGUE, dialogue_values(record, save_seed(db, record.seed), now))
    if stored.rowcount == 0:
        return False
    for table, rows in child_values(record).items():
        if rows:
            db.execute(INSERT_CHILDREN[table], rows)
    if record.outcome == "done" and record.bands:
        save_bands(db, record.id, record.bands)
    if record.decision is not None:
        save_decision(db, record.id, record.decision, now)
    if record.kind == "talk":
        db.execute(INSERT_STALE, {"dialogue_id": record.id})
    return True


def save_decision(db: Connection, dialogue_id: str, decided: DecisionRecord, now: float) -> None:
    """Store what a policy decided, with the policy itself."""
    body = clean_text(decided.body)
    key = hash_text(body)
    db.execute(INSERT_POLICY, {"hash": key, "name": decided.policy, "version": decided.version, "body": body})
    values = {
        "dialogue_id": dialogue_id,
        "policy": decided.policy,
        "version": decided.version,
        "choice": decided.choice,
        "reasons": dump(decided.reasons),
        "policy_hash": key,
        "created_at": now,
    }
    db.execute(INSERT_DECISION, values)


def dialogue_values(record: DialogueRecord, seed_id: int, now: float) -> dict[str, Any]:
    """Return the row of a dialogue."""
    return {
        "id": record.id,
        "run_id": record.run_id,
        "position": record.position,
        "seed_id": seed_id,
        "kind": record.kind,
        "parent_id": record.parent_id,
        "recipe": record.recipe,
        "language": record.language,
        "outcome": record.outcome,
        "reason": clean_text(record.reason) if record.reason else None,
        "error_kind": record.error_kind,
        "end_reason": record.end_reason,
        "plan": dump(record.plan),
        "risk_tier": record.risk_tier,
        "is_crisis": record.is_crisis,
        "is_rehearsal": record.is_rehearsal,
        "is_edited": False,
        "people": None,
        "request_id": record.request_id,
        "exchanges": record.exchanges,
        "checks": record.checks,
        "created_at": now,
    }


def child_values(record: DialogueRecord) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Return the rows that hang on a dialogue, by table."""
    key = {"dialogue_id": record.id}
    profile = [key | {"body": dump(record.profile)}] if record.profile is not None else []
    return {
        "profiles": profile,
        "utterances": [
            key
            | {
                "number": number,
                "speaker": line.speaker,
                "text": clean_text(line.text),
                "reasoning": clean_text(line.reasoning) or None,
                "stage": line.stage,
                "call_number": line.call_number,
            }
            for number, line in enumerate(record.utterances)
        ],
        "attempts": [
            key
            | {
                "exchange": draft.exchange,
                "attempt": draft.attempt,
                "call_number": draft.call_number,
                "is_chosen": draft.is_chosen,
            }
            for draft in record.attempts
        ],
        "findings": [finding_values(record.id, number, found) for number, found in enumerate(record.findings)],
        "verdicts": [verdict_values(record.id, number, judged) for number, judged in enumerate(record.verdicts)],
        "disagreements": [key | asdict(apart) for apart in record.disagreements],
        "thoughts": [thought_values(record.id, thought) for thought in record.thoughts],
        "artefacts": [
            key
            | {
                "number": number,
                "kind": made.kind,
                "exchange": made.exchange,
                "body": dump(made.body),
                "call_number": made.call_number,
            }
            for number, made in enumerate(record.artefacts)
        ],
    }


def finding_values(dialogue_id: str, number: int, found: FindingRecord) -> dict[str, Any]:
    """Return the row of a finding."""
    return {
        "dialogue_id": dialogue_id,
        "number": number,
        "exchange": found.exchange,
        "attempt": found.attempt,
        "speaker": found.speaker,
        "rule": found.rule,
        "version": found.version,
        "severity": found.severity,
        "span_start": found.span[0],
        "span_end": found.span[1],
        "reason": clean_text(found.reason),
    }


def verdict_values(dialogue_id: str, number: int, judged: VerdictRecord) -> dict[str, Any]:
    """Return the row of a verdict."""
    return {
        "dialogue_id": dialogue_id,
        "number": number,
        "exchange": judged.exchange,
        "attempt": judged.attempt,
        "rubric": judged.rubric,
        "version": judged.version,
        "scores": dump(judged.scores) if judged.scores is not None else None,
        "quotes": dump(judged.quotes) if judged.quotes else None,
        "reason": clean_text(judged.reason) or None,
        "unscored": clean_text(judged.unscored) or None,
        "about": judged.about,
        "model": judged.model or None,
        "repeat": judged.repeat,
        "judged_in": judged.judged_in,
        "call_number": judged.call_number,
    }


def thought_values(dialogue_id: str, thought: ThoughtRecord) -> dict[str, Any]:
    """Return the row of a counselor's thought."""
    return {
        "dialogue_id": dialogue_id,
        "number": thought.number,
        "text": clean_text(thought.text) or None,
        "problem": clean_text(thought.problem) or None,
        "version": thought.version,
        "model": thought.model,
        "judged_in": thought.judged_in,
        "call_number": thought.call_number,
    }
