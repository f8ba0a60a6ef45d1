"""Dialogues are read from the shapes that data sets come in, and a row without one is named."""

import json
from pathlib import Path

import pytest

from store.formats.dialogues import FileDialogue, Line, read_dialogues
from store.formats.seeds import SkippedRow
from taxonomy.refusal import InputError

TALK = [Line("client", "睡不着。"), Line("counselor", "几点醒的？")]
SHAPES = {
    "messages": {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "睡不着。"},
                              {"role": "assistant", "content": "几点醒的？"}]},
    "sharegpt": {"conversations": [{"from": "human", "value": "睡不着。"}, {"from": "gpt", "value": "几点醒的？"}]},
    "turns": {"turns": [{"role": "client", "content": "睡不着。"}, {"role": "counselor", "content": "几点醒的？"}]},
    "pairs": {"conversation": [{"input": "睡不着。", "output": "几点醒的？"}]},
    "script": {"text": "来访者：睡不着。\n\n心理咨询师：几点醒的？"},
    "question": {"question": "睡不着。", "answer": "几点醒的？"},
    "English labels": {"dialogue": "Client: 睡不着。\nTherapist: 几点醒的？"},
}  # fmt: skip


def write(folder: Path, *rows: object) -> Path:
    """Write rows as JSON Lines."""
    path = folder / "talks.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_a_dialogue_is_read_in_its_shape(tmp_path: Path, shape: str) -> None:
    (read,) = read_dialogues(write(tmp_path, {"id": 7, **SHAPES[shape]}))
    assert isinstance(read, FileDialogue)
    assert (read.id, list(read.lines)) == ("7", TALK)


def test_reasoning_is_split_off_whichever_way_it_comes(tmp_path: Path) -> None:
    tagged = {
        "messages": [{"role": "user", "content": "嗯"}, {"role": "assistant", "content": "<think>等等</think>我在。"}]
    }
    beside = {"messages": [{"role": "assistant", "content": "我在。", "reasoning_content": "等等"}]}
    first, second = read_dialogues(write(tmp_path, tagged, beside))
    assert isinstance(first, FileDialogue)
    assert isinstance(second, FileDialogue)
    assert first.lines[1] == second.lines[0] == Line("counselor", "我在。", "等等")
    assert first.id == "talks-1"


def test_a_row_without_a_dialogue_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(
        '{"x": 1}\n[1]\nnot json\n{"messages": []}\n{"messages": [{"role": "tool", "content": "x"}]}\n', "utf-8"
    )
    rows = list(read_dialogues(path))
    assert all(isinstance(row, SkippedRow) for row in rows)
    assert [row.row for row in rows] == [1, 2, 3, 4, 5]


def test_a_json_list_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "talks.json"
    path.write_text(json.dumps([SHAPES["pairs"], SHAPES["script"]]), encoding="utf-8")
    assert len(list(read_dialogues(path))) == 2
    path.write_text("[{", encoding="utf-8")
    with pytest.raises(InputError, match=r"talks\.json:1: not JSON"):
        list(read_dialogues(path))


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"messages": ["\xff"]}', "talks.json: not UTF-8; save the file as UTF-8"),
        (b'[\n{"messages": \n', "talks.json:3: not JSON"),
        (b"[" * 100_000, "talks.json:1: not JSON"),
    ],
    ids=["not UTF-8", "cut off", "nested without end"],
)
def test_a_json_file_that_cannot_be_read_is_one_line(tmp_path: Path, raw: bytes, told: str) -> None:
    path = tmp_path / "talks.json"
    path.write_bytes(raw)
    with pytest.raises(InputError) as refused:
        list(read_dialogues(path))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
