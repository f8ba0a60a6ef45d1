"""What was brought in is judged like our own, known as a copy where it is one, and feeds the recipes that take it."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.checks.version import checks_version
from graphs.judge import main as judge_main
from store.cards import refresh_cards
from store.db import open_db
from store.ingest.__main__ import main as ingest_main
from store.judging import read_dialogue
from store.near import read_wording
from taxonomy.command import run_main
from tests.graphs.conftest import Factory, Result, read_rows

DB = "sqlite:///factory.db"
CALM = [
    ("client", "最近总是睡不好，一到半夜就醒，醒了以后脑子里全是白天没做完的事。"),
    ("counselor", "醒来的时候，最先冒出来的是哪一件？"),
    ("client", "多半是月底的那份报表，我怕又被组长当着大家的面说。"),
    ("counselor", "上一次被当面说的时候，你心里是什么滋味？"),
]
STATS = [
    ("client", "我和女朋友异地两年，她昨天说想停一停，我不知道该不该去找她。"),
    ("counselor", "研究表明，有95%的异地恋都会这样，你不用担心。"),
]
GRAVE = [
    ("client", "妈妈走了以后家里只剩我一个人，我真的不想活了，昨天晚上割腕了。"),
    ("counselor", "谢谢你告诉我。你现在安全吗，身边有没有人？"),
]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a command in this process."""

    def run(main: Any, *flags: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, flags)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_main(main)
        told = capsys.readouterr()
        return Result(ended.value.code if isinstance(ended.value.code, int) else 1, told.out, told.err)

    return run


