"""A session that went in comes out again, and never twice."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Row, text

from store.db import Database
from store.errors import StoreError
from store.ledger import Ledger
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
from store.runs import PlanLine, Run, start_run
from store.trace import trace_calls

LINE = PlanLine("session", "zh", 0, "emotions.yaml 00")


def begin(database: Database, count: int = 3) -> Run:
    """Start a run."""
    told: dict[str, Any] = {"config": {}, "versions": {}, "prompts": {}, "git_commit": None, "is_rehearsal": True}
    return start_run(database, LINE, first_position=0, count=count, **told)


def make_call(content: str = "嗯。", **changes: Any) -> dict[str, Any]:
    """Return what the cast hands to the ledger for one answered call."""
    call: dict[str, Any] = {
        "key": b"k" * 16,
        "agent": "counselor",
        "branch": "counselor",
        "prompt_hash": b"p" * 12,
        "messages": [("system", "头"), ("user", "睡不着。")],
        "parameters": b'{"fields":{}}',
        "seed": 7,
        "requested_model": "m",
        "outcome": "ok",
        "content": content,
        "reasoning": "想想",
        "finish": "stop",
        "served_model": "m-1",
        "fingerprint": None,
        "prompt_tokens": 9,
        "cached_tokens": None,
        "completion_tokens": 3,
        "reasoning_tokens": 1,
        "latency_ms": 12,
        "price": 0.5,
        "currency": "CNY",
    }
    return call | changes


def make_record(run: Run, position: int = 0) -> DialogueRecord:
    """Return a session with something in every table."""
    return DialogueRecord(
        run_id=run.id,
        position=position,
        seed=SeedRecord("text", text="最近很累\x00", file="a.jsonl", row=3, row_id="r3"),
        recipe="session",
        language="zh",
        outcome="done",
        plan={"exchanges": 8},
        risk_tier="passive",
        is_crisis=True,
        is_rehearsal=True,
        end_reason="closed",
        profile={"name": "小周"},
        utterances=[
            UtteranceRecord("client", "睡不着\ud83d。", "", None, 0),
            UtteranceRecord("counselor", "嗯。", "想想", "opening", 1),
        ],
        attempts=[AttemptRecord(1, 0, 0, False), AttemptRecord(1, 1, 1, True)],
        findings=[FindingRecord(1, 0, "counselor", "empty", 1, "reject", (0, 2), "nothing is said")],
        thoughts=[ThoughtRecord(1, "她说得轻，我先等等。", "", 1, "m", 1)],
        verdicts=[
            VerdictRecord(1, 1, "turn", 1, {"spoken": 1}, {}, "", "", 2),
            VerdictRecord(0, 0, "session", 1, None, {}, "", "no JSON", 3),
        ],
        decision=DecisionRecord("default", 1, "person", ("session: no JSON",), "{}"),
    )


def rows(database: Database, query: str) -> list[Row[Any]]:
    """Return the rows of a query, read by a connection of its own."""
    with database.connect() as db:
        return list(db.execute(text(query)))


def test_a_whole_session_comes_out_as_it_went_in(database: Database) -> None:
    run = begin(database)

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        await ledger.finish(make_record(run))
        await ledger.finish(make_record(run))
        await ledger.close()

    asyncio.run(act())
    (dialogue,) = rows(database, "SELECT id, outcome, end_reason, risk_tier, is_crisis, exchanges FROM dialogues")
    assert tuple(dialogue) == (f"{run.id}/0", "done", "closed", "passive", True, 1)
    spoken = rows(database, "SELECT speaker, text, reasoning, stage, call_number FROM utterances ORDER BY number")
    assert [tuple(row) for row in spoken] == [
        ("client", "睡不着。", None, None, 0),
        ("counselor", "嗯。", "想想", "opening", 1),
    ]
    (seed,) = rows(database, 'SELECT text, file, "row", row_id FROM seeds')
    assert tuple(seed) == ("最近很累", "a.jsonl", 3, "r3")
    assert [row.is_chosen for row in rows(database, "SELECT is_chosen FROM attempts ORDER BY attempt")] == [False, True]
    assert len(rows(database, "SELECT 1 FROM findings")) == 1
    verdicts = rows(database, "SELECT scores, unscored FROM verdicts ORDER BY number")
    assert (json.loads(verdicts[0].scores), verdicts[1].scores, verdicts[1].unscored) == (
        {"spoken": 1},
        None,
        "no JSON",
    )
    assert rows(database, "SELECT choice FROM decisions")[0].choice == "person"


def test_a_failed_session_is_a_row_with_its_reason(database: Database) -> None:
    run = begin(database)
    empty: dict[str, Any] = {"utterances": [], "attempts": [], "findings": [], "verdicts": [], "decision": None}
    failed = replace(
        make_record(run), outcome="failed", reason="no answer", error_kind="timeout", profile=None, **empty
    )

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        await ledger.finish(failed)
        await ledger.close()

    asyncio.run(act())
    assert tuple(rows(database, "SELECT outcome, reason, error_kind FROM dialogues")[0]) == (
        "failed",
        "no answer",
        "timeout",
    )


def test_a_recorded_call_is_committed_before_its_number_is_returned(database: Database) -> None:
    run = begin(database)

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        calls = ledger.open_session(0)
        assert calls.look_up(b"k" * 16) is None
        assert await calls.record(**make_call("半句\x00话")) == 0
        assert rows(database, "SELECT content FROM calls")[0].content == "半句话"
        assert await calls.record(**make_call(key=b"l" * 16)) == 1
        again = ledger.open_session(0)
        found = again.look_up(b"k" * 16)
        assert found is not None
        assert (found.number, found.outcome, found.content, found.reasoning) == (0, "ok", "半句话", "想想")
        assert await again.record(**make_call(key=b"m" * 16)) == 2
        assert ledger.open_session(1).look_up(b"k" * 16) is None
        await ledger.close()

    asyncio.run(act())
    assert len(rows(database, "SELECT 1 FROM messages")) == 2
    assert rows(database, "SELECT requested_model FROM parameters")[0].requested_model == "m"
    (first, *_) = trace_calls(database, run.id)
    assert first.messages == [("system", "头"), ("user", "睡不着。")]
    assert (first.parameters, first.seed) == (b'{"fields":{}}', 7)


def test_many_sessions_at_once_lose_nothing(database: Database) -> None:
    run = begin(database, 40)

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)

        async def play(position: int) -> None:
            calls = ledger.open_session(position)
            for number in range(10):
                told = make_call(f"{position} {number}", key=f"{position:8}{number:8}".encode())
                assert await calls.record(**told) == number
            await ledger.finish(make_record(run, position))

        await asyncio.gather(*(play(position) for position in range(40)))
        await ledger.close()

    asyncio.run(act())
    assert rows(database, "SELECT count(*) FROM calls")[0][0] == 400
    assert rows(database, "SELECT count(*) FROM dialogues")[0][0] == 40


def test_a_commit_that_fails_fails_everyone_who_waits_and_leaves_nothing_half_written(database: Database) -> None:
    run = begin(database)
    broken = replace(make_record(run), attempts=[AttemptRecord(1, 0, 0, True)] * 2)

    async def act() -> list[BaseException | int | None]:
        ledger = Ledger(database, run.id, run.owner)
        told = await asyncio.gather(
            ledger.finish(broken), ledger.open_session(1).record(**make_call()), return_exceptions=True
        )
        with pytest.raises(StoreError):
            await ledger.finish(make_record(run, 2))
        await ledger.close()
        return told

    told = asyncio.run(act())
    assert isinstance(told[0], StoreError)
    assert rows(database, "SELECT count(*) FROM dialogues")[0][0] == 0
    assert rows(database, "SELECT count(*) FROM utterances")[0][0] == 0


def test_a_run_that_was_taken_over_stops(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.ledger.BEAT_EVERY_S", 0.05)
    run = begin(database)
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("UPDATE runs SET owner = 'another'"))

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        await asyncio.sleep(0.3)
        try:
            with pytest.raises(StoreError, match="taken over"):
                await ledger.finish(make_record(run))
        finally:
            await ledger.close()

    asyncio.run(act())
