"""Stored dialogues as whoever judges them later needs them, and what came of it: findings, verdicts, a new decision."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, bindparam, text

from store.db import explained, persist
from store.records import (
    DecisionRecord,
    DisagreementRecord,
    FindingRecord,
    ThoughtRecord,
    UtteranceRecord,
    VerdictRecord,
)
from store.rows import INSERT_CHILDREN, INSERT_STALE, finding_values, save_decision, thought_values, verdict_values
from store.standing import People

BATCH = 200
"""Dialogues read, judged and saved together: the lock is held for some hundredths of a second."""
CHILDREN = {
    "utterances": "number",
    "attempts": "exchange, attempt",
    "findings": "number",
    "verdicts": "number",
    "thoughts": "number",
    "decisions": "id",
}
"""Tables that hang on a dialogue, with the order of their rows."""


@dataclass(frozen=True, slots=True)
class LastDecision:
    """The newest decision; `body` is the policy that made it, as JSON, where it was kept."""

    choice: str
    reasons: tuple[str, ...]
    body: str | None


@dataclass(frozen=True, slots=True)
class StoredDialogue:
    """A stored dialogue with all that was found, judged and decided."""

    id: str
    run_id: int
    position: int
    recipe: str
    language: str
    outcome: str
    plan: Mapping[str, Any]
    risk_tier: str
    is_crisis: bool
    is_edited: bool
    is_rehearsal: bool
    checks: str | None
    utterances: tuple[UtteranceRecord, ...]
    chosen: Mapping[int, int]
    """The attempt that was chosen, by exchange; empty where nothing was ever rewritten."""
    findings: tuple[FindingRecord, ...]
    verdicts: tuple[VerdictRecord, ...]
    thoughts: Mapping[int, int]
    """The prompt's version of each thought that is there, by number of its utterance."""
    decision: LastDecision | None
    people: People | None
    """What people say of it."""

    def stands(self, exchange: int, attempt: int, speaker: str = "counselor") -> bool:
        """Whether something is about what stands in the dialogue: the whole, the client, or the chosen attempt."""
        if exchange == 0 or speaker == "client":
            return True
        return self.chosen.get(exchange, attempt) == attempt


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be kept of a new judgement; None leaves what is there."""

    dialogue: StoredDialogue
    findings: Sequence[FindingRecord] | None = None
    checks: str | None = None
    verdicts: Sequence[VerdictRecord] = ()
    disagreements: Sequence[DisagreementRecord] | None = None
    thoughts: Sequence[ThoughtRecord] = ()
    risk_tier: str | None = None
    decision: DecisionRecord | None = None


def list_ids(
    engine: Engine, *, run: int | None = None, recipe: str | None = None, outcomes: Collection[str] = ("done",)
) -> list[str]:
    """Return the ids of the dialogues with text that are asked for, in the order in which they were planned."""
    query = "SELECT id FROM dialogues WHERE outcome IN :outcomes AND exchanges > 0"
    values: dict[str, Any] = {"outcomes": sorted(outcomes)}
    for name, value in (("run_id", run), ("recipe", recipe)):
        if value is not None:
            query += f" AND {name} = :{name}"
            values[name] = value
    statement = text(f"{query} ORDER BY run_id, position").bindparams(bindparam("outcomes", expanding=True))
    with explained(engine), engine.connect() as db:
        return list(db.execute(statement, values).scalars())


def read_dialogue(engine: Engine, id: str) -> StoredDialogue | None:
    """Return one dialogue, or None where it is gone."""
    return next(read_dialogues(engine, [id]), None)


def read_dialogues(engine: Engine, ids: Sequence[str]) -> Iterator[StoredDialogue]:
    """Yield dialogues in this order, reading a batch at a time; one that is gone is left out."""
    for start in range(0, len(ids), BATCH):
        with explained(engine), engine.connect() as db:
            batch = read_batch(db, ids[start : start + BATCH])
        yield from batch


def read_batch(db: Connection, ids: Sequence[str]) -> list[StoredDialogue]:
    """Return some dialogues with everything that hangs on them."""
    heads = {row["id"]: row for row in _select(db, "SELECT * FROM dialogues WHERE id IN :ids", ids)}
    rows = {
        table: _group(_select(db, f"SELECT * FROM {table} WHERE dialogue_id IN :ids ORDER BY {order}", ids))
        for table, order in CHILDREN.items()
    }
    bodies = _read_policies(db, {row["policy_hash"] for listed in rows["decisions"].values() for row in listed[-1:]})
    return [
        _join(heads[id], {table: rows[table].get(id, []) for table in CHILDREN}, bodies) for id in ids if id in heads
    ]


def save_judged(engine: Engine, judged: Sequence[Judged], now: float) -> list[str]:
    """Store new judgements in one transaction; returns the ids whose text has changed since, which are left alone."""

    def save() -> list[str]:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            return [one.dialogue.id for one in judged if not save_one(db, one, now)]

    with explained(engine):
        return persist(save)


def save_one(db: Connection, judged: Judged, now: float) -> bool:
    """Store one new judgement; False, storing nothing, where the dialogue no longer says what was judged."""
    old = judged.dialogue
    if not _says_the_same(db, old):
        return False
    key = {"id": old.id}
    if judged.findings is not None:
        db.execute(text("DELETE FROM findings WHERE dialogue_id = :id"), key)
        _insert(db, "findings", [finding_values(old.id, n, found) for n, found in enumerate(judged.findings)])
    if judged.verdicts:
        first = db.execute(text("SELECT coalesce(max(number) + 1, 0) FROM verdicts WHERE dialogue_id = :id"), key)
        start = first.scalar_one()
        _insert(db, "verdicts", [verdict_values(old.id, n, one) for n, one in enumerate(judged.verdicts, start)])
    if judged.disagreements is not None:
        db.execute(text("DELETE FROM disagreements WHERE dialogue_id = :id"), key)
        rows = [{"dialogue_id": old.id, **{n: getattr(row, n) for n in row.__slots__}} for row in judged.disagreements]
        _insert(db, "disagreements", rows)
    for thought in judged.thoughts:
        values = {"id": old.id, "number": thought.number}
        db.execute(text("DELETE FROM thoughts WHERE dialogue_id = :id AND number = :number"), values)
    _insert(db, "thoughts", [thought_values(old.id, thought) for thought in judged.thoughts])
    if judged.checks is not None:
        db.execute(text("UPDATE dialogues SET checks = :checks WHERE id = :id"), key | {"checks": judged.checks})
    if judged.risk_tier is not None:
        raised = text("UPDATE dialogues SET risk_tier = :tier, is_crisis = :is_crisis WHERE id = :id")
        db.execute(raised, key | {"tier": judged.risk_tier, "is_crisis": judged.risk_tier != "none"})
    if judged.decision is not None:
        save_decision(db, old.id, judged.decision, now)
    db.execute(INSERT_STALE, {"dialogue_id": old.id})
    return True


def with_verdicts(dialogue: StoredDialogue, verdicts: Sequence[VerdictRecord]) -> StoredDialogue:
    """Return a dialogue as it is once these verdicts are stored."""
    return replace(dialogue, verdicts=(*dialogue.verdicts, *verdicts))


def _says_the_same(db: Connection, dialogue: StoredDialogue) -> bool:
    said = db.execute(
        text('SELECT "text" FROM utterances WHERE dialogue_id = :id ORDER BY number'), {"id": dialogue.id}
    )
    return list(said.scalars()) == [line.text for line in dialogue.utterances]


def _insert(db: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.execute(INSERT_CHILDREN[table], rows)


def _select(db: Connection, query: str, ids: Sequence[str]) -> list[RowMapping]:
    return list(db.execute(text(query).bindparams(bindparam("ids", expanding=True)), {"ids": list(ids)}).mappings())


def _group(rows: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    grouped: dict[str, list[RowMapping]] = {}
    for row in rows:
        grouped.setdefault(row["dialogue_id"], []).append(row)
    return grouped


def _read_policies(db: Connection, hashes: Collection[bytes | None]) -> dict[bytes, str]:
    known = [key for key in hashes if key is not None]
    if not known:
        return {}
    query = text("SELECT hash, body FROM policies WHERE hash IN :keys").bindparams(bindparam("keys", expanding=True))
    return {bytes(key): body for key, body in db.execute(query, {"keys": known})}


def _join(head: RowMapping, rows: Mapping[str, Sequence[RowMapping]], bodies: Mapping[bytes, str]) -> StoredDialogue:
    last = rows["decisions"][-1] if rows["decisions"] else None
    return StoredDialogue(
        id=head["id"],
        run_id=head["run_id"],
        position=head["position"],
        recipe=head["recipe"],
        language=head["language"],
        outcome=head["outcome"],
        plan=json.loads(head["plan"]),
        risk_tier=head["risk_tier"],
        is_crisis=bool(head["is_crisis"]),
        is_edited=bool(head["is_edited"]),
        is_rehearsal=bool(head["is_rehearsal"]),
        checks=head["checks"],
        utterances=tuple(
            UtteranceRecord(row["speaker"], row["text"], row["reasoning"] or "", row["stage"], row["call_number"])
            for row in rows["utterances"]
        ),
        chosen={row["exchange"]: row["attempt"] for row in rows["attempts"] if row["is_chosen"]},
        findings=tuple(_read_finding(row) for row in rows["findings"]),
        verdicts=tuple(_read_verdict(row) for row in rows["verdicts"]),
        thoughts={row["number"]: row["version"] for row in rows["thoughts"]},
        decision=None
        if last is None
        else LastDecision(
            last["choice"],
            tuple(json.loads(last["reasons"])),
            bodies.get(bytes(last["policy_hash"])) if last["policy_hash"] is not None else None,
        ),
        people=head["people"],
    )


def _read_finding(row: RowMapping) -> FindingRecord:
    return FindingRecord(
        row["exchange"], row["attempt"], row["speaker"], row["rule"], row["version"], row["severity"],
        (row["span_start"], row["span_end"]), row["reason"],
    )  # fmt: skip


def _read_verdict(row: RowMapping) -> VerdictRecord:
    return VerdictRecord(
        row["exchange"], row["attempt"], row["rubric"], row["version"],
        json.loads(row["scores"]) if row["scores"] else None,
        json.loads(row["quotes"]) if row["quotes"] else {},
        row["reason"] or "", row["unscored"] or "", row["call_number"], row["model"] or "", row["about"], row["repeat"],
        row["judged_in"],
    )  # fmt: skip
