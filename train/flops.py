"""Counts the floating point operations of a training step of a Qwen2-shaped model, and knows what GPUs can do.

A multiplication and an addition count as two. Per token and weight that is 2 forward, 2 back to the activations and 2
to the weight itself: 6 for what is trained (PaLM, arXiv:2204.02311, app. B), 4 for what is frozen under adapters. What
activation checkpointing computes again is not counted, so the share of the peak is the model's (MFU).
"""

from dataclasses import dataclass
from typing import Any

PEAKS = (
    ("H100 PCIe", 756e12),
    ("H100 NVL", 835e12),
    ("H200 NVL", 836e12),
    ("H100", 989e12),
    ("H200", 989e12),
    ("H800", 989e12),
    ("H20", 148e12),
    ("A100", 312e12),
    ("A800", 312e12),
    ("L40S", 362e12),
    ("A10G", 70e12),
    ("RTX 4090", 165e12),
    ("RTX 3090", 71e12),
)
"""FLOP/s of dense bfloat16 products with float32 sums, by NVIDIA's data sheets; the first name that fits counts."""


def find_peak(device: str) -> float | None:
    """Return the peak of a GPU in FLOP/s by the name its driver gives, or nothing where it is not known."""
    return next((peak for name, peak in PEAKS if name in device), None)


@dataclass(frozen=True)
class Shape:
    """The sizes of a model that decide what a token costs."""

    layers: int
    hidden: int
    attention: int
    """Heads times their size."""
    keys: int
    """Key heads times their size."""
    feed_forward: int
    vocabulary: int
    adapters: int = 0
    """Weights of the adapters; none means that all weights are trained."""

    @property
    def matrices(self) -> int:
        """Weights that every token is multiplied with, the head left out."""
        attention = 2 * self.hidden * self.attention + 2 * self.hidden * self.keys
        return self.layers * (attention + 3 * self.hidden * self.feed_forward)

    def count_flops(self, tokens: int, pairs: int, projected: int) -> float:
        """Return the operations of a step.

        `pairs` are those of a token and one it attends to, itself included: the sum of `position + 1` over all tokens,
        in packed rows and in trees alike. `projected` are the tokens that the head turns into scores; on CUDA TRL's
        fused head takes those with a label only.
        """
        each = 4 if self.adapters else 6
        # Scores and values, forward and back: 4 products of `attention` width for a pair, 3 times over.
        attended = 12 * self.layers * self.attention * pairs
        head = each * self.hidden * self.vocabulary * projected
        return float((each * self.matrices + 6 * self.adapters) * tokens + attended + head)


def read_shape(config: Any, adapters: int = 0) -> Shape | None:
    """Return the sizes in a model's configuration, or nothing where it is of another architecture."""
    if config.model_type not in {"qwen2", "qwen3", "llama", "mistral"}:
        return None
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Shape(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        attention=config.num_attention_heads * size,
        keys=config.num_key_value_heads * size,
        feed_forward=config.intermediate_size,
        vocabulary=config.vocab_size,
        adapters=adapters,
    )
