"""Talks as a run leaves them, to be reviewed: lines with reasoning, drafts, findings, verdicts, profile, cost."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from store.cards import refresh_cards
from store.records import (
    AttemptRecord,
    DecisionRecord,
    DialogueRecord,
    FindingRecord,
    SeedRecord,
    ThoughtRecord,
    UtteranceRecord,
    VerdictRecord,
)
from store.rows import INSERT_CALL, save_dialogue
from tests.store.test_sessions import begin

Dress = Callable[[str, int], str]
"""What becomes of a text: the field it stands in and the talk's position are given."""
LINES = (
    ("client", "这周我一直失眠，凌晨三点还醒着。"),
    ("counselor", "凌晨三点醒着，那会儿屋里就你一个人。那时候心里在转什么？"),
    ("client", "就想着考试，想着我妈说的话。"),
    ("counselor", "考试和妈妈的话一起压过来。哪一样更沉？"),
)
SPAN = (0, 6)


def as_it_is(field: str, position: int) -> str:
    """Return the plain text of a field."""
    return {"draft": "你应该早点睡。", "reasoning": "他在说睡眠，我先不给建议。"}.get(field, f"{field} {position}")


def make_talk(run: int, position: int, dress: Dress = as_it_is, **changes: Any) -> DialogueRecord:
    """Return a talk of two exchanges whose first reply was written twice; `dress` gives all texts but the lines."""
    said = dict.fromkeys(("reasoning", "finding", "quote", "verdict", "reason", "model", "rule", "unscored"), "")
    told = {field: dress(field, position) for field in (*said, "thought", "name", "situation", "plan", "stage", "end")}
    lines = changes.pop("lines", LINES)
    verdict = VerdictRecord(
        1, 1, "turn", 1, {"grounded": 1.0}, {"grounded": told["quote"]}, told["verdict"], "", 1, told["model"]
    )
    whole = VerdictRecord(0, 0, "session", 1, {"understanding": 2.0}, {}, told["verdict"], "", None, told["model"])
    about: dict[str, Any] = {
        "run_id": run,
        "position": position,
        "seed": SeedRecord("cell", "performance_anxiety", "S01"),
        "recipe": "session",
        "language": "zh",
        "outcome": "done",
        "plan": {"attitude": told["plan"], "exchanges": 2},
        "risk_tier": "none",
        "is_crisis": False,
        "is_rehearsal": True,
        "end_reason": told["end"],
        "profile": {"name": told["name"], "situation": told["situation"]},
        "utterances": [
            UtteranceRecord(speaker, text, told["reasoning"] if speaker == "counselor" else "", told["stage"], 1)
            for speaker, text in lines
        ],
        "attempts": [AttemptRecord(1, 0, 0, False), AttemptRecord(1, 1, 1, True)],
        "findings": [
            FindingRecord(1, 0, "counselor", told["rule"], 1, "reject", (0, 4), told["finding"]),
            FindingRecord(1, 1, "counselor", told["rule"], 1, "flag", SPAN, told["finding"]),
            FindingRecord(0, 0, "counselor", told["rule"], 1, "flag", (0, 0), told["finding"]),
        ],
        "verdicts": [
            verdict,
            whole,
            VerdictRecord(0, 0, "realism", 1, None, {}, "", told["unscored"], None, told["model"]),
        ],
        "thoughts": [ThoughtRecord(1, told["thought"], "", 1, "m", None)],
        "checks": "c1",
        "decision": DecisionRecord("default", 2, "person", (told["reason"],), "{}"),
    }
    return DialogueRecord(**about | changes)


def make_calls(run: int, position: int, dress: Dress = as_it_is) -> list[dict[str, Any]]:
    """Return the calls behind a talk: the draft that was not used, and the one that was."""
    about = {
        "run_id": run, "position": position, "agent": "counselor", "branch": "counselor", "key": b"k", "seed": None,
        "prompt_hash": b"p", "messages": b"", "parameters_hash": b"q", "outcome": "ok", "reasoning": None,
        "finish": "stop", "served_model": dress("model", position), "fingerprint": None, "prompt_tokens": 900,
        "cached_tokens": 600, "completion_tokens": 40, "reasoning_tokens": 0, "latency_ms": 5, "price": 0.0004,
        "currency": "CNY", "created_at": 0.0,
    }  # fmt: skip
    return [about | {"number": number, "content": dress("draft", position)} for number in (0, 1)]


def keep_talks(
    engine: Engine, count: int, dress: Dress = as_it_is, *, change: Callable[[int], dict[str, Any]] | None = None
) -> list[str]:
    """Store a run of so many talks with their cards and return their ids; `change` alters the talk of a position."""
    run = begin(engine, count).id
    with engine.connect().execution_options(writes=True) as db, db.begin():
        for position in range(count):
            save_dialogue(db, make_talk(run, position, dress, **(change(position) if change else {})), time.time())
            db.execute(INSERT_CALL, make_calls(run, position, dress))
    refresh_cards(engine)
    return [f"{run}/{position}" for position in range(count)]
