"""An export holds what its mix says, in shapes that trainers read, and the same bytes whenever it is made again."""

import json
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyarrow.parquet import ParquetFile, read_table
from sqlalchemy import text

from agents.checks.version import checks_version
from store.db import Database, open_db
from store.errors import StoreError
from store.export.checks import current_checks
from store.export.manifest import verify
from store.records import ThoughtRecord, UtteranceRecord, VerdictRecord
from tests.store.export.stored import (
    hash_files,
    judge,
    keep,
    keep_talks,
    make_export,
    make_lines,
    make_mix,
    make_talk,
    read_rows,
    say_something,
)
from tests.store.test_sessions import begin

SHAPES = "jsonl,sharegpt,alpaca,llamafactory,swift,argilla"
SPLIT = {"train": 0.6, "validation": 0.2, "test": 0.2}


def write_general(folder: Path, count: int, **changes: Any) -> dict[str, Any]:
    """Write a file of general data and return the source that names it."""
    chance = random.Random(8)
    path = folder / "general.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": say_something(chance)}, {"role": "assistant", "content": f"答：{n}"}]}
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told = {"name": "general", "files": [str(path)], "licence": "apache-2.0", "language": "zh", "about": "Questions"}
    return {**told, **changes}


def test_the_checks_it_asks_for_are_those_that_judge() -> None:
    assert current_checks() == checks_version()


def test_a_row_holds_the_talk_and_all_that_is_known_of_it(database: Database, tmp_path: Path) -> None:
    run = begin(database).id
    lines = [("client", "我睡不着。"), ("counselor", "嗯，整夜吗？"), ("client", "嗯。"), ("counselor", "你说。")]
    verdict = VerdictRecord(0, 0, "session", 1, {"a": 2.0, "b": 4.0}, {}, "", "", None)
    keep(database, [make_talk(run, 0, [*lines, ("client", "再见。")], verdicts=[verdict])])
    judge(database, f"{run}/0", "accept")
    make_export(database, tmp_path / "out", make_mix(tmp_path))
    (row,) = read_rows(tmp_path / "out")
    assert [(said["role"], said["content"]) for said in row["messages"]] == [
        (("user", "assistant")[number % 2], said) for number, (_, said) in enumerate(lines)
    ]
    assert [said["loss"] for said in row["messages"]] == [False, True, False, True]
    assert {said["reasoning_content"] for said in row["messages"]} == {None}
    known = {"id": f"{run}/0", "emotion": "performance_anxiety", "scene": "S01", "recipe": "session", "exchanges": 2}
    known |= {"licence": "cc-by-4.0", "standing": "accepted", "is_reviewed": True, "is_rehearsal": False}
    assert {name: row[name] for name in known} == known
    assert row["scores"] == [{"rubric": "session", "score": 3.0}]
    assert row["characters"] == sum(len(said) for _, said in lines)
    assert row["provenance"]["checks"] == current_checks()


@pytest.mark.parametrize(
    ("reasoning", "carried"), [("none", [None]), ("raw", ["先听。"]), ("normalised", ["他累了。"])]
)
def test_the_thought_that_the_mix_names_is_carried_apart(
    database: Database, tmp_path: Path, reasoning: str, carried: list[str | None]
) -> None:
    run = begin(database).id
    talk = make_talk(run, 0, make_lines(random.Random(1), 1))
    client, counselor = talk.utterances
    thought = ThoughtRecord(1, "他累了。", "", 1, "m", None)
    said = [client, replace(counselor, reasoning="<think>先听。</think>")]
    keep(database, [replace(talk, utterances=said, thoughts=[thought])])
    make_export(database, tmp_path / "out", make_mix(tmp_path, reasoning=reasoning))
    (row,) = read_rows(tmp_path / "out")
    assert [said["reasoning_content"] for said in row["messages"] if said["role"] == "assistant"] == carried


def test_a_reply_without_a_thought_is_not_learned_where_thoughts_are(database: Database, tmp_path: Path) -> None:
    run = begin(database).id
    talk = make_talk(run, 0, make_lines(random.Random(1), 3))
    said = [
        replace(line, reasoning="想想") if line.speaker == "counselor" and place > 1 else line
        for place, line in enumerate(talk.utterances)
    ]
    keep(database, [replace(talk, utterances=said), make_talk(run, 1, make_lines(random.Random(2)))])
    make_export(database, tmp_path / "out", make_mix(tmp_path, reasoning="raw"))
    (row,) = read_rows(tmp_path / "out")
    assert [said["loss"] for said in row["messages"]] == [False, False, False, True, False, True]


