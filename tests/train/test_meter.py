"""Tokens, learned tokens, operations and times are counted as the formulas say."""

import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.train.made_shards import write_talks
from tests.train.trainers import FAST, read_metrics, train_here, write_config
from train import sft
from train.flops import Shape, find_peak, read_shape
from train.meter import Meter, Work, count_batch, wait_for_device

QWEN = {
    "1.5b": Shape(layers=28, hidden=1536, attention=1536, keys=256, feed_forward=8960, vocabulary=151936),
    "3b": Shape(layers=36, hidden=2048, attention=2048, keys=256, feed_forward=11008, vocabulary=151936),
    "7b": Shape(layers=28, hidden=3584, attention=3584, keys=512, feed_forward=18944, vocabulary=152064),
}


@pytest.mark.parametrize(("size", "billions"), [("1.5b", 10.3), ("3b", 20.3), ("7b", 44.9)])
def test_a_token_of_a_document_of_4096_costs_what_the_formula_says(size: str, billions: float) -> None:
    tokens = 4096
    flops = QWEN[size].count_flops(tokens, tokens * (tokens + 1) // 2, tokens)
    assert flops / tokens / 1e9 == pytest.approx(billions, abs=0.06)


def test_packed_documents_of_1024_cost_less_attention() -> None:
    shape, length = QWEN["3b"], 1024
    packed = shape.count_flops(4 * length, 4 * length * (length + 1) // 2, 4 * length)
    assert packed / (4 * length) / 1e9 == pytest.approx(19.0, abs=0.06)


def test_frozen_weights_cost_two_thirds_and_adapters_their_own() -> None:
    full = QWEN["3b"].count_flops(1000, 0, 0)
    frozen = Shape(36, 2048, 2048, 256, 11008, 151936, adapters=10_000_000).count_flops(1000, 0, 0)
    assert frozen == pytest.approx(full * 2 / 3 + 6 * 10_000_000 * 1000)


def test_only_what_the_head_projects_is_counted() -> None:
    shape = QWEN["3b"]
    assert shape.count_flops(100, 0, 100) - shape.count_flops(100, 0, 40) == 6 * 2048 * 151936 * 60


def test_the_shape_is_read_from_a_models_configuration(tiny: Any) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tiny)
    wanted = Shape(layers=2, hidden=64, attention=64, keys=32, feed_forward=176, vocabulary=config.vocab_size)
    assert read_shape(config) == wanted
    assert read_shape(SimpleNamespace(model_type="mamba")) is None


@pytest.mark.parametrize(
    ("name", "peak"),
    [("NVIDIA H200", 989e12), ("NVIDIA H100 PCIe", 756e12), ("NVIDIA A100-SXM4-80GB", 312e12), ("Some GPU", None)],
)
def test_the_peak_is_known_by_the_drivers_name(name: str, peak: float | None) -> None:
    assert find_peak(name) == peak


def test_a_packed_batch_is_counted_by_its_positions() -> None:
    batch = {
        "input_ids": torch.arange(7)[None],
        "labels": torch.tensor([[-100, 1, 2, -100, -100, 5, -100]]),
        "position_ids": torch.tensor([[0, 1, 2, 0, 1, 2, 3]]),
    }
    assert count_batch(batch).tolist() == [7, 3, (1 + 2 + 3) + (1 + 2 + 3 + 4)]


def test_padding_counts_as_nothing() -> None:
    batch = {
        "input_ids": torch.zeros(2, 4, dtype=torch.long),
        "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]),
        "completion_mask": torch.tensor([[0, 1, 1, 0], [0, 1, 0, 0]]),
    }
    assert count_batch(batch).tolist() == [5, 3, 6 + 3]


def test_the_meter_tells_rates_of_its_steps_and_leaves_out_what_lies_between() -> None:
    now = iter([0.0, 1.0, 100.0, 101.0])
    meter = Meter(clock=lambda: next(now))
    for _ in range(2):
        meter.begin_step()
        meter.end_step(torch.tensor([100, 40, 5000]))
    figures = meter.read(Work(*meter.window.tolist()), steps_left=10)
    assert figures == {
        "tokens": 200, "loss_tokens": 80, "tokens_per_s": 100.0, "loss_tokens_per_s": 40.0, "mfu": None, "eta_s": 10.0,
    }  # fmt: skip
    assert meter.window is None


def test_the_share_of_the_peak_is_of_the_models_own_operations() -> None:
    shape = QWEN["3b"]
    done = Work(19_500, 19_500, 19_500 * 2048)
    meter = Meter(shape, 989e12, clock=iter([0.0, 1.0]).__next__)
    meter.begin_step()
    meter.end_step(torch.tensor(done))
    assert meter.read(done, 0)["mfu"] == pytest.approx(0.40, abs=0.01)


def test_a_resumed_training_counts_on() -> None:
    meter = Meter(total=Work(1000, 400, 0))
    meter.end_step(torch.tensor([10, 4, 0]))
    figures = meter.read(Work(10, 4, 0), 0)
    assert (figures["tokens"], figures["loss_tokens"]) == (1010, 404)
    assert figures["tokens_per_s"] is None
    assert not math.isnan(figures["eta_s"])


def test_what_the_gpu_still_does_at_a_line_is_time_of_its_step(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []

    def wait(device: torch.device) -> None:
        waits.append(device.type)
        time.sleep(0.2)

    monkeypatch.setattr("train.watch.wait_for_device", wait)
    write_talks(tmp_path / "shards")
    told = {"model_name_or_path": str(tiny), "shards": str(tmp_path / "shards"), "output_dir": str(tmp_path / "out")}
    config = write_config(tmp_path, **{**FAST, **told, "max_steps": 6, "logging_steps": 2, "save_steps": 3})
    assert train_here(sft, ["--config", str(config)], monkeypatch) == 0
    # Lines at 2, 4 and 6, checkpoints at 3 and 6.
    assert len(waits) == 4
    before = 0
    for line in read_metrics(tmp_path / "out"):
        assert (line["tokens"] - before) / line["tokens_per_s"] >= 0.2
        before = line["tokens"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_waited_for_until_it_is_done() -> None:
    matrix = torch.rand(8192, 8192, device="cuda")
    done: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
    for _ in range(50):
        matrix = matrix @ matrix / 8192
    done.record()
    assert not done.query()
    wait_for_device(matrix.device)
    assert done.query()


def test_a_processor_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("torch.cuda.synchronize", fail)
    wait_for_device(torch.device("cpu"))
