"""Preference training prefers the better reply, on the tokens that serving shows."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from taxonomy.refusal import InputError
from tests.train.made_shards import make_pairs, make_talks, write_shards
from tests.train.trainers import FAST, LORA, read_end, read_metrics, train_here, write_config
from train import dpo
from train.pairs import make_pairs as make_tokens
from train.shards import Message
from train.template import Speech, load_speech, render


@pytest.fixture(scope="module")
def speech(tiny: Path) -> Speech:
    """Return the tiny tokenizer with our template."""
    return load_speech(AutoTokenizer.from_pretrained(tiny))


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Return an export of pairs."""
    return write_shards(tmp_path / "pairs", {"train": make_pairs(8), "validation": make_pairs(2, 1)}, "preferences")


def train(folder: Path, tiny: Path, shards: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Path:
    """Train on pairs; returns the folder of the model."""
    out = folder / "out"
    told = {"model_name_or_path": str(tiny), "shards": str(shards), "output_dir": str(out)}
    told |= {
        **FAST,
        "max_length": 512,
        "per_device_train_batch_size": 4,
        "max_steps": 6,
        "learning_rate": 3e-3,
        **settings,
    }
    assert train_here(dpo, ["--config", str(write_config(folder, **told))], monkeypatch) == 0
    return out


def weigh(model: Any, pair: dict[str, list[int]]) -> float:
    """Return by how much a model finds the better reply likelier than the worse, in nats."""
    sums = []
    for side in ("chosen_ids", "rejected_ids"):
        ids = torch.tensor([pair["prompt_ids"] + pair[side]])
        with torch.no_grad():
            scores = model(ids).logits[0, :-1].log_softmax(-1)
        said = scores.gather(1, ids[0, 1:, None])[len(pair["prompt_ids"]) - 1 :]
        sums.append(said.sum().item())
    return sums[0] - sums[1]


def test_a_prompt_is_token_for_token_what_serving_shows(shards: Path, speech: Speech) -> None:
    pairs, counts = make_tokens(shards, "train", speech, 512)
    assert counts.rows == len(pairs) == 8
    for row, pair in zip(make_pairs(8), pairs, strict=True):
        before = [Message(each.role, each.content) for each in row.prompt]
        assert pair["prompt_ids"] == render(speech, before, opens=True)
        assert speech.tokenizer.decode(pair["chosen_ids"]) == row.chosen.content + "<|im_end|>"
        assert speech.tokenizer.decode(pair["rejected_ids"]) == row.rejected.content + "<|im_end|>"


def test_over_long_pairs_are_left_out_and_counted(shards: Path, speech: Speech) -> None:
    whole, _ = make_tokens(shards, "train", speech, 512)
    most = sorted(len(pair["prompt_ids"]) + max(len(pair["chosen_ids"]), len(pair["rejected_ids"])) for pair in whole)
    _, counts = make_tokens(shards, "train", speech, most[3])
    assert (counts.rows, counts.over_long) == (4, 4)
    with pytest.raises(InputError, match="are longer than 8 tokens"):
        make_tokens(shards, "train", speech, 8)


@pytest.mark.parametrize("adapters", [{}, LORA], ids=["full", "adapters"])
def test_a_training_comes_to_prefer_the_better_reply(
    tmp_path: Path, tiny: Path, shards: Path, speech: Speech, monkeypatch: pytest.MonkeyPatch, adapters: dict[str, Any]
) -> None:
    out = train(tmp_path, tiny, shards, monkeypatch, **adapters)
    lines = read_metrics(out)
    # Before the first step policy and reference are the same: the loss is ln 2.
    assert lines[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
    assert lines[-1]["loss"] < 0.6
    pairs, counts = make_tokens(shards, "train", speech, 512)
    before = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    # The folder of adapters loads as base and adapters.
    after = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    assert all(weigh(after, pair) > weigh(before, pair) for pair in pairs)
    end = read_end(out)
    assert end["state"] == "done"
    assert end["rows"]["train"]["rows"] == counts.rows
    assert lines[-1]["tokens"] == 3 * counts.tokens


def test_talks_are_refused(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = write_shards(tmp_path / "talks", {"train": make_talks(2)})
    with pytest.raises(InputError, match="is no pair; export a mix of kind preferences"):
        train(tmp_path, tiny, shards, monkeypatch)
    assert not (tmp_path / "out").exists()


def test_the_shipped_configuration_is_taken() -> None:
    from trl import DPOConfig

    from train.settings import DPO_REFUSED, read_told

    values = read_told(["--config", "qwen2.5_3b_dpo"], DPOConfig, DPO_REFUSED, "train.dpo").values
    assert values.lora_alpha >= values.lora_r
    assert values.learning_rate == 5e-6


def test_what_pairs_do_not_have_is_refused() -> None:
    from trl import DPOConfig

    from train.settings import DPO_REFUSED, read_told

    flags = ["--config", "qwen2.5_3b_dpo"]
    with pytest.raises(InputError, match="a pair learns its last reply"):
        read_told([*flags, "--targets", "last"], DPOConfig, DPO_REFUSED, "train.dpo")
    with pytest.raises(InputError, match="attn_implementation: is not for here"):
        read_told([*flags, "--attn_implementation", "eager"], DPOConfig, DPO_REFUSED, "train.dpo")
