"""Measures a training: tokens and learned tokens a second, the share of the GPU's peak, and when it will be done."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from train.flops import Shape

Clock = Callable[[], float]


class Work(NamedTuple):
    """What was done."""

    tokens: int = 0
    learned: int = 0
    pairs: int = 0
    """Pairs of a token and one it attends to."""

    def plus(self, more: "Work") -> "Work":
        """Return both together."""
        return Work(*(one + other for one, other in zip(self, more, strict=True)))


def count_batch(batch: Mapping[str, Any]) -> Any:
    """Return tokens, learned tokens and pairs of a batch as a tensor of three, left where the batch is.

    Nothing waits for the GPU here. Padding counts as nothing, and the first token of a batch is never learned.
    """
    import torch

    ids, mask, learned = batch["input_ids"], batch.get("attention_mask"), batch.get("completion_mask")
    if batch.get("labels") is not None:
        learned = batch["labels"][..., 1:] != -100
    if mask is not None and mask.dim() == 2:
        lengths = mask.sum(dim=-1)
        tokens, pairs = lengths.sum(), (lengths * (lengths + 1) // 2).sum()
    else:
        tokens, pairs = torch.tensor(ids.numel(), device=ids.device), (batch["position_ids"] + 1).sum()
    count = tokens.new_zeros(()) if learned is None else learned.sum()
    return torch.stack([tokens.long(), count.long(), pairs.long()])


def wait_for_device(device: Any) -> None:
    """Wait until a GPU has done all that it was given; it works on after the calls that gave it have returned."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


NOTHING = Work()


@dataclass
class Meter:
    """Keeps the counts of a training and the time spent in steps, evaluations and savings left out."""

    shape: Shape | None = None
    peak: float | None = None
    """FLOP/s of all GPUs together; nothing where there is none or it is not known."""
    total: Work = NOTHING
    """Since the first step, earlier parts of a resumed training included."""
    clock: Clock = time.perf_counter
    window: Any = None
    """What this process did since the last reading: a tensor of three, or nothing."""
    seconds: float = 0.0
    steps: int = 0
    _since: float | None = None

    def begin_step(self) -> None:
        """Start the time of a step, with the reading of its batches."""
        self._since = self.clock()

    def end_step(self, work: Any) -> None:
        """End the time of a step and add what this process did in it, counted by `count_batch`."""
        if self._since is not None:
            self.seconds += self.clock() - self._since
            self._since = None
        self.window = work if self.window is None else self.window + work
        self.steps += 1

    def read(self, done: Work, steps_left: int) -> dict[str, Any]:
        """Return the figures since the last reading, and begin anew; `done` is the window summed over processes."""
        self.total = self.total.plus(done)
        seconds, steps = self.seconds, self.steps
        self.window, self.seconds, self.steps = None, 0.0, 0
        figures: dict[str, Any] = {"tokens": self.total.tokens, "loss_tokens": self.total.learned}
        figures["tokens_per_s"] = round(done.tokens / seconds, 1) if seconds else None
        figures["loss_tokens_per_s"] = round(done.learned / seconds, 1) if seconds else None
        figures["mfu"] = self.find_share(done, seconds)
        figures["eta_s"] = round(seconds / steps * steps_left, 1) if steps else None
        return figures

    def find_share(self, done: Work, seconds: float) -> float | None:
        """Return the share of the peak that the model's own operations took, or nothing where it cannot be told."""
        if self.shape is None or self.peak is None or not seconds:
            return None
        return round(self.shape.count_flops(done.tokens, done.pairs, done.learned) / seconds / self.peak, 4)
