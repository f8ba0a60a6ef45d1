"""What is stored is judged again when rules, critics or the policy change; what people decided is never overturned."""

import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from agents.checks.version import checks_version
from graphs.judge import main
from store.db import open_db
from store.judging import Judged, read_dialogue, save_judged
from store.reviews import Said
from store.reviews import say as review
from taxonomy.command import run_main
from tests.databases import make_database
from tests.graphs.conftest import Factory, Result, read_rows

STRICT = """name: strict
version: 1
reject:
  scores: [{rubric: session, item: any, below: 3}]
"""
Judge = Any


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Judge:
    """Return a function that runs `python -m graphs.judge` in this process."""

    def run(*flags: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["graphs.judge", *map(str, flags)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_main(main)
        told = capsys.readouterr()
        return Result(ended.value.code if isinstance(ended.value.code, int) else 1, told.out, told.err)

    return run


def change(statement: str, *values: object) -> None:
    """Change the database behind the factory's back."""
    with closing(sqlite3.connect("factory.db")) as db, db:
        assert db.execute(statement, values).rowcount > 0


def say(speaker: str, text: str, id: str = "1/0") -> None:
    """Let somebody have said something else in a dialogue that no check has seen since."""
    where = "dialogue_id = ? AND number = (SELECT min(number) FROM utterances WHERE speaker = ? AND dialogue_id = ?)"
    change(f"UPDATE utterances SET text = ? WHERE {where}", text, id, speaker, id)
    change("UPDATE dialogues SET checks = NULL WHERE id = ?", id)


def newest(id: str) -> Any:
    """Return the newest decision on a dialogue."""
    return read_rows("SELECT * FROM decisions WHERE dialogue_id = :id ORDER BY id DESC LIMIT 1", id=id)[0]


def test_a_dialogue_that_the_current_checks_have_not_seen_is_checked_and_decided_again(
    factory: Factory, judge: Judge
) -> None:
    factory("--recipe", "interactive", "--count", 2)
    assert {row.checks for row in read_rows("SELECT checks FROM dialogues")} == {checks_version()}
    before = newest("1/0").choice
    say("counselor", "研究表明，有95%的人都这样。")
    told = judge()
    assert told.code == 0
    assert "2 dialogues, 1 of them not seen by the current checks before" in told.out
    assert f"1 decided anew: {before} -> reject" in told.out
    found = read_rows("SELECT rule, exchange, speaker FROM findings WHERE dialogue_id = '1/0'")
    assert ("stat_claim", 1, "counselor") in [tuple(row) for row in found]
    assert newest("1/0").choice == "reject"
    assert read_rows("SELECT checks FROM dialogues WHERE id = '1/0'")[0].checks == checks_version()
    decided = read_rows("SELECT count(*) FROM decisions")[0][0]
    assert "0 of them not seen" in judge().out
    assert read_rows("SELECT count(*) FROM decisions")[0][0] == decided


def test_checking_again_what_did_not_change_changes_nothing_but_the_stamp(factory: Factory, judge: Judge) -> None:
    factory("--count", 4)
    tables = ("findings", "verdicts", "decisions", "disagreements", "dialogues")
    before = {table: sorted(map(tuple, read_rows(f"SELECT * FROM {table}"))) for table in tables}
    change("UPDATE dialogues SET checks = NULL")
    assert "4 of them not seen" in judge().out
    assert {table: sorted(map(tuple, read_rows(f"SELECT * FROM {table}"))) for table in tables} == before


def test_a_policy_decides_on_everything_again_and_keeps_out_of_what_people_decided(
    factory: Factory, judge: Judge, tmp_path: Path
) -> None:
    factory("--recipe", "interactive", "--count", 3)
    review(open_db("sqlite:///factory.db"), Said(dialogue_id="1/1", reviewer="a", word="accept"))
    (tmp_path / "strict.yaml").write_text(STRICT, encoding="utf-8")
    told = judge("--policy", "strict.yaml", "--json")
    assert told.code == 0
    assert {newest(f"1/{n}").policy for n in range(3)} == {"strict"}
    assert {newest(f"1/{n}").choice for n in range(3)} == {"reject"}
    assert "1/1: accepted by people, the policy would reject (session: " in told.out
    summary = json.loads(told.out.splitlines()[-1])
    assert [(one["id"], one["people"], one["policy"]) for one in summary["contradictions"]] == [
        ("1/1", "accepted", "reject")
    ]
    stored = read_rows("SELECT name, version, body FROM policies WHERE name = 'strict'")[0]
    assert json.loads(stored.body)["reject"]["scores"][0]["below"] == 3
    # Without a policy on the command line each dialogue keeps the one that decided on it last.
    change("UPDATE dialogues SET checks = NULL")
    judge()
    assert {newest(f"1/{n}").policy for n in range(3)} == {"strict"}


def test_critics_give_what_is_missing_once_and_stay_apart(factory: Factory, judge: Judge) -> None:
    factory("--recipe", "interactive", "--count", 2, "--set", "critic=off")
    assert "2 have no verdict by session" in judge().out
    told = judge("--rubric", "session", "--repeats", 3)
    assert told.code == 0
    verdicts = read_rows("SELECT dialogue_id, repeat, model, judged_in, call_number, version, about FROM verdicts")
    assert sorted((row.dialogue_id, row.repeat) for row in verdicts) == [
        (f"1/{n}", r) for n in (0, 1) for r in range(3)
    ]
    assert {(row.model, row.judged_in, row.about) for row in verdicts} == {("rehearsal-critic", 2, "line")}
    for row in verdicts:
        place = {"position": int(row.dialogue_id[2:]), "number": row.call_number}
        call = read_rows(
            "SELECT branch FROM calls WHERE run_id = 1 AND position = :position AND number = :number", **place
        )
        assert call[0].branch == f"judge/session/0/{row.repeat}"
    apart = read_rows("SELECT item, spread, verdicts FROM disagreements WHERE dialogue_id = '1/0'")
    scores = [json.loads(row.scores) for row in read_rows("SELECT scores FROM verdicts WHERE dialogue_id = '1/0'")]
    assert {row.item: row.spread for row in apart} == {
        item: max(one[item] for one in scores) - min(one[item] for one in scores) for item in scores[0]
    }
    assert {row.verdicts for row in apart} == {3}
    assert "no verdict is missing" in judge("--rubric", "session", "--repeats", 3).out
    assert len(read_rows("SELECT 1 FROM verdicts")) == 6


def test_a_judging_that_was_stopped_goes_on_without_asking_anything_twice(factory: Factory, judge: Judge) -> None:
    factory("--recipe", "interactive", "--count", 3)
    stopped = judge("--rubric", "turn", "--max-calls", 10, "--concurrency", 2)
    assert stopped.code == 3
    assert "the same command goes on with what is left" in stopped.out
    answered = len(read_rows("SELECT 1 FROM calls WHERE branch LIKE 'judge/%'"))
    assert 10 <= answered <= 12
    assert judge("--rubric", "turn").code == 0
    calls = read_rows("SELECT position, branch FROM calls WHERE branch LIKE 'judge/%'")
    turns = read_rows("SELECT 1 FROM utterances WHERE speaker = 'counselor'")
    assert len(calls) == len(set(map(tuple, calls))) == len(turns)
    assert len(read_rows("SELECT 1 FROM verdicts WHERE rubric = 'turn'")) == len(turns)


def test_a_second_judging_beside_a_living_one_is_refused(factory: Factory, judge: Judge) -> None:
    factory("--recipe", "interactive", "--count", 1)
    judge("--rubric", "wai")
    change("UPDATE runs SET status = 'running', owner = 'x', heartbeat_at = ? WHERE kind = 'judge'", time.time())
    told = judge("--rubric", "ctrs")
    assert told.code == 1
    assert "judging 2 is alive" in told.err
    assert factory("--resume", 2).err.splitlines()[-1].endswith("python -m graphs.judge goes on with it")


def test_a_rehearsal_critic_says_nothing_of_what_was_not_rehearsed(factory: Factory, judge: Judge) -> None:
    factory("--recipe", "interactive", "--count", 2)
    change("UPDATE dialogues SET is_rehearsal = 0 WHERE id = '1/1'")
    told = judge("--rubric", "realism")
    assert "1 dialogues were not rehearsed" in told.out
    assert {row.dialogue_id for row in read_rows("SELECT dialogue_id FROM verdicts WHERE rubric = 'realism'")} == {
        "1/0"
    }


def test_the_inner_voice_is_written_beside_stored_replies(factory: Factory, judge: Judge) -> None:
    factory("--recipe", "interactive", "--count", 1)
    assert judge("--inner-voice").code == 0
    replies = {row.number for row in read_rows("SELECT number FROM utterances WHERE speaker = 'counselor'")}
    thoughts = read_rows("SELECT number, text, problem FROM thoughts")
    assert {row.number for row in thoughts} == replies
    assert all(bool(row.text) != bool(row.problem) for row in thoughts)
    judged = read_rows("SELECT DISTINCT rubric, about FROM verdicts WHERE about = 'thought'")
    assert [tuple(row) for row in judged] == [("reasoning", "thought")]
    assert "no verdict is missing" in judge("--inner-voice").out


def test_a_sign_that_only_the_current_words_see_raises_the_tier_and_never_lowers_it(
    factory: Factory, judge: Judge
) -> None:
    factory("--recipe", "interactive", "--count", 3)
    safe = [row.id for row in read_rows("SELECT id FROM dialogues WHERE is_crisis = 0")]
    say("client", "我不想活了，昨晚把药都数好了。", safe[0])
    told = judge()
    assert "1 raised to a risk tier" in told.out
    row = read_rows("SELECT risk_tier, is_crisis FROM dialogues WHERE id = :id", id=safe[0])[0]
    assert row.is_crisis
    assert row.risk_tier != "none"
    say("client", "今天还行。", safe[0])
    judge()
    assert read_rows("SELECT is_crisis FROM dialogues WHERE id = :id", id=safe[0])[0].is_crisis


def test_a_dry_run_asks_and_changes_nothing(factory: Factory, judge: Judge) -> None:
    factory("--recipe", "interactive", "--count", 1)
    say("counselor", "研究表明，有95%的人都这样。")
    told = judge("--rubric", "psyroom", "--dry-run")
    assert "estimate: 1 sessions, 1 calls" in told.out
    assert read_rows("SELECT checks FROM dialogues")[0].checks is None
    assert read_rows("SELECT count(*) FROM runs")[0][0] == 1


def test_what_was_edited_while_it_was_judged_is_left_alone(factory: Factory) -> None:
    factory("--recipe", "interactive", "--count", 1)
    engine = open_db("sqlite:///factory.db")
    dialogue = read_dialogue(engine, "1/0")
    assert dialogue is not None
    say("client", "其实不是这样。")
    assert save_judged(engine, [Judged(dialogue, findings=[], checks="old")], time.time()) == ["1/0"]
    assert read_rows("SELECT checks FROM dialogues")[0].checks is None
    engine.dispose()


def test_judging_on_postgresql_is_judging_on_sqlite(factory: Factory, judge: Judge, postgres: str) -> None:
    url = f"postgresql://factory@{postgres}/{make_database(postgres)}"
    told = {}
    for db in (url, "sqlite:///factory.db"):
        assert factory("--recipe", "interactive", "--count", 2, "--db", db).code == 0
        address = db.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(address)
        with engine.begin() as connection:
            connection.execute(text("UPDATE dialogues SET checks = NULL"))
            connection.execute(text("UPDATE utterances SET \"text\" = '研究表明，有95%的人都这样。' WHERE number = 1"))
        engine.dispose()
        assert judge("--db", db, "--rubric", "safety", "--rubric", "turn", "--inner-voice").code == 0
        told[db] = [
            read_rows(
                f"SELECT {columns} FROM {table} ORDER BY {order}", db.replace("postgresql:", "postgresql+psycopg:")
            )
            for table, columns, order in (
                ("findings", "dialogue_id, exchange, rule, severity, reason", "dialogue_id, number"),
                ("verdicts", "dialogue_id, exchange, about, rubric, scores, repeat", "dialogue_id, number"),
                ("thoughts", 'dialogue_id, number, "text"', "dialogue_id, number"),
                ("decisions", "dialogue_id, choice, reasons", "dialogue_id, id"),
            )
        ]
        assert all(told[db])
    assert told[url] == told["sqlite:///factory.db"]
