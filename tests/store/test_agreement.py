"""Rules, rubrics and policies are held against what people said, and only where they said one thing."""

import json
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import pytest
from sqlmodel import Session, SQLModel

from store.agreement import Agreement, print_agreement, read_agreement
from store.db import Database
from store.reviews import settle
from store.tables import AttemptRow, DecisionRow, DialogueRow, FindingRow, ReviewRow, SeedRow, VerdictRow
from tests.store.test_sessions import begin

SAID: dict[str, Sequence[str]] = {
    "1/0": ["accept"],
    "1/1": ["reject"],
    "1/2": ["reject", "comment"],
    "1/3": ["accept", "accept"],
    "1/4": ["accept", "reject"],
    "1/5": ["accept", "reject", "adjudicated reject"],
    "1/6": ["comment"],
    "1/7": [],
}
"""People accept two of these, reject three and dispute one."""


def find(id: str, number: int, rule: str, **changes: Any) -> FindingRow:
    about: dict[str, Any] = {"exchange": 1, "attempt": 0, "speaker": "counselor", "version": 1, "severity": "reject"}
    told = about | {"span_start": 0, "span_end": 2, "reason": "x"} | changes
    return FindingRow(dialogue_id=id, number=number, rule=rule, **told)


def judge(id: str, number: int, scores: dict[str, float] | None, **changes: Any) -> VerdictRow:
    about: dict[str, Any] = {"exchange": 0, "attempt": 0, "rubric": "session", "version": 1, "model": "m"}
    told = about | {"scores": None if scores is None else json.dumps(scores)} | changes
    return VerdictRow(dialogue_id=id, number=number, **told)


def decide(id: str, choice: str, policy: str = "default") -> DecisionRow:
    return DecisionRow(dialogue_id=id, policy=policy, version=1, choice=choice, reasons="[]", created_at=0)


def keep(database: Database, rows: Sequence[SQLModel]) -> None:
    """Store dialogues with what people said of them, and what else is given."""
    run = begin(database)
    with Session(database) as db:
        db.add(SeedRow(id=1, digest=b"d", kind="text", text="x"))
        db.flush()
        for position, id in enumerate(SAID):
            about: dict[str, Any] = {"recipe": "session", "language": "zh", "outcome": "done", "plan": "{}"}
            about |= {"risk_tier": "none", "is_crisis": False, "is_rehearsal": position == 0, "exchanges": 1}
            db.add(DialogueRow(id=id, run_id=run.id, position=position, seed_id=1, created_at=0, **about))
        db.flush()
        for id, words in SAID.items():
            for number, word in enumerate(words):
                verdict = word.removeprefix("adjudicated ")
                about = {"reviewer": f"r{number}", "verdict": verdict, "is_adjudication": word != verdict}
                db.add(ReviewRow(dialogue_id=id, created_at=0, **about))
                db.flush()
            settle(db.connection(), id)
        db.add_all(rows)
        db.commit()


def read(database: Database, *rows: SQLModel) -> Agreement:
    keep(database, rows)
    return read_agreement(database)


def test_only_dialogues_on_which_people_agree_count(database: Database) -> None:
    figures = read(database)
    assert (figures.accepted, figures.rejected, figures.disputed, figures.rehearsal) == (2, 3, 1, 1)


def test_a_rule_is_right_where_people_reject_and_fires_once_a_dialogue(database: Database) -> None:
    figures = read(
        database,
        find("1/0", 0, "advice"),
        find("1/1", 0, "advice"),
        find("1/1", 1, "advice"),
        find("1/5", 0, "advice"),
        find("1/4", 0, "advice"),
        find("1/7", 0, "advice"),
        find("1/2", 0, "advice", severity="note"),
        find("1/2", 1, "advice", version=2),
    )
    told = {
        (row.version, row.severity): (row.precision.hits, row.precision.of, row.recall.hits, row.recall.of)
        for row in figures.rules
    }
    assert told == {(1, "reject"): (2, 3, 2, 3), (1, "note"): (1, 1, 1, 3), (2, "reject"): (1, 1, 1, 3)}
    strict = next(row for row in figures.rules if (row.version, row.severity) == (1, "reject"))
    assert strict.precision.low < 0.25 < 0.9 < strict.precision.high


