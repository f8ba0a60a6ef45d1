"""Talks are read back from an export as they went in; what is no export, or no talk, is refused in one line."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from store.db import open_db
from store.export import talk as exported
from store.export.rows import TalkRow
from taxonomy.refusal import InputError
from tests.store.export.stored import keep_talks, make_export, make_mix, read_rows
from tests.train.made_shards import make_pairs, make_talks, tell, write_shards
from train.shards import Message, Talk, count_rows, read_talks


def test_an_export_is_read_as_its_rows_are(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 8, random.Random(1))
    make_export(database, tmp_path / "out", make_mix(tmp_path))
    talks = list(read_talks(tmp_path / "out", "train"))
    rows = read_rows(tmp_path / "out", "train")
    assert len(talks) == len(rows) == 8
    assert [talk.id for talk in talks] == [row["id"] for row in rows]
    for talk, row in zip(talks, rows, strict=True):
        assert [(each.role, each.content, each.reasoning, each.loss) for each in talk.messages] == [
            (each["role"], each["content"], each["reasoning_content"], each["loss"]) for each in row["messages"]
        ]


def test_thoughts_and_what_is_learned_come_back(tmp_path: Path) -> None:
    said = [exported.Message("system", "s"), exported.Message("user", "a")]
    said += [exported.Message("assistant", "b", "why", True), exported.Message("user", "c")]
    said.append(exported.Message("assistant", "d", None, False))
    folder = write_shards(tmp_path / "out", {"train": [TalkRow(tell("1/0"), said)]})
    assert list(read_talks(folder, "train")) == [Talk("1/0", tuple(Message(*each) for each in said))]


def test_shards_are_read_in_their_order_and_splits_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.export.shards.ROWS_OF_A_SHARD", 10)
    monkeypatch.setattr("store.export.shards.ROWS_OF_A_GROUP", 10)
    talks = make_talks(25)
    folder = write_shards(tmp_path / "out", {"train": talks, "test": make_talks(3, 1)})
    assert len(list((folder / "data").glob("train-*"))) == 3
    assert [talk.id for talk in read_talks(folder, "train")] == [talk.about.id for talk in talks]
    assert count_rows(folder) == {"train": 25, "test": 3}


def test_a_split_without_rows_is_refused_with_those_there_are(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "out", {"train": make_talks(4), "test": make_talks(2, 1)})
    with pytest.raises(InputError, match=r"split 'validation' is empty; it holds test 2, train 4$"):
        list(read_talks(folder, "validation"))
    with pytest.raises(InputError, match=r"split 'tests' is empty \(did you mean 'test'\?\)"):
        list(read_talks(folder, "tests"))
    empty = write_shards(tmp_path / "empty", {"train": []})
    with pytest.raises(InputError, match="it holds no rows at all"):
        list(read_talks(empty, "train"))
    told = (folder / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(told.replace('"rows":4', '"rows":0'), encoding="utf-8")
    with pytest.raises(InputError, match=r"split 'train' is empty; it holds test 2$"):
        list(read_talks(folder, "train"))


def remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]", encoding="utf-8")


def remove_shard(folder: Path) -> None:
    next((folder / "data").glob("*.parquet")).unlink()


def break_shard(folder: Path) -> None:
    next((folder / "data").glob("*.parquet")).write_bytes(b"PAR1 and no more PAR1")


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (remove_folder, "there is no such folder"),
        (remove_manifest, r"manifest\.json: No such file or directory; name the folder of an export"),
        (empty_manifest, r"manifest\.json: is no manifest of an export"),
        (remove_shard, "not sound Parquet"),
        (break_shard, "not sound Parquet"),
    ],
)
def test_what_is_no_export_is_refused_in_one_line(tmp_path: Path, spoil: Callable[[Path], None], why: str) -> None:
    folder = write_shards(tmp_path / "out", {"train": make_talks(3)})
    spoil(folder)
    with pytest.raises(InputError, match=why) as caught:
        list(read_talks(folder, "train"))
    assert "\n" not in str(caught.value)


def test_pairs_are_no_talks(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "out", {"train": make_pairs(2)}, "preferences")
    with pytest.raises(InputError, match=r"row 1: it is a pair of replies, which train\.dpo takes"):
        list(read_talks(folder, "train"))


@pytest.mark.parametrize("roles", ["", "u", "au", "uu", "uasu", "s", "usua", "uaa"])
def test_speakers_who_do_not_take_turns_are_refused(tmp_path: Path, roles: str) -> None:
    names = {"u": "user", "a": "assistant", "s": "system"}
    said = [exported.Message(names[role], "x", None, role == "a") for role in roles]
    folder = write_shards(tmp_path / "out", {"train": [*make_talks(1), TalkRow(tell("1/1"), said)]})
    with pytest.raises(InputError, match="row 2: user and assistant do not take turns; export it again"):
        list(read_talks(folder, "train"))


def test_a_thought_within_a_reply_is_refused(tmp_path: Path) -> None:
    said = [exported.Message("user", "a"), exported.Message("assistant", "<think>why</think>b", None, True)]
    folder = write_shards(tmp_path / "out", {"train": [TalkRow(tell("1/0"), said)]})
    with pytest.raises(InputError, match="row 1: a thought stands within a reply and not beside it; export it again"):
        list(read_talks(folder, "train"))


def test_only_shards_that_the_manifest_names_are_read(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "out", {"train": make_talks(3)})
    shard = next((folder / "data").glob("*.parquet"))
    shutil.copy(shard, shard.with_name("train-00001-of-00002.parquet"))
    assert len(list(read_talks(folder, "train"))) == 3
    assert list(json.loads((folder / "manifest.json").read_bytes())["files"]) == ["data/train-00000-of-00001.parquet"]
