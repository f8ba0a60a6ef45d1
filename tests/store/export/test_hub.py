"""An export is read by the Hub's own library as it is, and goes up only without what nobody should see."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from store.db import Database, open_db
from store.errors import StoreError
from store.export.push import push
from taxonomy.refusal import InputError
from tests.store.export.stored import judge, keep, keep_talks, make_export, make_lines, make_mix, make_talk, read_rows
from tests.store.test_sessions import begin

SPLIT = {"train": 0.5, "validation": 0.25, "test": 0.25}


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    """Return an empty database."""
    return open_db(f"sqlite:///{tmp_path}/factory.db")


def spread(database: Database) -> None:
    """Store talks of many seeds, which fall into all splits."""
    chance, run = random.Random(4), begin(database, 30).id
    cells = [f"S{number:02}" for number in range(1, 31)]
    talks = [make_talk(run, place, make_lines(chance)) for place in range(30)]
    keep(database, [replace(one, seed=replace(one.seed, scene=cell)) for one, cell in zip(talks, cells, strict=True)])


def test_load_dataset_reads_the_folder_splits_and_all(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spread(sqlite)
    out = tmp_path / "out"
    told = make_export(sqlite, out, make_mix(tmp_path, split=SPLIT))
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in loaded.items()} == told["counts"]["split"]
    assert set(loaded) == set(SPLIT)
    assert loaded["train"][0]["messages"] == read_rows(out, "train")[0]["messages"]


@pytest.mark.parametrize(("change", "why"), [("rehearsal", "is the rehearsal model's"), ("crisis", "a sign of danger")])
def test_rows_that_nobody_should_see_do_not_go_up(sqlite: Database, tmp_path: Path, change: str, why: str) -> None:
    is_crisis = change == "crisis"
    (id,) = keep_talks(
        sqlite, 1, random.Random(1), is_rehearsal=not is_crisis, is_crisis=is_crisis,
        risk_tier="active" if is_crisis else "none",
    )  # fmt: skip
    judge(sqlite, id, "accept")
    told = make_export(sqlite, tmp_path / "out", make_mix(tmp_path, rehearsal=True))
    with pytest.raises(InputError, match=f"row {id} .*{why}"):
        push(tmp_path / "out", told, "a/b", is_public=False)


def test_a_folder_that_was_changed_does_not_go_up(sqlite: Database, tmp_path: Path) -> None:
    keep_talks(sqlite, 1, random.Random(1))
    told = make_export(sqlite, tmp_path / "out", make_mix(tmp_path))
    (tmp_path / "out/README.md").write_text("?", encoding="utf-8")
    with pytest.raises(StoreError, match=r"README\.md is not as it was written"):
        push(tmp_path / "out", told, "a/b", is_public=False)
    with pytest.raises(InputError, match="write OWNER/NAME"):
        push(tmp_path / "out", told, "../b", is_public=False)


def test_without_a_network_or_the_package_it_is_one_line(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "none")
    keep_talks(sqlite, 1, random.Random(1))
    told = make_export(sqlite, tmp_path / "out", make_mix(tmp_path))
    with pytest.raises((InputError, StoreError), match=r"^--push") as refused:
        push(tmp_path / "out", told, "a/b", is_public=False)
    assert "\n" not in str(refused.value)
