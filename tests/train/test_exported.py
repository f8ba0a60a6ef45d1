"""TRL's own trainers take an exported folder as it is: no mapping, no renaming, every split."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from store.db import Database, open_db
from store.records import AttemptRecord
from tests.store.export.stored import keep, keep_talks, make_export, make_lines, make_mix, make_talk
from tests.store.export.test_pairs import keep_call
from tests.store.test_sessions import begin

STEP = {
    "max_steps": 1, "per_device_train_batch_size": 2, "report_to": "none", "use_cpu": True, "bf16": False,
    "save_strategy": "no", "logging_steps": 1, "disable_tqdm": True, "gradient_checkpointing": False, "max_length": 512,
    "model_init_kwargs": {"dtype": "float32"},
}  # fmt: skip


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    """Return an empty database."""
    return open_db(f"sqlite:///{tmp_path}/factory.db")


def load(out: Path, cache: Path) -> Any:
    """Return all splits of an export as the Hub's library reads them."""
    from datasets import load_dataset

    return load_dataset(str(out), cache_dir=str(cache))


def read_losses(trainer: Any) -> list[float]:
    """Return the losses that a trainer logged."""
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def test_the_sft_trainer_takes_talks_and_learns_from_the_counselor_alone(
    sqlite: Database, tmp_path: Path, tiny: Path
) -> None:
    from trl import SFTConfig, SFTTrainer

    keep_talks(sqlite, 8, random.Random(1))
    make_export(sqlite, tmp_path / "out", make_mix(tmp_path))
    talks = load(tmp_path / "out", tmp_path / "cache")["train"]
    config = SFTConfig(output_dir=str(tmp_path / "made"), assistant_only_loss=True, **STEP)
    trainer = SFTTrainer(str(tiny), args=config, train_dataset=talks)
    trainer.train()
    (loss,) = read_losses(trainer)
    assert math.isfinite(loss)
    said = trainer.processing_class.decode([label for label in trainer.train_dataset[0]["labels"] if label != -100])
    for message in talks[0]["messages"]:
        assert (message["content"] in said) is (message["role"] == "assistant")


def test_the_dpo_trainer_takes_pairs(sqlite: Database, tmp_path: Path, tiny: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    run, chance = begin(sqlite, 4).id, random.Random(2)
    for position in range(4):
        attempts = [AttemptRecord(2, 0, 7, False), AttemptRecord(2, 1, 8, True)]
        keep(sqlite, [make_talk(run, position, make_lines(chance, 2), attempts=attempts)])
        keep_call(sqlite, run, position, 7, f"你应该早点睡，第{position}次了。")
    make_export(sqlite, tmp_path / "out", make_mix(tmp_path, kind="preferences"))
    pairs = load(tmp_path / "out", tmp_path / "cache")["train"]
    config = DPOConfig(output_dir=str(tmp_path / "made"), **STEP)
    trainer = DPOTrainer(str(tiny), args=config, train_dataset=pairs)
    trainer.train()
    (loss,) = read_losses(trainer)
    assert len(pairs) == 4
    assert loss == pytest.approx(math.log(2), abs=1e-3), "before its first step a model is its own reference"
