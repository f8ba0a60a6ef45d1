"""A training that was broken off goes on as if nothing had happened."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from taxonomy.refusal import InputError
from tests.train.made_shards import write_talks
from tests.train.trainers import (
    FAST,
    LORA,
    make_command,
    read_end,
    read_losses,
    read_metrics,
    set_environment,
    train_here,
    write_config,
)
from train import sft


def write_told(folder: Path, tiny: Path, **settings: Any) -> Path:
    """Write shards and a configuration."""
    shards = folder / "shards"
    if not shards.exists():
        write_talks(shards)
    return write_config(folder, **{**FAST, "model_name_or_path": str(tiny), "shards": str(shards), **settings})


@pytest.mark.parametrize("adapters", [{}, LORA], ids=["full", "adapters"])
def test_the_losses_after_a_resume_are_those_of_the_training_that_was_never_broken_off(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, adapters: dict[str, Any]
) -> None:
    words = ["--config", str(write_told(tmp_path, tiny, max_steps=8, save_steps=4, **adapters)), "--output_dir"]
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    assert train_here(sft, [*words, str(whole)], monkeypatch) == 0
    words += [str(rest), "--resume_from_checkpoint", str(whole / "checkpoint-4")]
    assert train_here(sft, words, monkeypatch) == 0
    expected = read_losses(whole)
    assert read_losses(rest) == {step: expected[step] for step in range(5, 9)}
    assert read_metrics(rest)[-1]["tokens"] == read_metrics(whole)[-1]["tokens"]


def test_a_killed_training_reaches_the_same_step_with_the_same_loss(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_told(tmp_path, tiny, max_steps=80, save_steps=10)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert train_here(sft, ["--config", str(config), "--output_dir", str(whole)], monkeypatch) == 0
    words = ["--config", str(config), "--output_dir", str(killed)]
    with subprocess.Popen(
        make_command(words), env=set_environment(), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        metrics, deadline = killed / "metrics.jsonl", time.monotonic() + 200
        while not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 25):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
    assert 25 <= max(read_losses(killed)) < 80
    assert not (killed / "end.json").exists()
    assert train_here(sft, [*words, "--resume_from_checkpoint", "true"], monkeypatch) == 0
    assert read_losses(killed) == read_losses(whole)
    assert (read_end(killed)["state"], read_end(killed)["step"]) == ("done", 80)


def test_other_rows_than_those_of_the_checkpoint_are_refused(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--config", str(write_told(tmp_path, tiny, output_dir=str(tmp_path / "out")))]
    assert train_here(sft, words, monkeypatch) == 0
    with pytest.raises(InputError, match="was trained on other rows"):
        train_here(sft, [*words, "--resume_from_checkpoint", "true", "--targets", "last"], monkeypatch)
    assert read_end(tmp_path / "out")["state"] == "done"


def test_a_checkpoint_that_was_broken_off_is_passed_over(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--config", str(write_told(tmp_path, tiny, output_dir=str(tmp_path / "out")))]
    assert train_here(sft, words, monkeypatch) == 0
    # As a kill within the writing of step 4 leaves it: a folder with a part of the files, and no mark.
    last = tmp_path / "out" / "checkpoint-4"
    (last / "whole.json").unlink()
    (last / "optimizer.pt").write_bytes((last / "optimizer.pt").read_bytes()[:100])
    expected = read_losses(tmp_path / "out")
    (tmp_path / "out" / "metrics.jsonl").unlink()
    assert train_here(sft, [*words, "--resume_from_checkpoint", "true"], monkeypatch) == 0
    assert read_losses(tmp_path / "out") == {step: expected[step] for step in (3, 4)}