def test_what_was_rewritten_does_not_count(database: Database) -> None:
    figures = read(
        database,
        AttemptRow(dialogue_id="1/1", exchange=1, attempt=0, call_number=0, is_chosen=False),
        AttemptRow(dialogue_id="1/1", exchange=1, attempt=1, call_number=1, is_chosen=True),
        find("1/1", 0, "first_draft"),
        find("1/1", 1, "chosen_draft", attempt=1),
        find("1/1", 2, "of_client", speaker="client"),
        find("1/1", 3, "of_session", exchange=0),
        find("1/0", 0, "without_attempts"),
        judge("1/1", 0, {"spoken": 0}, rubric="turn", exchange=1),
        judge("1/1", 1, {"spoken": 1}, rubric="turn", exchange=1, attempt=1),
    )
    assert [row.rule for row in figures.rules] == ["chosen_draft", "of_client", "of_session", "without_attempts"]
    (item,) = figures.items
    assert {answer: share.of for answer, share in item.answers.items()} == {"0": 0, "1": 1}
    assert item.accepted_above_rejected is None


def test_an_item_ranks_accepted_above_rejected_by_rubric_version_and_model(database: Database) -> None:
    figures = read(
        database,
        judge("1/0", 0, {"pacing": 2, "honesty": 0}),
        judge("1/3", 0, {"pacing": 1, "honesty": 0}),
        judge("1/1", 0, {"pacing": 0, "honesty": 1}),
        # Two repeats count as their mean: 1 accepted dialogue stands above, the other ties.
        judge("1/2", 0, {"pacing": 0}),
        judge("1/2", 1, {"pacing": 2}, repeat=1),
        judge("1/4", 0, {"pacing": 2}),
        judge("1/0", 1, {"pacing": 0}, model="n\n\x1b[2J"),
        judge("1/5", 0, None, unscored="no JSON"),
    )
    told = {(row.model, row.item): row for row in figures.items}
    pacing = told["m", "pacing"].accepted_above_rejected
    assert pacing is not None
    assert (pacing.first, pacing.second, pacing.auc) == (2, 2, pytest.approx(3.5 / 4))
    assert pacing.low < 0.5 < pacing.high
    assert told["m", "pacing"].answers == {}
    honesty = told["m", "honesty"]
    assert honesty.accepted_above_rejected is not None
    assert honesty.accepted_above_rejected.rank_biserial == -1
    assert {answer: (share.hits, share.of) for answer, share in honesty.answers.items()} == {"0": (0, 2), "1": (1, 1)}
    assert [model for model, _ in told] == ["m", "m", "n �[2J"]
    assert [(row.model, row.verdicts) for row in figures.unscored] == [("m", 1)]


def test_a_policy_is_told_by_its_newest_decision(database: Database) -> None:
    figures = read(
        database,
        decide("1/0", "reject"),
        decide("1/0", "accept"),
        decide("1/1", "accept"),
        decide("1/2", "reject"),
        decide("1/3", "person"),
        decide("1/4", "accept"),
        decide("1/5", "reject", policy="strict"),
    )
    default, strict = figures.policies
    assert default.table == {
        "accept": {"accept": 1, "reject": 0, "person": 1},
        "reject": {"accept": 1, "reject": 1, "person": 0},
    }
    assert (default.accepts.hits, default.accepts.of, default.rejects.hits, default.rejects.of) == (1, 2, 1, 1)
    assert strict.table["reject"] == {"accept": 0, "reject": 1, "person": 0}


def test_figures_are_printed_with_interval_and_number(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    keep(database, [find("1/1", 0, "advice"), judge("1/0", 0, {"pacing": 1}), decide("1/1", "accept")])
    print_agreement(database, Namespace(json=False))
    told = capsys.readouterr().out
    assert "5 dialogues: 2 accepted, 3 rejected (1 are rehearsal); 1 more are disputed" in told
    assert "1.00 [0.21, 1.00] 1 of 1" in told
    assert "0.33 [0.06, 0.79] 1 of 3" in told
    assert "people share its accepts: 0.00 [0.00, 0.79] 0 of 1; its rejects: none to count" in told
    print_agreement(database, Namespace(json=True))
    line = capsys.readouterr().out
    told_as_json = json.loads(line)
    assert line.count("\n") == 1
    assert told_as_json["rules"][0]["precision"]["of"] == 1
    assert told_as_json["items"][0]["accepted_above_rejected"] is None


def test_without_a_persons_verdict_one_line_says_so(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    print_agreement(database, Namespace(json=False))
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert "no dialogue has a person's verdict yet" in told
