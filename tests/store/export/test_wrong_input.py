"""Whatever is wrong with an export's flags, folder or mix: one line, the right code, and nothing written."""

import json
import random
import sys
from pathlib import Path

import pytest

from store.db import open_db
from store.export.__main__ import main
from store.export.folder import choose_folder
from taxonomy.command import run_main
from taxonomy.refusal import InputError
from tests.store.export.stored import keep_talks, write_mix


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with a database of three talks and a mix."""
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    database = open_db("sqlite:///factory.db")
    keep_talks(database, 3, random.Random(1))
    database.dispose()
    write_mix(inside)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command and return its code and what it says."""
    monkeypatch.setattr(sys, "argv", ["store.export", *words])
    with pytest.raises(SystemExit) as ended:
        run_main(main)
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "--mix FILE is missing"),
        (["--mix", "mix.yaml"], 2, "--out DIR is missing"),
        (["--mix", "./no.yaml", "--out", "out"], 2, "no.yaml: there is no such file"),
        (["--mix", "rehersal", "--out", "out"], 2, "did you mean 'rehearsal'?"),
        (["--mix", "./mix.yaml", "--out", "there"], 2, "is there already"),
        (["--mix", "./mix.yaml", "--out", "file"], 2, "is there already"),
        (["--mix", "./mix.yaml", "--out", "../out"], 2, "leads out of the working folder"),
        (["--mix", "./mix.yaml", "--out", "there/../../out"], 2, "leads out of the working folder"),
        (["--mix", "./mix.yaml", "--out", "away/out"], 2, "leads out of the working folder"),
        (["--mix", "./mix.yaml", "--out", "no/out"], 2, "no does not exist"),
        (["--mix", "./mix.yaml", "--out", ""], 2, "--out DIR is missing"),
        (["--mix", "./mix.yaml", "--out", "out", "--format", "jsonl,alpacca"], 2, "did you mean 'alpaca'?"),
        (["--mix", "./mix.yaml", "--out", "out", "--formats", "jsonl"], 2, "did you mean '--format'?"),
        (["--mix", "./mix.yaml", "--out", "out", "--db", "sqlite:///no.db"], 1, "no.db does not exist"),
        (["--mix", "./mix.yaml", "--out", "out", "--tokenizer", "no.json"], 2, "no.json"),
        (["--mix", "rehearsal", "--out", "out", "--public"], 2, "--public is about --push"),
        (["--mix", "./mix.yaml", "--dry-run", "--push", "a/b"], 2, "--dry-run writes nothing"),
        (["--verify", "there"], 2, "there/manifest.json: No such file"),
        (["--verify", "there", "--gate"], 2, "--verify DIR goes alone"),
    ],
)
def test_a_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    Path("there").mkdir()
    Path("file").write_text("x", encoding="utf-8")
    Path("away").symlink_to("..")
    before = set(Path().rglob("*")) | set(Path("..").glob("*"))
    ended, out, error = run(monkeypatch, capsys, *words)
    assert (ended, out) == (code, "")
    assert error.count("\n") == 1
    assert told in error
    assert set(Path().rglob("*")) | set(Path("..").glob("*")) == before


def test_a_path_from_the_root_is_taken_at_its_word(tmp_path: Path) -> None:
    assert choose_folder(str(tmp_path / "out")) == tmp_path / "out"
    assert choose_folder("out") == tmp_path / "inside/out"
    with pytest.raises(InputError, match=r"write it from the root if you mean .*/out"):
        choose_folder("../out")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sources": [{"name": "talks", "store": {"recipe": ["smile"]}}]}, "of 3 none is left after 'asked for'"),
        ({"review": True}, "of 3 none is left after 'review'"),
        ({"kind": "preferences"}, "of 3 none is left after 'asked for'"),
        ({"longest": 5}, "of 3 none is left after 'length'"),
    ],
)
def test_an_empty_result_says_where_the_last_row_went(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changes: dict[str, object], told: str
) -> None:
    write_mix(Path(), **changes)
    ended, out, error = run(monkeypatch, capsys, "--mix", "./mix.yaml", "--out", "out")
    assert (ended, out, error.count("\n")) == (2, "", 1)
    assert told in error
    assert {path.name for path in Path().iterdir() if "factory" not in path.name} == {"mix.yaml"}


def test_files_that_are_missing_or_broken_are_named_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    general = {"name": "general", "licence": "mit", "language": "zh", "about": "questions"}
    write_mix(Path(), sources=[{**general, "files": ["general.jsonl"]}])
    assert "general.jsonl does not exist" in run(monkeypatch, capsys, "--mix", "./mix.yaml", "--out", "out")[2]
    talk = {"messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]}
    rows = [*map(json.dumps, (talk, {}, {"messages": [{"role": "tool", "content": "x"}]})), "no"]
    Path("general.jsonl").write_text("\n".join(rows), encoding="utf-8")
    ended, out, _ = run(monkeypatch, capsys, "--mix", "./mix.yaml", "--dry-run")
    assert ended == 0
    assert "-1    a row that cannot be read" in out
    assert "-1    a row that is no list of messages" in out
    assert "-1    an unusable message" in out
    write_mix(Path(), decontamination=["exam.jsonl"])
    assert "exam.jsonl does not exist" in run(monkeypatch, capsys, "--mix", "./mix.yaml", "--out", "out")[2]


def test_a_dry_run_shows_the_funnel_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name for path in Path().iterdir()}
    ended, out, error = run(monkeypatch, capsys, "--mix", "./mix.yaml", "--dry-run", "--json")
    assert (ended, error) == (0, "")
    *lines, last = out.splitlines()
    assert json.loads(last)["counts"]["split"] == {"train": 3}
    assert lines[-1] == "splits: train 3"
    assert {path.name for path in Path().iterdir()} - {"factory.db-wal", "factory.db-shm"} == before


def test_a_broken_bound_fails_the_gate_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, _, error = run(monkeypatch, capsys, "--mix", "./mix.yaml", "--out", "out", "--gate")
    assert (ended, error.count("\n")) == (1, 1)
    assert "top-20 openings 1 is over 0.1" in error
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "told",
    [
        {"mix": "text", "files": {}},
        {"mix": {"kind": ["talks"]}, "files": {}},
        {"mix": {"kind": "talks"}, "files": {"data/train-0.parquet": {"bytes": 1}}},
        {"files": {"a": "sha256"}},
        {"files": {"a": {"sha256": 1}}},
        {"files": {"a": {"sha256": "ab", "rows": "3"}}},
        {"files": ["a"]},
        ["files"],
    ],
)
def test_a_manifest_of_another_shape_is_none(
    told: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out").mkdir()
    Path("out/manifest.json").write_text(json.dumps(told), encoding="utf-8")
    line = "out/manifest.json: is no manifest of an export; name another folder\n"
    assert run(monkeypatch, capsys, "--verify", "out") == (2, "", line)


def test_a_file_whose_name_is_too_long_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out").mkdir()
    Path("out/manifest.json").write_text(json.dumps({"files": {"a" * 300: {"sha256": "ab"}}}), encoding="utf-8")
    code, out, err = run(monkeypatch, capsys, "--verify", "out")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "cannot be read (File name too long); export it again" in err