def write(name: str, *rows: object) -> None:
    Path(name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def turns(lines: list[tuple[str, str]]) -> dict[str, object]:
    return {"turns": [{"role": speaker, "content": said} for speaker, said in lines]}


@pytest.fixture
def judged(factory: Factory, command: Any) -> Result:
    """Bring four dialogues in and judge them."""
    nearly = [("client", CALM[0][1].replace("最近", "近来")), *CALM[1:]]
    write("talks.jsonl", turns(CALM), turns(STATS), turns(GRAVE), turns(nearly))
    assert command(ingest_main, "talks.jsonl", "--licence", "mit").code == 0
    told: Result = command(judge_main, "--json")
    assert told.code == 0
    return told


def test_dialogues_are_checked_decided_and_given_cards(judged: Result) -> None:
    assert judged.summary["rechecked"] == 4
    assert {row.checks for row in read_rows("SELECT checks FROM dialogues")} == {checks_version()}
    choices = read_rows("SELECT dialogue_id, choice FROM decisions ORDER BY dialogue_id")
    assert {row.dialogue_id: row.choice for row in choices} == {
        "1/1": "accept", "1/2": "reject", "1/3": "accept", "1/4": "reject",
    }  # fmt: skip
    found = {tuple(row) for row in read_rows("SELECT dialogue_id, rule FROM findings")}
    assert ("1/2", "stat_claim") in found
    refresh_cards(open_db(DB))
    cards = read_rows("SELECT dialogue_id, standing, is_crisis, language, title FROM cards ORDER BY dialogue_id")
    assert [(row.dialogue_id, row.standing, bool(row.is_crisis)) for row in cards] == [
        ("1/1", "accepted", False), ("1/2", "rejected", False), ("1/3", "waiting", True), ("1/4", "rejected", False),
    ]  # fmt: skip
    assert cards[0].title == CALM[0][1]


def test_a_near_copy_is_found_once_and_the_older_one_stays(judged: Result, command: Any) -> None:
    assert judged.summary["near_copies"] == 1
    assert "1 nearly the same as an older one" in judged.out
    (found,) = read_rows("SELECT * FROM findings WHERE rule = 'near_copy'")
    assert (found.dialogue_id, found.exchange, found.severity) == ("1/4", 0, "reject")
    assert "nearly the same as dialogue 1/1" in found.reason
    bands = read_rows("SELECT dialogue_id, count(*) AS n FROM bands GROUP BY 1 ORDER BY 1")
    lines: dict[str, list[str]] = {row.dialogue_id: [] for row in bands}
    for row in read_rows("SELECT dialogue_id, text FROM utterances ORDER BY dialogue_id, number"):
        lines[row.dialogue_id].append(row.text)
    assert {row.dialogue_id: row.n for row in bands} == {
        id: len(read_wording(said).bands) for id, said in lines.items()
    }
    again = command(judge_main, "--json").summary
    assert (again["near_copies"], again["rechecked"], again["decisions"]) == (0, 0, {})
    write("more.jsonl", turns(CALM))
    command(ingest_main, "more.jsonl")
    assert command(judge_main, "--run", 2, "--json").summary["near_copies"] == 1


def test_a_killed_judging_finds_the_same_copies(judged: Result, command: Any) -> None:
    """Bands and finding are there, as after a kill behind the first step, but no check has noted that it looked."""
    with closing(sqlite3.connect("factory.db")) as db, db:
        db.execute("UPDATE dialogues SET checks = NULL")
        db.execute("DELETE FROM decisions")
    assert command(judge_main, "--json").summary["near_copies"] == 0
    assert [row.dialogue_id for row in read_rows("SELECT * FROM findings WHERE rule = 'near_copy'")] == ["1/4"]
    assert {row.dialogue_id for row in read_rows("SELECT * FROM decisions WHERE choice = 'reject'")} == {"1/2", "1/4"}


def test_seeds_feed_a_recipe_and_its_sessions_are_of_the_same_row(factory: Factory, command: Any) -> None:
    answer = "这样的时候很难熬。先把最怕的那件事写下来，再看看明天能做哪一步，做完以后也给自己留一点休息的时间。"
    write(
        "asked.jsonl",
        *(
            {"id": f"q{n}", "question": f"{CALM[0][1]}这已经是第{n}个星期了，我该怎么办？", "answer": answer}
            for n in range(3)
        ),
        {"id": "bare", "question": "为什么？", "answer": ""},
    )
    assert command(ingest_main, "asked.jsonl", "--licence", "mit", "--source", "asked").code == 0
    told = factory("--recipe", "smile", "--stored", "seeds:1")
    assert told.code == 0
    assert "skipped 1 rows: asked.jsonl:4 " in told.out
    held = read_rows(
        "SELECT d.seed_id, d.parent_id, s.row_id, s.licence, s.run_id FROM dialogues d JOIN seeds s ON s.id = d.seed_id"
        " WHERE d.run_id = 2 ORDER BY d.position"
    )
    assert [(row.row_id, row.licence, row.run_id, row.parent_id) for row in held] == [
        (f"q{n}", "mit", 1, None) for n in range(3)
    ]
    assert read_rows("SELECT count(*) FROM seeds")[0][0] == 4
    assert "all 3 rows of seeds:1" in factory("--recipe", "smile", "--stored", "seeds:1").err
    assert factory("--recipe", "smile", "--stored", "seeds", "--count", 2).code == 0


def test_a_report_keeps_its_parts_for_the_recipe(factory: Factory, command: Any) -> None:
    report = {"id": "c1", "general_info": "求助者，男，50岁。", "case_introduction": CALM[0][1] * 4}
    write("cases.jsonl", {**report, "extra": {"诊断": "失眠"}})
    assert command(ingest_main, "cases.jsonl").code == 0
    assert factory("--recipe", "cpsycoun", "--stored", "seeds").code == 0
    sent = "\n".join(row.content for row in read_rows("SELECT content FROM messages"))
    assert "general_info: 求助者，男，50岁。" in sent
    assert "诊断: 失眠" in sent


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (
            ("--recipe", "smile", "--stored", "seeds"),
            "this database has none that this recipe can run on; python -m store",
        ),
        (("--recipe", "scenarios", "--stored", "seeds"), "recipe 'scenarios' runs on cell, not on a text"),
        (("--recipe", "smile", "--stored", "seed"), "did you mean 'seeds'?"),
    ],
)
def test_what_cannot_be_run_on_is_one_line(factory: Factory, flags: tuple[str, ...], told: str) -> None:
    factory("--recipe", "interactive", "--count", 1, "--set", "exchanges=2")
    result = factory(*flags)
    assert result.code == 2
    assert told in result.err
    assert result.err.count("\n") == 1


def test_an_ingest_is_not_resumed_as_a_run(factory: Factory, judged: Result) -> None:
    told = factory("--resume", 1)
    assert told.code == 2
    assert "that run brought a file in; python -m store.ingest goes on with it" in told.err
    assert read_dialogue(open_db(DB), "1/1") is not None