def test_each_reply_is_a_row_of_its_own_with_no_thought_before_it(database: Database, tmp_path: Path) -> None:
    run = begin(database).id
    talk = make_talk(run, 0, make_lines(random.Random(1), 3))
    said = [replace(line, reasoning="想想" if line.speaker == "counselor" else "") for line in talk.utterances]
    keep(database, [replace(talk, utterances=said)])
    make_export(database, tmp_path / "out", make_mix(tmp_path, reasoning="raw", targets="per_turn"))
    rows = read_rows(tmp_path / "out")
    assert [row["id"] for row in rows] == [f"{run}/0#{number}" for number in (1, 2, 3)]
    for row in rows:
        *before, last = row["messages"]
        assert (last["role"], last["loss"], last["reasoning_content"]) == ("assistant", True, "想想")
        assert not any(message["loss"] or message["reasoning_content"] for message in before)


def test_two_exports_are_the_same_bytes_whatever_the_database_went_through(database: Database, tmp_path: Path) -> None:
    chance = random.Random(4)
    run = begin(database, 60).id
    talks = [make_talk(run, place, make_lines(chance)) for place in range(60)]
    keep(database, talks)
    mix = make_mix(tmp_path, split=SPLIT, dedup="near", sources=[{"name": "talks", "store": {}, "count": 40}])
    make_export(database, tmp_path / "first", mix, "--format", SHAPES)
    if database.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(database.url.database))) as file:
            file.execute("VACUUM")
    else:
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.exec_driver_sql("VACUUM FULL")
    make_export(database, tmp_path / "second", mix, "--format", SHAPES)
    other = open_db(f"sqlite:///{tmp_path}/other.db")
    assert begin(other, 60).id == run
    random.Random(5).shuffle(talks)
    keep(other, talks)
    make_export(other, tmp_path / "third", mix, "--format", SHAPES)
    other.dispose()
    first = hash_files(tmp_path / "first")
    assert len(first) > 8
    assert first == hash_files(tmp_path / "second") == hash_files(tmp_path / "third")
    assert (tmp_path / "first/manifest.json").read_bytes() == (tmp_path / "third/manifest.json").read_bytes()


def test_another_seed_of_the_draw_takes_other_rows(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 40, random.Random(4))
    taken = []
    for seed in (1, 2):
        mix = make_mix(tmp_path, seed=seed, sources=[{"name": "talks", "store": {}, "count": 20}])
        make_export(database, tmp_path / f"out{seed}", mix)
        taken.append({row["id"] for row in read_rows(tmp_path / f"out{seed}")})
    assert len(taken[0]) == len(taken[1]) == 20
    assert taken[0] != taken[1]
    database.dispose()


def test_weights_share_out_as_much_as_all_sources_allow(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 40, random.Random(4))
    sources = [{"name": "talks", "store": {}, "weight": 80}, write_general(tmp_path, 7, weight=20)]
    told = make_export(database, tmp_path / "out", make_mix(tmp_path, sources=sources))
    assert told["counts"]["source"] == {"general": 7, "talks": 28}
    told = make_export(database, tmp_path / "small", make_mix(tmp_path, sources=sources, rows=10))
    assert told["counts"]["source"] == {"general": 2, "talks": 8}
    told = make_export(database, tmp_path / "big", make_mix(tmp_path, sources=sources, rows=1_000))
    assert told["counts"]["source"] == {"general": 7, "talks": 28}
    assert told["notes"] == ["1000 rows are asked for, and the shares of the sources allow 35"]
    database.dispose()


