"""A file comes into the store once, row by row, with where each row came from; what cannot be read is told."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from store.db import open_db
from store.ingest.__main__ import main
from taxonomy.command import run_main
from tests.real_data import DATA

Ingest = Callable[..., "Result"]


class Result:
    """How the command ended, and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def summary(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return told


@pytest.fixture
def ingest(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ingest:
    """Return a function that runs `python -m store.ingest` on a database, in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*flags: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["store.ingest", *map(str, flags), "--db", url, "--json"])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_main(main)
        told = capsys.readouterr()
        return Result(ended.value.code if isinstance(ended.value.code, int) else 1, told.out, told.err)

    return run


def rows(url: str, query: str, **values: Any) -> list[Any]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as db:
        found = list(db.execute(text(query), values))
    engine.dispose()
    return found


def talk(number: int, *more: str) -> dict[str, Any]:
    """Return a row with a dialogue of its own."""
    said = [f"我第{number}天睡不着。", "几点醒的？", *more]
    turns = [{"role": "counselor" if place % 2 else "client", "content": line} for place, line in enumerate(said)]
    return {"id": f"t{number}", "turns": turns, "topic": "睡眠"}


def write(name: str, *lines: object) -> Path:
    """Write a file of rows; what is a text already stands as it is."""
    path = Path(name)
    told = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(told) + "\n", encoding="utf-8")
    return path


def test_dialogues_come_in_with_their_lines_and_where_they_came_from(url: str, ingest: Ingest) -> None:
    write("talks.jsonl", talk(1), "", talk(2, "四点。", "<think>多问</think>那时想什么？"))
    told = ingest("talks.jsonl", "--licence", "CC0", "--source", "smile")
    assert told.code == 0
    assert "format smile: 2 of the first 2 rows have `turns` of role and content (JSON Lines)" in told.out
    assert "next: python -m graphs.judge --run 1" in told.out
    heads = rows(
        url,
        "SELECT d.*, s.kind AS seed_kind, s.file, s.row, s.row_id, s.licence, s.source, s.fields, s.run_id AS brought"
        " FROM dialogues d JOIN seeds s ON s.id = d.seed_id ORDER BY d.position",
    )
    assert [(row.id, row.outcome, row.kind, row.recipe, row.language, row.exchanges) for row in heads] == [
        ("1/1", "done", "talk", "ingest", "zh", 1),
        ("1/3", "done", "talk", "ingest", "zh", 2),
    ]
    assert {(row.checks, row.people, bool(row.is_rehearsal), bool(row.is_crisis)) for row in heads} == {
        (None, None, False, False)
    }
    assert [(row.seed_kind, row.file, row.row, row.row_id, row.licence, row.source, row.brought) for row in heads] == [
        ("row", "talks.jsonl", 1, "t1", "cc0-1.0", "smile", 1),
        ("row", "talks.jsonl", 3, "t2", "cc0-1.0", "smile", 1),
    ]
    assert json.loads(heads[0].fields) == {"topic": "睡眠"}
    lines = rows(url, "SELECT speaker, text, reasoning FROM utterances WHERE dialogue_id = '1/3' ORDER BY number")
    assert [tuple(line) for line in lines] == [
        ("client", "我第2天睡不着。", None),
        ("counselor", "几点醒的？", None),
        ("client", "四点。", None),
        ("counselor", "那时想什么？", "多问"),
    ]
    (run,) = rows(url, "SELECT * FROM runs")
    assert (run.kind, run.status, run.source[:12], run.count) == ("ingest", "finished", "talks.jsonl ", 3)
    assert json.loads(run.config)["counts"]["in"] == 2
    assert {row.dialogue_id for row in rows(url, "SELECT dialogue_id FROM stale")} == {"1/1", "1/3"}


def test_a_file_that_comes_again_adds_nothing_and_a_longer_one_only_what_is_new(url: str, ingest: Ingest) -> None:
    write("talks.jsonl", talk(1), talk(2))
    assert ingest("talks.jsonl").summary["in"] == 2
    before = {table: rows(url, f"SELECT * FROM {table}") for table in ("dialogues", "seeds", "utterances")}
    again = ingest("talks.jsonl")
    assert (again.code, again.summary["in"], again.summary["known"]) == (0, 0, 2)
    assert ingest("talks.jsonl", "--licence", "mit").summary["known"] == 2
    assert {table: rows(url, f"SELECT * FROM {table}") for table in before} == before
    assert [(row.id, json.loads(row.config)["counts"]["in"]) for row in rows(url, "SELECT * FROM runs")] == [(1, 2)]
    write("talks.jsonl", talk(3), talk(1), talk(2), talk(3))
    longer = ingest("talks.jsonl")
    assert (longer.summary["in"], longer.summary["known"]) == (1, 3)
    assert [row.position for row in rows(url, "SELECT position FROM dialogues ORDER BY run_id, position")] == [1, 2, 1]
    assert ingest("talks.jsonl", "--source", "another").summary["in"] == 3
    # As seeds the same rows are something else.
    assert ingest("talks.jsonl", "--as", "seeds").summary["in"] == 3


def test_the_same_rows_are_known_whatever_they_come_in(url: str, ingest: Ingest) -> None:
    write("talks.jsonl", talk(1), talk(2))
    write("talks.json", "[", json.dumps(talk(2)), ",", json.dumps(talk(1), indent=1), "]")
    assert ingest("talks.jsonl", "--source", "x").summary["in"] == 2
    assert ingest("talks.json", "--source", "x").summary["known"] == 2


BAD = {
    "not JSON": "{broken",
    "not an object": "[1]",
    "message 1 is by 'tool', neither client nor counselor": {"turns": [{"role": "tool", "content": "x"}]},
    "message 2 of the counselor is empty": {"turns": [*talk(1)["turns"][:1], {"role": "counselor", "content": " \0"}]},
    "only the client speaks": {"turns": talk(1)["turns"][:1]},
    "message 1 is longer than 20000 characters": {"turns": [{"role": "client", "content": "睡" * 20_001}]},
    "no list in 'turns' or 'dialog' or 'dialogue'": {"text": "x"},
    "the key 'turns' stands twice in one object": '{"turns": [], "turns": []}',
    "no message in it": {"turns": []},
    "1002 messages, more than 1000": {"turns": talk(1)["turns"] * 501},
}


def test_a_bad_row_is_told_with_line_and_reason_and_the_rest_goes_in(url: str, ingest: Ingest, tmp_path: Path) -> None:
    write("talks.jsonl", *BAD.values(), {"turns": [{"role": "client", "content": "call 13800138000"}]}, talk(1))
    told = ingest("talks.jsonl")
    assert told.code == 3
    assert (told.summary["in"], told.summary["rejected"]) == (1, len(BAD) + 1)
    assert f"rejected {len(BAD) + 1} rows: talks.jsonl:1 not JSON; talks.jsonl:2 not an object;" in told.out
    kept = [json.loads(line) for line in (tmp_path / "talks.jsonl.rejects.jsonl").read_text("utf-8").splitlines()]
    assert {line["reason"]: line["row"] for line in kept[:-1]} == {reason: n for n, reason in enumerate(BAD, start=1)}
    assert "call [phone]" in kept[-1]["raw"]
    assert [row.id for row in rows(url, "SELECT id FROM dialogues")] == [f"1/{len(BAD) + 2}"]
    write("talks.jsonl", talk(1))
    assert ingest("talks.jsonl").code == 0
    assert not (tmp_path / "talks.jsonl.rejects.jsonl").exists()


def test_a_file_without_a_row_that_fits_is_wrong_as_a_whole(url: str, ingest: Ingest) -> None:
    write("talks.jsonl", talk(1), talk(2))
    told = ingest("talks.jsonl", "--format", "messages", "--rejects", "bad.jsonl")
    assert (told.code, told.summary["rejected"]) == (2, 2)
    assert len(Path("bad.jsonl").read_text("utf-8").splitlines()) == 2
    assert rows(url, "SELECT * FROM runs") == []
    write("odd.jsonl", {"colour": "red"})
    told = ingest("odd.jsonl")
    assert told.code == 2
    assert "no known format has rows with 'colour'" in told.err
    write("broken.jsonl", "{", "}")
    assert "none of the first 2 rows can be read; the first: not JSON" in ingest("broken.jsonl").err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("none.jsonl",), "none.jsonl does not exist"),
        ((".",), "is a directory"),
        (("talks.jsonl", "--format", "smlie"), "did you mean 'smile'?"),
        (("talks.jsonl", "--format", "case_reports", "--as", "dialogues"), "format case_reports holds seeds"),
        (("talks.jsonl", "--limit", "0"), "--limit 0: at least 1"),
        (("talks.jsonl", "--rejects", "talks.jsonl"), "holds something else than rejects"),
        (("talks.jsonl", "--rejects", "nowhere/bad.jsonl"), "nowhere does not exist"),
        (("talks.jsonl", "--source", " "), "--source: name the data set"),
    ],
)
def test_a_wrong_flag_is_one_line_and_changes_nothing(ingest: Ingest, flags: tuple[str, ...], told: str) -> None:
    before = write("talks.jsonl", talk(1)).read_bytes()
    result = ingest(*flags)
    assert result.code == 2
    assert told in result.err
    assert result.err.count("\n") == 1
    assert Path("talks.jsonl").read_bytes() == before


def test_people_are_masked_and_counted_unless_they_are_to_stay(url: str, ingest: Ingest) -> None:
    said = {**talk(1, "我微信号是liming-2020，电话13800138000。", "好。"), "note": "li@example-mail.com"}
    write("talks.jsonl", said)
    told = ingest("talks.jsonl")
    assert "masked: 1 account, 1 e-mail, 1 phone" in told.out
    assert told.summary["masked"] == {"account": 1, "e-mail": 1, "phone": 1}
    (line,) = rows(url, "SELECT text FROM utterances WHERE number = 2")
    assert line.text == "我微信号是[账号]，电话[电话]。"
    assert json.loads(rows(url, "SELECT fields FROM seeds")[0].fields)["note"] == "[邮箱]"
    assert ingest("talks.jsonl", "--source", "kept", "--keep-pii").summary["masked"] == {}
    assert "13800138000" in rows(url, "SELECT text FROM utterances WHERE number = 2 AND dialogue_id = '2/1'")[0].text


def test_what_cannot_be_stored_is_cleaned_and_the_rest_stays(url: str, ingest: Ingest) -> None:
    raw = '{"id": "a\\u0000", "turns": [{"role": "client", "content": "睡\\u0000不\\ud800着"},'
    write(
        "talks.jsonl", raw + ' {"role": "counselor", "content": "嗯\\u2028。"}], "big": 123456789012345678901234567890}'
    )
    assert ingest("talks.jsonl").summary["in"] == 1
    assert [row.text for row in rows(url, "SELECT text FROM utterances ORDER BY number")] == ["睡不着", "嗯\u2028。"]
    assert rows(url, "SELECT row_id FROM seeds")[0].row_id == "a"
    assert ingest("talks.jsonl").summary["known"] == 1


def test_an_array_that_breaks_off_keeps_the_rows_before_and_is_told(url: str, ingest: Ingest) -> None:
    Path("talks.json").write_text(f"[{json.dumps(talk(1))}, {json.dumps(talk(2))}, ", "utf-8")
    told = ingest("talks.json", "--format", "smile")
    assert told.code == 2
    assert "the array is not closed; the rows before went in" in told.err
    assert rows(url, "SELECT count(*) AS n FROM dialogues")[0].n == 2
    assert rows(url, "SELECT status FROM runs")[0].status == "interrupted"


def test_a_limit_takes_the_first_rows_and_the_next_command_the_rest(url: str, ingest: Ingest) -> None:
    write("talks.jsonl", *(talk(number) for number in range(5)))
    assert ingest("talks.jsonl", "--limit", "2").summary["in"] == 2
    assert ingest("talks.jsonl").summary == {**ingest("talks.jsonl").summary, "in": 3, "known": 2, "run": 2}


NUMBERS = {
    "smile_sample": (1499, 1, "smile"),
    "cpsycound_sample": (500, 0, "cpsycoun"),
    "emopsy_sample": (413, 4, "emollm"),
    "counsel_chat_qa_en": (815, 0, "counsel_chat"),
    "self_descriptions_zh": (400, 0, "lines"),
    "case_reports_zh": (20, 0, "case_reports"),
    "clinical_notes_en": (100, 0, "clinical_notes"),
    "psyguard_valid": (1480, 0, "lines"),
    "r1_style_failures": (4, 0, "counsel_chat"),
}
"""Rows that come in, rows that are rejected (together those of the set's own README), and the format by its rows."""


@pytest.mark.parametrize("name", NUMBERS)
def test_each_public_set_comes_in_whole(url: str, ingest: Ingest, name: str, tmp_path: Path) -> None:
    path = DATA / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"{path.name} does not lie beside the checkout")
    stored, rejected, format = NUMBERS[name]
    told = ingest(path)
    assert (told.summary["in"], told.summary["rejected"], told.summary["format"]) == (stored, rejected, format)
    assert stored + rejected == len(path.read_text("utf-8").splitlines())
    # Never beside the data, which may not be written to.
    rejects = tmp_path / f"{path.name}.rejects.jsonl"
    assert rejects.exists() == bool(rejected)
    assert rows(url, "SELECT count(*) AS n FROM seeds WHERE licence = 'unknown'")[0].n == stored


def test_the_database_is_one_of_ours_afterwards(url: str, ingest: Ingest) -> None:
    write("talks.jsonl", talk(1))
    ingest("talks.jsonl")
    open_db(url, create=False).dispose()
