"""Talks for the tests of the review: stored as a run stores them, with something different in each."""

import random
from typing import Any

from store.db import Database
from store.near import read_wording
from store.records import (
    AttemptRecord,
    DecisionRecord,
    DialogueRecord,
    FindingRecord,
    SeedRecord,
    UtteranceRecord,
    VerdictRecord,
)
from store.rows import INSERT_CALL, save_dialogue
from store.runs import PlanLine, Run, start_run
from store.tables import CallRow

EMOTIONS = ("panic", "guilt", "social_anxiety")
SCENES = ("S01", "S02", "W01")
SAID = ("失眠很久了", "考试让我紧张", "和妈妈吵架", "工作压力大", "I cannot sleep", "睡不着，很累", "想念外婆")
RULES = ("empty", "lecture", "repeats")


def start(database: Database, count: int, recipe: str = "session") -> Run:
    """Start a run of a recipe."""
    told: dict[str, Any] = {"config": {}, "versions": {}, "prompts": {}, "git_commit": None, "is_rehearsal": True}
    line = PlanLine(recipe, "zh", 0, "emotions.yaml 00")
    return start_run(database, line, first_position=0, count=count, **told)


def make_talk(
    run: Run, position: int, chance: random.Random, recipe: str = "session", **changes: Any
) -> DialogueRecord:
    """Return a talk with everything in it drawn by chance."""
    lines = [
        UtteranceRecord("client" if number % 2 == 0 else "counselor", chance.choice(SAID), "", None, number)
        for number in range(2 * chance.randint(1, 5))
    ]
    risk = chance.choice(("none", "none", "none", "passive"))
    found = [FindingRecord(1, attempt, "counselor", chance.choice(RULES), 1, "note", (0, 1), "r") for attempt in (0, 1)]
    scores = {"a": float(chance.randint(1, 5)), "b": float(chance.randint(1, 5))}
    verdicts = [
        VerdictRecord(0, 0, "session", 1, scores, {}, "", "", None),
        VerdictRecord(0, 0, "ctrs", 1, {"x": float(chance.randint(0, 6))}, {}, "", "", None),
    ]
    outcome = chance.choice(("done", "done", "done", "rejected", "failed"))
    told: dict[str, Any] = {
        "seed": SeedRecord("cell", emotion=chance.choice(EMOTIONS), scene=chance.choice(SCENES)),
        "recipe": recipe,
        "language": chance.choice(("zh", "en")),
        "outcome": outcome,
        "plan": {},
        "risk_tier": risk,
        "is_crisis": risk != "none",
        "is_rehearsal": chance.random() < 0.5,
        "utterances": lines,
        "attempts": [AttemptRecord(1, 0, 1, False), AttemptRecord(1, 1, 1, True)],
        "findings": found[: chance.randint(0, 2)],
        "verdicts": verdicts[: chance.randint(0, 2)],
        "checks": "1",
        "decision": DecisionRecord("default", 1, chance.choice(("accept", "reject", "person")), (), "{}"),
        "bands": read_wording([line.text for line in lines]).bands,
    }
    return DialogueRecord(run.id, position, **(told | changes))


def save(database: Database, *records: DialogueRecord, model: str = "model-1", now: float = 0.0) -> None:
    """Store talks, with the call that wrote the counselor's first line."""
    call = dict.fromkeys(CallRow.model_fields) | {
        "key": b"k", "agent": "counselor", "branch": "counselor", "prompt_hash": b"p", "messages": b"",
        "parameters_hash": b"q", "outcome": "ok", "content": "", "finish": "stop", "latency_ms": 1, "created_at": now,
    }  # fmt: skip
    with database.connect().execution_options(writes=True) as db, db.begin():
        for record in records:
            save_dialogue(db, record, now)
            told = {"run_id": record.run_id, "position": record.position, "served_model": model}
            spoken = [line.call_number for line in record.utterances if line.speaker == "counselor"]
            if spoken:
                db.execute(INSERT_CALL, call | told | {"number": spoken[-1]})
