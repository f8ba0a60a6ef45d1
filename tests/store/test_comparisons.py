"""A comparison that went in comes out again, a whole question at a time, and no other command takes it for its own."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from store.comparison_rows import AnswerRecord, Asked, PairRecord
from store.comparisons import (
    find_comparison,
    list_asked,
    list_unfinished,
    read_asked,
    save_asked,
    start_comparison,
    start_sessions,
)
from store.db import Database
from store.ledger import Ledger
from store.records import FindingRecord, VerdictRecord
from store.runs import PlanLine, Run, end_run, find_config_of, next_position, resume_run
from store.runs import list_unfinished as list_unfinished_runs
from taxonomy.refusal import InputError
from tests.store.test_sessions import rows

MODELS = ("base", "tuned")
SETTINGS: dict[str, Any] = {"models": [["tuned", "tuned"], ["base", "base.yaml"]], "language": None, "seed": 0}
MAKER: dict[str, Any] = {"versions": {}, "prompts": {"a/b.zh": "00"}, "git_commit": None, "is_rehearsal": True}
LINE = PlanLine("interactive", "zh", 0, "emotions.yaml 00")
FOUND = FindingRecord(1, 0, "counselor", "length", 1, "flag", (0, 2), "太长")
VERDICT = VerdictRecord(1, 0, "autocbt", 1, {"empathy": 4.5}, {"empathy": "嗯"}, "行", "", 3, "judge-1")
ANSWERS = (
    AnswerRecord("base", "嗯。\n好。", "想想", "", (FOUND,), "c1", 0),
    AnswerRecord("tuned", None, "", "truncated: cut off", (), "c1", None),
)
ASKED = Asked(
    ANSWERS,
    {"base": (VERDICT, replace(VERDICT, rubric="safety", scores=None, quotes={}, unscored="no JSON")), "tuned": ()},
    (
        PairRecord("base", "tuned", "judge-1", "first", "接住了", "", 5),
        PairRecord("tuned", "base", "judge-1", None, "", "no JSON", None),
    ),
)


def begin(database: Database) -> Run:
    """Start a comparison of two questions."""
    return start_comparison(database, SETTINGS, 2, **MAKER)


def keep(database: Database, run: Run, position: int, asked: Asked) -> None:
    """Write a question through the ledger, as the command does."""

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        try:
            await ledger.keep(lambda db, _: save_asked(db, run.id, position, asked))
        finally:
            await ledger.close()

    asyncio.run(act())


def test_what_is_kept_of_a_question_is_read_as_it_was_written(database: Database) -> None:
    run = begin(database)
    assert list_asked(database, run.id) == set()
    keep(database, run, 1, ASKED)
    assert list_asked(database, run.id) == {1}
    assert read_asked(database, run.id, MODELS) == {1: ASKED}
    turned = read_asked(database, run.id, MODELS[::-1])[1]
    assert [answer.model for answer in turned.answers] == ["tuned", "base"]


def test_a_question_is_kept_whole_or_not_at_all(database: Database) -> None:
    run = begin(database)
    twice = replace(ASKED, pairs=(ASKED.pairs[0], ASKED.pairs[0]))
    with pytest.raises(Exception, match=r"(?i)unique"):
        keep(database, run, 0, twice)
    assert list_asked(database, run.id) == set()
    assert rows(database, "SELECT count(*) FROM comparison_verdicts") == [(0,)]
    keep(database, run, 0, ASKED)
    assert read_asked(database, run.id, MODELS) == {0: ASKED}


def test_text_that_no_database_takes_is_cleaned(database: Database) -> None:
    run = begin(database)
    hostile = replace(ANSWERS[0], text="嗯\x00。\ud800", reasoning="\x00想")
    keep(database, run, 0, replace(ASKED, answers=(hostile, ANSWERS[1])))
    (answer, _) = read_asked(database, run.id, MODELS)[0].answers
    assert "\x00" not in f"{answer.text}{answer.reasoning}"
    assert "\ud800" not in (answer.text or "")
    assert (answer.text or "").startswith("嗯")


def test_a_comparison_is_found_with_its_sessions_in_the_order_of_its_models(database: Database) -> None:
    with pytest.raises(InputError, match="there is no comparison"):
        find_comparison(database, None)
    run = begin(database)
    held = {
        model: start_sessions(database, run.id, model, LINE, positions=range(4, 6), config={"seed": 0}, **MAKER)
        for model in MODELS
    }
    found = find_comparison(database, None)
    assert found == find_comparison(database, run.id)
    assert (found.run, found.status, found.settings) == (run.id, "running", SETTINGS)
    assert list(found.sessions.items()) == [("tuned", held["tuned"].id), ("base", held["base"].id)]
    assert found.runs == [run.id, held["tuned"].id, held["base"].id]
    assert held["base"].positions == range(4, 6)
    assert next_position(database, LINE) == 6
    with pytest.raises(InputError, match=f"--resume {held['base'].id}: that is no comparison"):
        find_comparison(database, held["base"].id)
    newer = begin(database)
    assert find_comparison(database, None).run == newer.id


def test_a_models_run_is_stored_with_its_place_in_the_comparison_or_not_at_all(database: Database) -> None:
    run = begin(database)
    told: dict[str, Any] = {"positions": range(2), "config": {}, **MAKER}
    start_sessions(database, run.id, "base", LINE, **told)
    with pytest.raises(Exception, match=r"(?i)unique"):
        start_sessions(database, run.id, "base", LINE, **told)
    assert rows(database, "SELECT count(*) FROM runs") == [(2,)]


def test_no_run_of_sessions_is_taken_for_a_comparison_nor_the_other_way_round(database: Database) -> None:
    run = begin(database)
    sessions = start_sessions(database, run.id, "base", LINE, positions=range(2), config={"seed": 0}, **MAKER)
    assert [each.id for each in list_unfinished_runs(database)] == [sessions.id]
    assert find_config_of(database, sessions.id).config == {"seed": 0}
    with pytest.raises(InputError, match=f"--resume {run.id}"):
        find_config_of(database, run.id)


def test_an_unfinished_comparison_is_named_until_it_is_finished(database: Database) -> None:
    run = begin(database)
    assert list_unfinished(database) == [(run.id, True)]
    end_run(database, run, "interrupted")
    assert list_unfinished(database) == [(run.id, False)]
    again = resume_run(database, run.id)
    end_run(database, again, "finished")
    assert list_unfinished(database) == []
