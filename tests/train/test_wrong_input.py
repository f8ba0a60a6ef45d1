"""Bad input ends the trainer with one line, exit code 2, and nothing left behind."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from taxonomy.refusal import InputError
from tests.train.made_shards import make_pairs, make_talks, write_shards, write_talks
from tests.train.trainers import (
    FAST,
    Ended,
    assert_refused,
    make_command,
    run,
    set_environment,
    train_here,
    write_config,
)
from train import sft
from train.place import OLD_S, hold, name_place, sweep_places


@pytest.fixture
def told(tiny: Path, tmp_path: Path) -> dict[str, Any]:
    """Return settings with which nothing is wrong."""
    shards = write_talks(tmp_path / "shards", 4, 2)
    return {**FAST, "model_name_or_path": str(tiny), "shards": str(shards), "output_dir": str(tmp_path / "out")}


def start(folder: Path, told: dict[str, Any], *flags: str, **environment: str) -> Ended:
    """Start the trainer in a process of its own."""
    command = make_command(["--config", str(write_config(folder, **told)), *flags])
    return run(command, set_environment(**environment), folder)


def refuse(folder: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the line with which the trainer ends in this process, and see that it left nothing."""
    with pytest.raises(InputError) as caught:
        train_here(sft, ["--config", str(write_config(folder, **told))], monkeypatch)
    assert not (folder / "out").exists()
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_mistake_in_the_settings_is_one_line_of_the_first_process(tmp_path: Path, told: dict[str, Any]) -> None:
    ended = start(tmp_path, {**told, "learning_rate": "5e-5"})
    assert_refused(ended, "config.yaml:", "learning_rate: a number is wanted, not the text '5e-5'")
    assert not (tmp_path / "out").exists()


def test_a_missing_model_folder_is_refused(
    tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told["model_name_or_path"] = str(tmp_path / "gone")
    assert "model_name_or_path: there is no folder" in refuse(tmp_path, told, monkeypatch)


def test_a_mistake_of_the_launch_is_one_line_before_any_process_waits_for_another(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    world = {"WORLD_SIZE": "9999", "LOCAL_WORLD_SIZE": "9999", "LOCAL_RANK": "0"}
    assert_refused(start(tmp_path, told, RANK="0", **world), "9999 processes, and ")
    assert not (tmp_path / "out").exists()


def test_a_wrong_checksum_is_refused(tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    (shard,) = (tmp_path / "shards" / "data").glob("train-*")
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    assert "is not as it was written" in refuse(tmp_path, told, monkeypatch)


def test_an_empty_split_is_refused(tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    told["shards"] = str(write_shards(tmp_path / "train_only", {"train": make_talks(2)}))
    line = refuse(tmp_path, {**told, "eval_strategy": "steps", "eval_steps": 1}, monkeypatch)
    assert "split 'validation' is empty" in line


def test_a_split_of_over_long_rows_alone_is_refused(
    tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = refuse(tmp_path, {**told, "max_length": 8}, monkeypatch)
    assert "rows are longer than max_length 8" in line


def test_a_folder_that_is_no_export_is_refused(
    tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "manifest.json" in refuse(tmp_path, {**told, "shards": str(tmp_path)}, monkeypatch)


def test_pairs_are_refused_with_the_name_of_their_trainer(
    tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told["shards"] = str(write_shards(tmp_path / "pairs", {"train": make_pairs(2)}, "preferences"))
    assert "train.dpo" in refuse(tmp_path, told, monkeypatch)


def test_weights_that_cannot_be_read_leave_no_folder(
    tmp_path: Path, told: dict[str, Any], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "weightless"
    model.mkdir()
    for path in tiny.iterdir():
        if path.suffix != ".safetensors":
            (model / path.name).write_bytes(path.read_bytes())
    assert "cannot be read" in refuse(tmp_path, {**told, "model_name_or_path": str(model)}, monkeypatch)


def test_weights_that_were_broken_off_leave_no_folder(
    tmp_path: Path, told: dict[str, Any], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "broken"
    model.mkdir()
    for path in tiny.iterdir():
        (model / path.name).write_bytes(path.read_bytes()[: 100 if path.suffix == ".safetensors" else None])
    assert "cannot be read" in refuse(tmp_path, {**told, "model_name_or_path": str(model)}, monkeypatch)


def test_settings_that_trl_refuses_late_leave_no_folder(
    tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "do not go together: Invalid `loss_type`" in refuse(tmp_path, {**told, "loss_type": "none"}, monkeypatch)


def test_what_a_killed_training_left_is_removed_by_a_later_one_and_what_is_in_use_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, held = Path(name_place()), Path(name_place())
    handle = hold(held)
    sweep_places()
    assert left.exists()
    sweep_places(time.time() + 2 * OLD_S)
    assert not left.exists()
    assert held.exists()
    os.close(handle)


def test_no_rows_are_left_in_the_temporary_folder(
    tmp_path: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    assert train_here(sft, ["--config", str(write_config(tmp_path, **told))], monkeypatch) == 0
    with pytest.raises(InputError):
        train_here(sft, ["--config", str(write_config(tmp_path, **{**told, "max_length": 8}))], monkeypatch)
    assert list(place.iterdir()) == []
    assert json.loads((tmp_path / "out" / "end.json").read_text())["state"] == "done"
