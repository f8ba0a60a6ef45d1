"""Reads all that the page of one dialogue shows: who said what, what was found, judged, tried, said of it and paid."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, text

from store.blind import may_settle, sees_others
from store.cards import find_standing
from store.db import explained
from store.judging import StoredDialogue, read_batch
from store.records import FindingRecord
from store.review.line import Line, Said, Verdict, read_lines, read_said, read_verdict
from store.reviews import read_log
from store.standing import Standing, list_standing

HEAD = text(
    "SELECT d.*, s.emotion, s.scene, s.kind AS seed_kind, s.text AS seed_text, s.file, s.row, p.body AS profile"
    " FROM dialogues d JOIN seeds s ON s.id = d.seed_id LEFT JOIN profiles p ON p.dialogue_id = d.id"
    " WHERE d.id = :id AND d.kind = 'talk'"
)
COSTS = text(
    "SELECT agent, served_model, currency, count(*) AS calls, sum(coalesce(prompt_tokens, 0)) AS read,"
    " sum(coalesce(cached_tokens, 0)) AS cached, sum(coalesce(completion_tokens, 0)) AS written, sum(price) AS price"
    " FROM calls WHERE run_id = :run AND position = :position GROUP BY agent, served_model, currency ORDER BY agent"
)
LOG = text(
    "SELECT r.*, e.before, e.after FROM reviews r LEFT JOIN edits e ON e.review_id = r.id AND r.verdict = 'edit'"
    " WHERE r.dialogue_id = :id ORDER BY r.id"
)
MADE = text("SELECT kind, exchange, body FROM artefacts WHERE dialogue_id = :id ORDER BY number")
PARENT = text(
    "SELECT a.body FROM dialogues d JOIN artefacts a ON a.dialogue_id = d.id AND a.kind = d.kind WHERE d.id = :id"
    " ORDER BY a.number DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class View:
    """A dialogue as its page shows it; `head` is its row with its seed's feeling and scene."""

    id: str
    head: Mapping[str, Any]
    dialogue: StoredDialogue
    standing: Standing
    lines: tuple[Line, ...]
    whole: tuple[FindingRecord, ...]
    verdicts: tuple[Verdict, ...]
    profile: Mapping[str, Any]
    scenario: Any
    made: tuple[tuple[str, int, Any], ...]
    """What the method made beside the talk: kind, exchange (0 for all of it) and body."""
    costs: tuple[Mapping[str, Any], ...]
    log: tuple[Said, ...]
    is_blind: bool
    """Whether what others said is kept back until this reviewer has judged."""
    may_settle: bool
    """Whether people disagree and this reviewer is none of them."""
    mine: str | None
    """The reviewer's own last verdict on the text as it reads."""


def read_view(engine: Engine, id: str, reviewer: str, *, is_full: bool = False) -> View | None:
    """Return what a reviewer may see of a talk, or None where there is none; `is_full` cuts no text."""
    with explained(engine), engine.connect() as db:
        head = db.execute(HEAD, {"id": id}).mappings().one_or_none()
        stored = read_batch(db, [id]) if head is not None else []
        if head is None or not stored:
            return None
        dialogue, key = stored[0], {"id": id, "run": head["run_id"], "position": head["position"]}
        short = read_log(db, id)
        may_see = sees_others(short, reviewer)
        standing_lines = list_standing(short)
        kept = {line.id for line in standing_lines}
        log = tuple(
            read_said(row, reviewer, row["id"] in kept)
            for row in db.execute(LOG, {"id": id}).mappings()
            if may_see or row["reviewer"] == reviewer
        )
        lines = read_lines(db, dialogue, key, log, is_full=is_full)
        parent = db.execute(PARENT, {"id": head["parent_id"]}).scalar() if head["parent_id"] else None
        made = tuple((row.kind, row.exchange, json.loads(row.body)) for row in db.execute(MADE, key))
        costs = tuple(dict(row) for row in db.execute(COSTS, key).mappings())
    edited = max((line.id for line in standing_lines if line.word == "edit"), default=0)
    mine = [
        line.word
        for line in standing_lines
        if line.reviewer == reviewer and line.id > edited and line.word in ("accept", "reject")
    ]
    return View(
        id=id,
        head=dict(head),
        dialogue=dialogue,
        standing=find_standing(dialogue if may_see else replace(dialogue, people=None)),
        lines=lines,
        whole=tuple(found for found in dialogue.findings if found.exchange == 0),
        verdicts=tuple(read_verdict(one) for one in dialogue.verdicts if one.exchange == 0),
        profile=json.loads(head["profile"]) if head["profile"] else {},
        scenario=json.loads(parent) if parent else None,
        made=made,
        costs=costs,
        log=log,
        is_blind=not may_see,
        may_settle=may_settle(short, reviewer),
        mine=mine[-1] if mine else None,
    )
