"""DeepSpeed on a machine without a GPU: ZeRO-2 and ZeRO-3, all weights and adapters, run, save and go on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.train.made_shards import make_pairs, write_shards, write_talks
from tests.train.trainers import (
    FAST,
    LORA,
    Ended,
    build_operation,
    make_command,
    read_end,
    read_losses,
    read_metrics,
    run,
    set_environment,
    write_config,
)
from train.checkpoints import find_checkpoint
from train.guards import count_devices

QUICK = {(2, "adapters", 2), (3, "full", 1)}
CASES = [
    pytest.param(zero, kind, count, id=f"zero{zero}-{kind}-{count}", marks=() if (zero, kind, count) in QUICK else slow)
    for slow in [pytest.mark.slow]
    for zero in (2, 3)
    for kind in ("full", "adapters")
    for count in (1, 2)
]


@pytest.fixture(scope="module", autouse=True)
def operation() -> None:
    """Have DeepSpeed's operation built before the first training waits for it."""
    build_operation()


def start(folder: Path, tiny: Path, zero: int, count: int, *flags: str, **settings: Any) -> Ended:
    """Train with DeepSpeed."""
    told = {**FAST, "model_name_or_path": str(tiny), "shards": str(folder / "shards"), **settings}
    command = make_command(["--config", str(write_config(folder, **told)), *flags], zero, count)
    return run(command, set_environment(), folder, 400)


@pytest.mark.parametrize(("zero", "kind", "count"), CASES)
def test_a_training_is_saved_and_goes_on_exactly(tmp_path: Path, tiny: Path, zero: int, kind: str, count: int) -> None:
    if count > count_devices()[0]:
        pytest.skip(f"needs {count} devices")
    write_talks(tmp_path / "shards")
    adapters = LORA if kind == "adapters" else {}
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    first = start(tmp_path, tiny, zero, count, "--output_dir", str(whole), "--world_size", str(count), **adapters)
    assert first.code == 0, first.err[-3000:]
    losses = read_losses(whole)
    assert losses[4] < losses[1]
    again = ["--output_dir", str(rest), "--resume_from_checkpoint", str(whole / "checkpoint-2")]
    second = start(tmp_path, tiny, zero, count, *again, **adapters)
    assert second.code == 0, second.err[-3000:]
    assert read_losses(rest) == pytest.approx({3: losses[3], 4: losses[4]}, abs=1e-6)
    assert read_metrics(rest)[-1]["tokens"] == read_metrics(whole)[-1]["tokens"]
    assert read_end(rest)["state"] == "done"
    assert_the_same(tiny, whole, rest, kind)


def assert_the_same(tiny: Path, one: Path, other: Path, kind: str) -> None:
    """Assert that two models are whole, moved away from where they began, and are the same."""
    lines = []
    for folder in (one, other):
        if kind == "adapters":
            base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
            model = PeftModel.from_pretrained(base, folder).merge_and_unload()
        else:
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        lines.append(torch.cat([each.detach().flatten() for each in model.parameters()]))
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    before = torch.cat([each.detach().flatten() for each in base.parameters()])
    assert (lines[0] - before).abs().max() > 1e-4
    assert torch.allclose(lines[0], lines[1], atol=1e-6)


@pytest.mark.slow
def test_the_losses_are_those_of_plain_processes(tmp_path: Path, tiny: Path) -> None:
    write_talks(tmp_path / "shards")
    told = {**FAST, "model_name_or_path": str(tiny), "shards": str(tmp_path / "shards")}
    command = make_command(["--config", str(write_config(tmp_path, **told)), "--output_dir", str(tmp_path / "plain")])
    assert run(command, set_environment(), tmp_path).code == 0
    for zero in (2, 3):
        assert start(tmp_path, tiny, zero, 1, "--output_dir", str(tmp_path / f"zero{zero}")).code == 0
        assert read_losses(tmp_path / f"zero{zero}") == pytest.approx(read_losses(tmp_path / "plain"), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("zero", [2, 3])
def test_bfloat16_is_trained_with_the_same_files(tmp_path: Path, tiny: Path, zero: int) -> None:
    write_talks(tmp_path / "shards")
    ended = start(tmp_path, tiny, zero, 1, "--output_dir", str(tmp_path / "out"), bf16=True)
    assert ended.code == 0, ended.err[-3000:]
    losses = read_losses(tmp_path / "out")
    assert losses[4] < losses[1]


@pytest.mark.slow
def test_a_launch_of_two_processes_tells_a_mistake_once(tmp_path: Path, tiny: Path) -> None:
    write_talks(tmp_path / "shards")
    ended = start(tmp_path, tiny, 2, 2, "--output_dir", str(tmp_path / "out"), learning_rate=5)
    assert ended.code != 0
    assert ended.err.count("learning_rate: 5 is outside 0 to 1") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_all_processes_and_is_told_once(tmp_path: Path, tiny: Path) -> None:
    write_talks(tmp_path / "shards")
    wild = {"max_steps": 30, "weight_decay": 1e6, "learning_rate": 0.5, "lr_scheduler_type": "constant"}
    ended = start(tmp_path, tiny, 2, 2, "--output_dir", str(tmp_path / "out"), **wild)
    assert ended.code != 0
    end = read_end(tmp_path / "out")
    assert end["state"] == "failed"
    assert "is not finite at step" in end["reason"]
    assert ended.err.count("is not finite at step") == 1
    kept = find_checkpoint(tmp_path / "out")
    assert kept is not None
    assert str(kept) in end["reason"]


@pytest.mark.slow
def test_pairs_are_learned_in_two_processes_with_a_reference_of_their_own(tmp_path: Path, tiny: Path) -> None:
    write_shards(tmp_path / "shards", {"train": make_pairs(8)}, "preferences")
    out = tmp_path / "out"
    told = {"model_name_or_path": str(tiny), "shards": str(tmp_path / "shards"), "output_dir": str(out)}
    config = write_config(tmp_path, **{**FAST, **told, "max_length": 512, "per_device_train_batch_size": 2})
    ended = run(make_command(["--config", str(config)], 3, 2, "train.dpo"), set_environment(), tmp_path, 400)
    assert ended.code == 0, ended.err[-3000:]
    losses = read_losses(out)
    assert losses[1] == pytest.approx(0.6931, abs=1e-3)
    assert losses[4] < 0.5


@pytest.mark.slow
def test_a_launcher_that_turned_deepspeed_off_is_caught(tmp_path: Path, tiny: Path) -> None:
    write_talks(tmp_path / "shards")
    told = {**FAST, "model_name_or_path": str(tiny), "shards": str(tmp_path / "shards")}
    words = ["--config", str(write_config(tmp_path, **told)), "--output_dir", str(tmp_path / "out")]
    command = make_command(words, 2, 2)
    command.insert(command.index("--num_processes"), "--cpu")
    ended = run(command, set_environment(), tmp_path)
    assert ended.code != 0
    assert ended.err.count("leaves out DeepSpeed and all processes but one") == 1
    assert not (tmp_path / "out").exists()
