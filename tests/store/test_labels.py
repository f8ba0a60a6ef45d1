"""Labels are what people said, told the same each time, and safe to open in a spreadsheet."""

import csv
import io
import json
from typing import Any

import pytest

from store.db import Database
from store.filters import Filter
from store.labels import ACTIVE, Form, neutralise, write_labels
from store.reviews import Said, say, undo
from tests.store.review.talks import LINES, keep_talks
from tests.store.shell.desk import Run, sit_down

FORMS: tuple[Form, ...] = ("jsonl", "csv", "argilla", "pairs")
FORMULA = '=HYPERLINK("http://x")'


def read(database: Database, form: Form = "jsonl", asked: Filter | None = None, **told: Any) -> str:
    """Return the whole of a file."""
    return "".join(write_labels(database, asked or Filter(), form, **told))


def objects(told: str) -> list[dict[str, Any]]:
    """Return the lines of a file as JSON."""
    return [json.loads(line) for line in told.splitlines()]


@pytest.fixture
def reviewed(database: Database) -> Database:
    """Return three talks on which two people said something of every kind."""
    keep_talks(database, 3)
    for said in (
        Said(
            dialogue_id="1/0", reviewer="anna", word="reject", reasons=("pii",), comment=FORMULA, scores={"empathy": 2}
        ),
        Said(dialogue_id="1/0", reviewer="ben", word="accept", way="shell"),
        Said(dialogue_id="1/1", reviewer="ben", word="flag", number=1, span=(0, 4), comment='一\r\n二,"三"'),
        Said(dialogue_id="1/1", reviewer="ben", word="edit", number=1, text="凌晨三点，你醒着。"),
        Said(dialogue_id="1/1", reviewer="ben", word="edit", number=2, text="就想着考试。"),
        Said(dialogue_id="1/1", reviewer="anna", word="edit", number=3, text="哪一样更沉？"),
        Said(dialogue_id="1/1", reviewer="anna", word="edit", number=3, text="哪样沉？"),
    ):
        say(database, said)
    undo(database, "1/1", "anna")
    return database


def test_every_line_of_the_log_is_told_with_the_words_it_was_about(reviewed: Database) -> None:
    told = objects(read(reviewed))
    assert [(row["dialogue"], row["word"], row["is_taken_back"]) for row in told] == [
        ("1/0", "reject", False),
        ("1/0", "accept", False),
        ("1/1", "flag", False),
        ("1/1", "edit", False),
        ("1/1", "edit", False),
        ("1/1", "edit", False),
        ("1/1", "edit", True),
        ("1/1", "undo", False),
    ]
    flag = told[2]
    assert flag["text"][flag["span_start"] : flag["span_end"]] == LINES[1][1][:4]
    assert (told[0]["reasons"], told[0]["scores"], told[0]["standing"]) == (["pii"], {"empathy": 2}, "waiting")
    assert told[3]["after"] == "凌晨三点，你醒着。"


def test_a_filter_says_of_which_talks_labels_are(reviewed: Database) -> None:
    assert {row["dialogue"] for row in objects(read(reviewed, asked=Filter(edited=True)))} == {"1/1"}
    assert read(reviewed, asked=Filter(language="en")) == ""


@pytest.mark.parametrize("form", FORMS)
def test_the_same_database_gives_the_same_bytes(reviewed: Database, form: Form) -> None:
    first = read(reviewed, form)
    assert first
    assert read(reviewed, form) == first


def test_a_table_reads_back_and_holds_no_formula(reviewed: Database) -> None:
    told = read(reviewed, "csv", bom=True)
    assert told.startswith("\ufeffline,dialogue,")
    rows = list(csv.DictReader(io.StringIO(told.removeprefix("\ufeff"), newline="")))
    assert rows[0]["comment"] == f"'{FORMULA}"
    assert rows[2]["comment"] == '一\r\n二,"三"'
    assert [row["word"] for row in rows] == [row["word"] for row in objects(read(reviewed))]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(ACTIVE)]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_a_cell_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(start: str) -> None:
    assert neutralise(f"{start}1+1") == f"'{start}1+1"
    assert neutralise(f"1{start}1") == f"1{start}1"


def test_an_edit_that_stands_is_a_preference_after_the_talk_as_it_read_then(reviewed: Database) -> None:
    first, second = objects(read(reviewed, "pairs"))
    assert [line["content"] for line in first["prompt"]] == [LINES[0][1]]
    assert first["rejected"] == [{"role": "assistant", "content": LINES[1][1]}]
    assert first["chosen"] == [{"role": "assistant", "content": "凌晨三点，你醒着。"}]
    assert [line["content"] for line in second["prompt"]] == [LINES[0][1], "凌晨三点，你醒着。", "就想着考试。"]
    assert [line["role"] for line in second["prompt"]] == ["user", "assistant", "user"]
    assert (second["chosen"][0]["content"], second["reviewer"]) == ("哪一样更沉？", "anna")


def test_a_record_for_argilla_has_fields_responses_by_user_and_suggestions(reviewed: Database) -> None:
    (told,) = objects(read(reviewed, "argilla"))
    assert told["fields"]["dialogue"][0] == {"role": "user", "content": LINES[0][1]}
    assert [answer["value"] for answer in told["responses"]["verdict"]] == ["reject", "accept"]
    assert len({answer["user_id"] for answer in told["responses"]["verdict"]}) == 2
    assert told["responses"]["reasons"][0]["value"] == ["pii"]
    assert told["responses"]["empathy"][0]["value"] == 2
    assert told["metadata"]["reviewers"] == ["anna", "ben"]
    assert told["suggestions"]["session"] == {"value": "understanding 2", "score": None, "agent": "model 0"}


@pytest.mark.parametrize("form", FORMS)
def test_anonymous_labels_name_nobody(reviewed: Database, form: Form) -> None:
    told = read(reviewed, form, anonymous=True)
    assert "reviewer-1" in told
    assert "anna" not in told
    assert "ben" not in told


def test_a_viewer_is_not_told_what_others_said_before_their_own_verdict(reviewed: Database) -> None:
    assert {row["reviewer"] for row in objects(read(reviewed, viewer="anna")) if row["dialogue"] == "1/0"} == {
        "anna",
        "ben",
    }
    assert {row["reviewer"] for row in objects(read(reviewed, viewer="anna")) if row["dialogue"] == "1/1"} == {"anna"}
    assert read(reviewed, viewer="cleo", asked=Filter(edited=True)) == ""


def test_a_shell_writes_labels_into_a_whole_file(
    reviewed: Database, url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run: Run = sit_down(url, monkeypatch, capfd)
    assert run("labels", tmp_path / "a.csv", "--format", "csv", "--bom").code == 0
    assert (tmp_path / "a.csv").read_bytes().decode() == read(reviewed, "csv", bom=True)
    assert run("labels", "-", "--edited", "yes", "--format", "pairs").out == read(reviewed, "pairs")
    assert run("labels", tmp_path / "no" / "a.csv").code == 2
    assert run("labels", "-", "--bom").code == 2
    assert [path.name for path in tmp_path.glob("a.*")] == ["a.csv"]
