"""Rows are read from whatever they come in, a part of the file at a time, and a bad one never hides the next."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow.parquet import write_table

from store.formats.carriers import json_values
from store.formats.carriers.choose import choose_carrier
from store.formats.carriers.row import LONGEST_ROW, FileRow
from taxonomy.refusal import InputError

LETTERS = '睡不着"\\{}[],: \n\té😀a1'


def read(path: Path) -> list[FileRow]:
    return list(choose_carrier(path).read_rows(path))


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problems(rows: list[FileRow]) -> dict[int, str]:
    return {row.number: row.problem for row in rows if row.value is None}


def make_row(chance: random.Random) -> dict[str, Any]:
    """Return an object with texts of all signs that JSON must escape, and things within things."""
    said = ["".join(chance.choices(LETTERS, k=chance.randrange(40))) for _ in range(3)]
    return {said[0] + "1": said[1], "turns": [{"content": said[2], "n": chance.randrange(10**6)}] * chance.randrange(4)}


@pytest.mark.parametrize("seed", range(12))
def test_an_array_is_the_same_through_any_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    rows = [make_row(chance) for _ in range(40)]
    monkeypatch.setattr(json_values, "CHUNK", chance.randrange(1, 200))
    indent = chance.choice([None, 2])
    text = json.dumps(rows, ensure_ascii=seed % 2 == 0, indent=indent)
    assert [row.value for row in read(write(tmp_path, "talks.json", text))] == rows
    beside = "\n".join(json.dumps(row, indent=2) for row in rows)
    assert [row.value for row in read(write(tmp_path, "beside.json", beside))] == rows


@pytest.mark.parametrize("chunk", [1, 7, 100, 2**18])
def test_a_bad_value_in_an_array_does_not_hide_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(json_values, "CHUNK", chunk)
    deep = "[" * 5_000 + "]" * 5_000
    text = (
        '[{"a": 1}, {"a" 2, "b": "} \\" {"}, {"a": 3, "a": 4}, ["x"], {"a": ' + deep + '}, {"a": "\\ud800"}, {"a": 7}]'
    )
    rows = read(write(tmp_path, "talks.json", text))
    assert [row.value for row in rows if row.value is not None] == [{"a": 1}, {"a": "\ud800"}, {"a": 7}]
    assert problems(rows) == {
        2: "not JSON",
        3: "the key 'a' stands twice in one object",
        4: "not an object",
        5: "nested too deeply",
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[{"a": 1},\n{"a": 2}', "talks.json:2: the array is not closed"),
        ('[{"a": 1}]\n{"b": 2}', "talks.json:2: there is more after the array"),
        ('[{"a": 1}, {"a": [1, 2', "talks.json:1: not JSON, it ends too soon"),
        ('[{"a": 1}, nonsense]', "talks.json:1: not JSON"),
    ],
)
def test_an_array_that_breaks_off_is_told_after_its_rows(tmp_path: Path, content: str, told: str) -> None:
    path = write(tmp_path, "talks.json", content)
    rows: list[FileRow] = []
    with pytest.raises(InputError, match="the rows before went in") as refused:
        rows.extend(choose_carrier(path).read_rows(path))
    assert told in str(refused.value)


def test_json_lines_number_each_line_and_name_what_is_wrong_with_it(tmp_path: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"a": "\\u0000x"}\r', b"", b"{broken", b"[1]", b'{"a": 1, "a": 2}', b'{"a": "\xe9"}',
        b"[" * 5_000, b'{"a": "' + b"x" * (LONGEST_ROW + 5) + b'"}', b'{"a": 9}',
    ]  # fmt: skip
    rows = read(write(tmp_path, "talks.jsonl", b"\n".join(lines)))
    assert [(row.number, row.value) for row in rows if row.value is not None] == [(1, {"a": "\0x"}), (9, {"a": 9})]
    assert problems(rows) == {
        3: "not JSON",
        4: "not an object",
        5: "the key 'a' stands twice in one object",
        6: "not UTF-8",
        7: "nested too deeply",
        8: f"longer than {LONGEST_ROW} characters",
    }
    assert len(next(row.raw for row in rows if row.number == 8)) == 1_000


def test_a_row_that_is_too_long_is_named_in_an_array_too(tmp_path: Path) -> None:
    text = json.dumps([{"a": "x" * (LONGEST_ROW + 9)}, {"a": "y"}])
    rows = read(write(tmp_path, "talks.json", text))
    assert problems(rows) == {1: f"longer than {LONGEST_ROW} characters"}
    assert rows[1].value == {"a": "y"}
    assert len(rows[0].raw) <= 1_000


def test_csv_counts_rows_by_the_line_on_which_they_begin(tmp_path: Path) -> None:
    head = "\ufeffid,text\r\n"
    body = '1,"two\r\nlines"\r\n2,a,b\r\n\r\n3,last\r\n'
    rows = read(write(tmp_path, "talks.csv", (head + body).encode() + b"4,\xe9\r\n"))
    assert [(row.number, row.value) for row in rows if row.value] == [
        (2, {"id": "1", "text": "two\r\nlines"}),
        (6, {"id": "3", "text": "last"}),
    ]
    assert problems(rows) == {4: "3 fields where the first line names 2", 7: "not UTF-8"}
    tabs = read(write(tmp_path, "talks.tsv", "id\ttext\n1\tx, y\n"))
    assert tabs[0].value == {"id": "1", "text": "x, y"}


def test_a_quote_without_end_in_a_table_is_a_bad_row(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "talks.csv", 'id,text\n1,"' + "x" * (LONGEST_ROW + 9) + "\n2,y\n"))
    assert [(row.number, row.problem[:7], row.value) for row in rows] == [
        (2, "not CSV", None),
        (3, "", {"id": "2", "text": "y"}),
    ]


@pytest.mark.parametrize("content", ["id,id\n1,2\n", ",\n1,2\n"])
def test_a_table_whose_first_line_names_no_fields_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"talks\.csv:1"):
        read(write(tmp_path, "talks.csv", content))


def test_parquet_gives_nested_columns_as_they_are_over_its_parts(tmp_path: Path) -> None:
    rows = [{"id": number, "turns": [{"role": "user", "content": f"睡{number}"}], "x": None} for number in range(700)]
    path = tmp_path / "talks.parquet"
    write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=300)
    found = read(path)
    assert [(row.number, row.value) for row in found] == list(enumerate(rows, start=1))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="not sound Parquet"):
        read(path)


def test_plain_text_is_a_row_a_line(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "posts.txt", "睡不着。\r\n\n \n为什么？".encode() + b"\n\xff\n"))
    assert [(row.number, row.value) for row in rows if row.value] == [
        (1, {"text": "睡不着。"}),
        (4, {"text": "为什么？"}),
    ]
    assert problems(rows) == {5: "not UTF-8"}


@pytest.mark.parametrize(
    ("name", "content", "carrier"),
    [
        ("a.json", '{"x": 1}\n{"x": 2}', "JSON Lines"),
        ("a.json", '{\n"x": 1}', "JSON"),
        ("a.json", "\n [ {}]", "JSON"),
        ("a", '{"x": 1}', "JSON Lines"),
        ("a.jsonl.gz", '{"x": 1}', "JSON Lines"),
        ("a.log", "hello", "plain text"),
        ("a.jsonl", "[1]", "JSON Lines"),
    ],
)
def test_what_rows_come_in_is_told_by_content_before_name(
    tmp_path: Path, name: str, content: str, carrier: str
) -> None:
    assert choose_carrier(write(tmp_path, name, content)).name == carrier


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b"", "the file is empty"),
        ("a.jsonl", b"\xef\xbb\xbf \n", "the file is empty"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00", "is compressed; unpack it first"),
        ("a.zip", b"PK\x03\x04", "is compressed"),
        ("a.jsonl", "{}".encode("utf-16"), "is in UTF-16"),
        ("a.parquet", b"{}", "is not Parquet, whatever its name"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_one_line(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    with pytest.raises(InputError) as refused:
        choose_carrier(write(tmp_path, name, content))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_a_missing_file_and_a_pipe_are_refused_and_a_link_is_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, told in (("", "is a directory"), ("none.jsonl", "does not exist"), ("pipe", "not a plain file")):
        with pytest.raises(InputError, match=told):
            choose_carrier(tmp_path / name)
    (tmp_path / "link.jsonl").symlink_to(write(tmp_path, "talks.jsonl", '{"a": 1}'))
    assert read(tmp_path / "link.jsonl")[0].value == {"a": 1}
