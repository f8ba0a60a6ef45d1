"""A report counts what stands, keeps apart what does not compare, and says what it leaves out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlmodel import Session, SQLModel

from store.db import Database
from store.report import figures
from store.report.figures import Asked, Report
from store.report.gather import gather
from store.report.text import list_lines
from store.standing import Review, people_say
from store.stats import MAP
from store.tables import (
    AttemptRow,
    CallRow,
    DecisionRow,
    DialogueRow,
    FindingRow,
    ReviewRow,
    RunRow,
    SeedRow,
    UtteranceRow,
    VerdictRow,
)
from taxonomy.schema import Taxonomy, load_taxonomy

NASTY = "<script>alert(1)</script>\x1b[2J\u202e<img src=x onerror=alert(1)>"
DIALOGUE: dict[str, Any] = {
    "recipe": "session",
    "language": "zh",
    "outcome": "done",
    "end_reason": "closed",
    "risk_tier": "none",
    "is_crisis": False,
    "is_rehearsal": False,
    "plan": '{"ending": "lighter"}',
    "created_at": 0.0,
}
FINDING: dict[str, Any] = {
    "exchange": 0,
    "attempt": 0,
    "speaker": "counselor",
    "version": 1,
    "severity": "flag",
    "reason": NASTY,
    "span_start": 0,
    "span_end": 1,
}
VERDICT: dict[str, Any] = {
    "exchange": 0,
    "attempt": 0,
    "rubric": "turn",
    "version": 1,
    "call_number": 1,
}
CALL: dict[str, Any] = {
    "key": b"k",
    "prompt_hash": b"p",
    "messages": b"",
    "parameters_hash": b"h",
    "outcome": "ok",
    "content": "x",
    "finish": "stop",
    "latency_ms": 1,
    "created_at": 0.0,
    "prompt_tokens": 8,
    "cached_tokens": 6,
    "completion_tokens": 3,
    "price": 0.5,
    "currency": "CNY",
}
LINES = [("client", "睡不着。"), ("counselor", "今晚想先说哪一段？")] * 7


@dataclass(frozen=True)
class Kept:
    """A dialogue to store, accepted by a policy unless it says otherwise; `fields` are columns of its row."""

    fields: dict[str, Any] = field(default_factory=dict)
    cell: tuple[str, str] = ("rage", "S11")
    lines: Sequence[tuple[str, str]] = tuple(LINES)
    choice: str | None = "accept"
    reasons: tuple[str, ...] = ()
    reviews: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    verdicts: tuple[dict[str, Any], ...] = ()


def keep(database: Database, dialogues: Sequence[Kept]) -> int:
    """Store dialogues as one run and return its id; exchange 1 was drafted twice and the second draft chosen."""
    run = RunRow(recipe="session", language="", plan_seed=0, source="x", first_position=0, count=len(dialogues),
                 config="{}", versions="{}", prompts="{}", is_rehearsal=False, status="finished",
                 heartbeat_at=0.0, started_at=0.0)  # fmt: skip
    run.is_rehearsal = dialogues[0].fields.get("is_rehearsal", False)
    with Session(database) as db:
        db.add(run)
        db.flush()
        assert run.id is not None
        for position, dialogue in enumerate(dialogues):
            digest = f"{run.id}/{position}".encode()
            seed = SeedRow(digest=digest, kind="cell", emotion=dialogue.cell[0], scene=dialogue.cell[1])
            db.add(seed)
            db.flush()
            for row in list_rows(dialogue, run.id, position, seed.id):
                db.add(row)
                db.flush()
        db.commit()
        return run.id


def list_rows(kept: Kept, run: int, position: int, seed: int | None) -> list[SQLModel]:
    """Return the rows of a dialogue."""
    id = f"{run}/{position}"
    exchanges = sum(speaker == "counselor" for speaker, _ in kept.lines)
    about = {"id": id, "run_id": run, "position": position, "seed_id": seed, "exchanges": exchanges}
    people = people_say([Review(word, reviewer=f"r{n}") for n, word in enumerate(kept.reviews)])  # type: ignore[arg-type]
    rows: list[SQLModel] = [DialogueRow(**(DIALOGUE | about | {"people": people} | kept.fields))]
    rows += [
        UtteranceRow(dialogue_id=id, number=number, speaker=speaker, text=text)
        for number, (speaker, text) in enumerate(kept.lines)
    ]
    for attempt in range(2):
        rows.append(AttemptRow(dialogue_id=id, exchange=1, attempt=attempt, call_number=0, is_chosen=attempt == 1))
    rows += [FindingRow(**(FINDING | each), dialogue_id=id, number=number) for number, each in enumerate(kept.findings)]
    rows += [VerdictRow(**(VERDICT | each), dialogue_id=id, number=number) for number, each in enumerate(kept.verdicts)]
    if kept.choice is not None:
        told = json.dumps(kept.reasons)
        rows.append(
            DecisionRow(dialogue_id=id, policy="p", version=1, choice=kept.choice, reasons=told, created_at=0.0)
        )
    for number, verdict in enumerate(kept.reviews):
        rows.append(ReviewRow(dialogue_id=id, reviewer=f"r{number}", verdict=verdict, created_at=0.0))
    for number, (agent, model) in enumerate((("counselor", "teller"), ("critic", "judge"))):
        rows.append(
            CallRow(**CALL, run_id=run, position=position, number=number, agent=agent, branch=agent, served_model=model)
        )
    return rows


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    """Return the shipped map."""
    return load_taxonomy(MAP)


def read(database: Database, taxonomy: Taxonomy, **asked: object) -> Report:
    """Return the figures of what is asked for."""
    return gather(database, Asked(**asked), taxonomy)  # type: ignore[arg-type]


FAILED = Kept(
    {"outcome": "failed", "error_kind": "timeout", "end_reason": None, "reason": "no answer"}, lines=(), choice=None
)


def test_dialogues_are_counted_by_standing_cell_recipe_and_model(database: Database, taxonomy: Taxonomy) -> None:
    keep(
        database,
        [
            Kept(),
            Kept({"is_crisis": True}),
            Kept(choice="person", reasons=("pii: a number", "pii: another")),
            Kept(cell=("rage", "S99")),
            Kept({"outcome": "rejected", "reason": "turn: spoken is a fault; turn: risk"}, choice=None),
            FAILED,
        ],
    )
    report = read(database, taxonomy)
    assert report.standings == {
        ("done", "accepted"): 2,
        ("done", "waiting"): 2,
        ("failed", "rejected"): 1,
        ("rejected", "rejected"): 1,
    }
    assert report.coverage.cells["rage", "S11"] == figures.Tally(1, 2, 1, 1)
    assert (report.coverage.accepted_cells, report.coverage.outside, report.coverage.empty_cells) == (1, 1, 479)
    assert report.models == {"teller": report.recipes["session"]} == {"teller": figures.Tally(2, 2, 1, 1)}
    assert report.reasons == {("person", "pii"): 1, ("recipe", "turn"): 1, ("standing", "crisis"): 1}
    assert (report.errors, report.stops) == ({"timeout": 1}, {"closed": 5})
    assert report.endings == {("lighter", "closed"): 5}
    (cost,) = report.costs
    assert (cost.calls, cost.price, cost.currency, cost.cache_share) == (12, 6.0, "CNY", 0.75)


def test_people_outrank_the_policy_and_where_they_disagree_it_waits(database: Database, taxonomy: Taxonomy) -> None:
    keep(database, [Kept(reviews=("reject", "comment")), Kept(reviews=("accept", "reject")), Kept(choice=None)])
    report = read(database, taxonomy)
    assert report.standings == {("done", "waiting"): 2, ("done", "rejected"): 1}
    assert report.reasons == {("standing", "disagreement"): 1, ("standing", "undecided"): 1}
    assert [spoken.dialogues for spoken in report.spoken] == [2]


def test_rehearsal_dialogues_are_left_out_beside_others_and_counted_alone(
    database: Database, taxonomy: Taxonomy
) -> None:
    keep(database, [Kept({"is_rehearsal": True})] * 2)
    alone = read(database, taxonomy)
    assert (alone.selection.dialogues, alone.selection.is_rehearsal_only, alone.selection.left_out) == (2, True, 0)
    assert list_lines(alone)[0].startswith("REHEARSAL ONLY")
    keep(database, [Kept()])
    beside = read(database, taxonomy)
    assert (beside.selection.dialogues, beside.selection.left_out) == (1, 2)
    assert sum(cost.calls for cost in beside.costs) == 2
    assert "rehearsal model are left out (2)" in list_lines(beside)[0]
    both = read(database, taxonomy, with_rehearsal=True)
    assert (both.selection.dialogues, both.selection.rehearsal, both.selection.left_out) == (3, 2, 0)
    assert list_lines(both)[0].startswith("WITH REHEARSAL")


def test_scores_of_versions_and_judges_stay_apart_and_an_unreadable_verdict_is_no_zero(
    database: Database, taxonomy: Taxonomy
) -> None:
    verdicts = (
        {"scores": '{"spoken": 1}'},
        {"scores": '{"spoken": 5}', "exchange": 1},
        {"scores": '{"spoken": 2}', "exchange": 1, "attempt": 1},
        {"scores": None, "exchange": 0, "version": 2, "unscored": "no JSON"},
        {"scores": '{"spoken": 3}', "model": "other", "call_number": None},
        {"scores": '{"spoken": 9}', "model": "other", "call_number": None, "repeat": 1},
    )
    keep(database, [Kept(verdicts=verdicts)])
    first, second, third = read(database, taxonomy).rubrics
    assert (first.version, first.judge, first.verdicts, first.unscored) == (1, "judge", 2, 0)
    assert (first.items[0].mean, first.items[0].median, first.items[0].counts) == (1.5, 1.5, {1.0: 1, 2.0: 1})
    assert (second.judge, second.items[0].counts, second.repeats) == ("other", {3.0: 1}, 1)
    assert (third.version, third.verdicts, third.unscored, third.items) == (2, 1, 1, [])


def test_findings_count_on_lines_that_stand(database: Database, taxonomy: Taxonomy) -> None:
    findings = (
        {"rule": "jargon", "exchange": 1, "attempt": 0},
        {"rule": "jargon", "exchange": 1, "attempt": 1},
        {"rule": "template"},
        {"rule": "loop", "exchange": 1, "attempt": 0, "speaker": "client"},
    )
    keep(database, [Kept(findings=findings)])
    rules = read(database, taxonomy).rules
    assert [(rule.rule, rule.findings, rule.speaker) for rule in rules] == [
        ("jargon", 1, "counselor"),
        ("loop", 1, "client"),
        ("template", 1, "counselor"),
    ]
    assert rules[0].rate == pytest.approx(100 / 7)


def test_what_is_asked_for_is_all_that_counts(database: Database, taxonomy: Taxonomy) -> None:
    run = keep(database, [Kept(), Kept({"language": "en", "recipe": "interactive"})])
    english = read(database, taxonomy, language="en")
    assert list(english.recipes) == ["interactive"]
    assert [spoken.language for spoken in english.spoken] == ["en"]
    assert sum(cost.calls for cost in english.costs) == 2
    assert read(database, taxonomy, run=run, recipe="session").selection.dialogues == 1
    assert read(database, taxonomy, run=run + 1).selection.dialogues == 0
