"""The trainer learns from an export what it is told to, and says what it did."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from taxonomy.refusal import Refusal
from tests.train.made_shards import make_talks, write_shards, write_talks
from tests.train.trainers import FAST, LORA, read_end, read_losses, read_metrics, train_here, write_config
from train import sft
from train.checkpoints import find_checkpoint, read_mark


class Place:
    """A folder with an export, where trainings are run."""

    def __init__(self, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.model, self._patch = folder, model, monkeypatch
        self.shards = write_talks(folder / "shards")

    def train(self, name: str = "out", **settings: Any) -> Path:
        """Train with these settings; returns the folder of the model."""
        out = self.folder / name
        told = {"model_name_or_path": str(self.model), "shards": str(self.shards), "output_dir": str(out)}
        config = write_config(self.folder, **{**FAST, **told, **settings})
        assert train_here(sft, ["--config", str(config)], self._patch) == 0
        return out


@pytest.fixture
def place(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return a place with talks to learn from."""
    return Place(tmp_path, tiny, monkeypatch)


def read_weights(folder: Path) -> torch.Tensor:
    """Return all weights of a model in one line."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return torch.cat([each.detach().flatten() for each in model.parameters()])


def test_a_training_learns_and_tells_each_step(place: Place) -> None:
    out = place.train(max_steps=20, logging_steps=5, save_steps=20, learning_rate=5e-3)
    losses = read_losses(out)
    assert list(losses) == [5, 10, 15, 20]
    assert losses[20] < losses[5] - 1
    for line in read_metrics(out):
        assert set(line) == {
            "step", "steps", "epoch", "loss", "grad_norm", "learning_rate", "tokens", "loss_tokens", "tokens_per_s",
            "loss_tokens_per_s", "mfu", "eta_s",
        }  # fmt: skip
        assert line["steps"] == 20
        assert 0 < line["loss_tokens"] < line["tokens"]
        assert line["mfu"] is None or torch.cuda.is_available()
    assert read_metrics(out)[-1]["eta_s"] == 0
    end = read_end(out)
    assert (end["state"], end["reason"], end["step"]) == ("done", None, 20)
    assert end["rows"]["train"]["talks"] == 24
    assert end["versions"]["trl"] == "1.16.0"


def test_one_pass_counts_the_tokens_of_all_rows(place: Place) -> None:
    out = place.train(max_steps=-1, num_train_epochs=1)
    counted, rows = read_metrics(out)[-1], read_end(out)["rows"]["train"]
    assert counted["tokens"] == rows["tokens"]
    assert counted["loss_tokens"] == rows["loss_tokens"]
    assert counted["steps"] == rows["packs"]


def test_the_model_that_is_saved_speaks_our_template(place: Place) -> None:
    out = place.train(max_steps=1)
    tokenizer = AutoTokenizer.from_pretrained(out)
    told = [{"role": "user", "content": "Hello."}]
    said = tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
    assert said == "<|im_start|>user\nHello.<|im_end|>\n<|im_start|>assistant\n"
    assert (read_weights(out) != read_weights(place.model)).any()


def test_adapters_are_trained_on_all_linear_layers_and_alone(place: Place) -> None:
    out = place.train(**LORA)
    config = json.loads((out / "adapter_config.json").read_text(encoding="utf-8"))
    assert {name.split(".")[-1] for name in config["target_modules"]} == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    }  # fmt: skip
    assert not (out / "model.safetensors").exists()
    assert (out / "adapter_model.safetensors").stat().st_size < 200_000


def test_over_long_rows_are_left_out_and_counted(place: Place) -> None:
    out = place.train(max_length=64, max_steps=1)
    rows = read_end(out)["rows"]["train"]
    assert rows["over_long"] > 0
    assert rows["rows"] > 0


def test_checkpointing_changes_no_loss(place: Place) -> None:
    plain = read_losses(place.train("plain"))
    again = read_losses(place.train("again", gradient_checkpointing=True))
    assert plain == pytest.approx(again, abs=1e-6)


def test_a_whole_batch_packed_learns_the_same_as_row_by_row(place: Place) -> None:
    alone = place.train(
        "alone", packing=False, per_device_train_batch_size=64, max_steps=2, lr_scheduler_type="constant"
    )
    packed = place.train("packed", per_device_train_batch_size=64, max_steps=2, lr_scheduler_type="constant")
    assert read_losses(packed) == pytest.approx(read_losses(alone), abs=1e-5)
    assert torch.allclose(read_weights(packed), read_weights(alone), atol=1e-4)


def test_trees_learn_the_same_as_turns(place: Place) -> None:
    told = {"per_device_train_batch_size": 64, "max_steps": 2, "lr_scheduler_type": "constant", "max_length": 512}
    turns = place.train("turns", targets="per_turn", **told)
    trees = place.train("trees", targets="tree", **told)
    assert read_losses(trees) == pytest.approx(read_losses(turns), abs=1e-5)
    assert torch.allclose(read_weights(trees), read_weights(turns), atol=1e-4)
    rows = {out: read_end(out)["rows"]["train"] for out in (turns, trees)}
    assert rows[trees]["loss_tokens"] == rows[turns]["loss_tokens"]
    assert rows[trees]["tokens"] < rows[turns]["tokens"]


def test_the_validation_split_is_evaluated_and_stops_a_training_that_gets_no_better(place: Place) -> None:
    out = place.train(
        max_steps=40, eval_strategy="steps", eval_steps=2, early_stopping_patience=2, load_best_model_at_end=True,
        learning_rate=0.5, max_grad_norm=0.0,
    )  # fmt: skip
    told = [line for line in read_metrics(out) if "eval_loss" in line]
    losses = [line["eval_loss"] for line in told]
    best = losses.index(min(losses))
    assert len(losses) == best + 3
    assert read_end(out)["step"] == told[-1]["step"] < 40
    kept = read_weights(out)
    assert torch.equal(kept, read_weights(out / f"checkpoint-{told[best]['step']}"))


def test_bfloat16_is_trained_on_a_machine_without_a_gpu(place: Place) -> None:
    exact = read_losses(place.train("exact"))
    rounded = read_losses(place.train("rounded", bf16=True))
    assert rounded != exact
    assert rounded == pytest.approx(exact, abs=0.05)


def test_the_same_seed_gives_the_same_losses(place: Place) -> None:
    assert read_losses(place.train("one")) == read_losses(place.train("two"))
    assert read_losses(place.train("three", seed=8)) != read_losses(place.folder / "one")


def test_a_loss_that_is_no_number_stops_the_training_with_a_reason(place: Place) -> None:
    with pytest.raises(Refusal, match="is not finite at step") as caught:
        place.train(max_steps=30, weight_decay=1e6, learning_rate=0.5, lr_scheduler_type="constant", max_grad_norm=0.0)
    out = place.folder / "out"
    end = read_end(out)
    assert (end["state"], end["reason"]) == ("failed", str(caught.value))
    assert caught.value.exit_code == 1
    kept = find_checkpoint(out)
    assert kept is not None
    assert str(kept) in end["reason"]
    assert torch.isfinite(read_weights(kept)).all()
    assert read_mark(kept)["step"] <= end["step"]


def test_a_model_that_is_broken_from_the_start_is_stopped_at_the_first_step(place: Place, tmp_path: Path) -> None:
    broken = AutoModelForCausalLM.from_pretrained(place.model)
    broken.model.layers[0].mlp.up_proj.weight.data[0, 0] = float("nan")
    broken.save_pretrained(tmp_path / "broken")
    AutoTokenizer.from_pretrained(place.model).save_pretrained(tmp_path / "broken")
    place.model = tmp_path / "broken"
    with pytest.raises(Refusal, match=r"the loss is not finite at step 1; .*no checkpoint was written yet"):
        place.train()
    assert read_end(place.folder / "out")["state"] == "failed"


def test_checkpoints_beyond_the_limit_are_dropped(place: Place) -> None:
    out = place.train(max_steps=6, save_steps=1, save_total_limit=2)
    assert {path.name for path in out.glob("checkpoint-*")} == {"checkpoint-5", "checkpoint-6"}
    assert find_checkpoint(out) == out / "checkpoint-6"


def test_talks_without_reasoning_train_in_whole_rows(place: Place, tmp_path: Path) -> None:
    talks = make_talks(12, thinks=False)
    place.shards = write_shards(tmp_path / "plain", {"train": talks})
    rows = read_end(place.train(targets="all_turns"))["rows"]["train"]
    assert rows["rows"] == rows["talks"] == 12