def test_caps_hold_and_the_best_stay(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    chance, run = random.Random(4), begin(database, 30).id
    same = [[("client", say_something(chance)), ("counselor", f"我在听。{say_something(chance)}")] for _ in range(30)]
    keep(database, [make_talk(run, place, lines) for place, lines in enumerate(same)])
    judge(database, f"{run}/7", "accept")
    told = make_export(database, tmp_path / "out", make_mix(tmp_path, caps={"cell": 20, "opening": 5}))
    rows = read_rows(tmp_path / "out")
    assert len(rows) == 5
    assert f"{run}/7" in {row["id"] for row in rows}
    steps = {step["filter"]: step["left"] for step in told["funnel"]}
    assert (steps["exact copies"], steps["cap on cell"], steps["cap on opening"]) == (30, 20, 5)
    database.dispose()


def test_of_a_talk_and_those_run_again_from_it_the_best_alone_leaves(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    chance, run = random.Random(4), begin(database, 6).id
    first, other = f"{run}/0", f"{run}/4"
    again = {1: first, 2: f"{run}/1", 3: first}
    keep(database, [make_talk(run, 0, make_lines(chance)), make_talk(run, 4, make_lines(chance))])
    for place, parent in again.items():
        asked = judge(database, parent, "again", number=0)
        keep(database, [make_talk(run, place, make_lines(chance), parent_id=parent, request_id=asked)])
    keep(database, [make_talk(run, 5, make_lines(chance), parent_id=other)])
    judge(database, f"{run}/2", "accept")
    told = make_export(database, tmp_path / "out", make_mix(tmp_path))
    assert {row["id"] for row in read_rows(tmp_path / "out")} == {f"{run}/2", other, f"{run}/5"}
    assert {"filter": "runs again", "left": 3, "gone": {"another try of the same talk": 3}} in told["funnel"]
    database.dispose()


def test_the_other_shapes_have_the_fields_that_their_readers_document(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    run = begin(database).id
    said = [
        UtteranceRecord("client", "睡不着。", "", None, None),
        UtteranceRecord("counselor", "整夜？", "先听。", None, None),
        UtteranceRecord("client", "嗯。", "", None, None),
        UtteranceRecord("counselor", "你说。", "再听。", None, None),
    ]
    keep(database, [replace(make_talk(run, 0, []), utterances=said)])
    out = tmp_path / "out"
    make_export(database, out, make_mix(tmp_path, reasoning="raw"), "--format", SHAPES)

    def read(name: str) -> Any:
        return json.loads((out / name / "train.jsonl").read_text(encoding="utf-8"))

    first, last = "<think>\n先听。\n</think>\n\n整夜？", "<think>\n再听。\n</think>\n\n你说。"
    turns = [("human", "睡不着。"), ("gpt", first), ("human", "嗯。"), ("gpt", last)]
    conversations = [{"from": who, "value": what} for who, what in turns]
    assert read("sharegpt") == {"id": f"{run}/0", "conversations": conversations, "system": ""}
    assert read("llamafactory") == read("sharegpt")
    asked = {"instruction": "嗯。", "input": "", "output": last, "system": "", "history": [["睡不着。", first]]}
    assert read("alpaca") == {**asked, "id": f"{run}/0"}
    assert read("swift")["messages"][1] == {"role": "assistant", "content": first, "loss": True}
    assert read("swift")["messages"][0] == {"role": "user", "content": "睡不着。"}
    assert read("argilla")["fields"]["chat"][1] == {"role": "assistant", "content": "整夜？"}
    assert read("jsonl") == read_rows(out)[0]
    info = json.loads((out / "llamafactory/dataset_info.json").read_text(encoding="utf-8"))
    assert info == {
        "plain_train": {
            "file_name": "train.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system"},
            "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
        }
    }
    database.dispose()


def test_the_card_leads_the_hub_to_every_split_and_names_every_licence(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 40, random.Random(4))
    sources = [{"name": "talks", "store": {}}, write_general(tmp_path, 60)]
    out = tmp_path / "out"
    told = make_export(database, out, make_mix(tmp_path, sources=sources, split=SPLIT | {"by": "case"}))
    card = (out / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---")[1])
    (config,) = head["configs"]
    assert {part["split"] for part in config["data_files"]} == set(told["counts"]["split"])
    for part in config["data_files"]:
        rows = sum(read_table(path).num_rows for path in out.glob(part["path"]))
        assert rows == told["counts"]["split"][part["split"]]
    assert head["license"] == "other"
    assert head["language"] == ["zh"]
    assert {"| apache-2.0 | 60 |", "| cc-by-4.0 | 40 |"} <= set(card.splitlines())
    assert "合成数据" in card
    assert "Synthetic" in card
    database.dispose()


def test_shards_are_cut_by_rows_and_named_as_the_hub_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.export.shards.ROWS_OF_A_GROUP", 10)
    monkeypatch.setattr("store.export.shards.ROWS_OF_A_SHARD", 20)
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 45, random.Random(4))
    make_export(database, tmp_path / "out", make_mix(tmp_path))
    paths = sorted((tmp_path / "out/data/plain").iterdir())
    assert [path.name for path in paths] == [f"train-{number:05}-of-00003.parquet" for number in range(3)]
    assert [ParquetFile(path).metadata.num_rows for path in paths] == [20, 20, 5]
    assert {ParquetFile(path).metadata.row_group(0).column(0).compression for path in paths} == {"ZSTD"}
    database.dispose()


def test_an_export_is_verified_and_any_change_is_named(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 5, random.Random(4))
    out = tmp_path / "out"
    told = make_export(database, out, make_mix(tmp_path))
    database.dispose()
    assert verify(out) == told
    shard = next((out / "data/plain").iterdir())
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1] + b"?")
    with pytest.raises(StoreError, match="is not as it was written"):
        verify(out)
    shard.unlink()
    with pytest.raises(StoreError, match=r"train-00000-of-00001\.parquet is missing"):
        verify(out)
    shard.write_bytes(whole)
    (out / "more.txt").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match=r"more\.txt was added"):
        verify(out)


def test_nothing_of_the_run_is_changed_by_an_export(tmp_path: Path) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 5, random.Random(4))
    query = text("SELECT d.id, d.people, d.checks, (SELECT count(*) FROM stale) FROM dialogues d ORDER BY d.id")
    with database.connect() as db:
        before = db.execute(query).all()
    make_export(database, tmp_path / "out", make_mix(tmp_path))
    with database.connect() as db:
        assert db.execute(query).all() == before
    database.dispose()
