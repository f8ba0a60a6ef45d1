"""Joins packs into a batch without padding: one line of tokens, with the places where its rows begin and end."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any


def collate(examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a batch of the columns of packs (or of rows, which have no `lengths`).

    `input_ids`, `labels` and `position_ids`, and of trees `branch` and `limit`, have the shape (1, tokens). The
    boundaries `cu_seq_lens_q` and `cu_seq_lens_k` have the shape (rows + 1,), int32, and `max_length_q` and
    `max_length_k` are the tokens of the longest row. Models must attend by train.attention, which alone reads `branch`
    and `limit`; no mask is made here, for it would be quadratic in the tokens of the batch.
    """
    import torch

    lengths = [length for each in examples for length in each.get("lengths") or [len(each["input_ids"])]]
    names = ["input_ids", "labels", "position_ids"]
    if any(each.get("branch") is not None for each in examples):
        names += ["branch", "limit"]
    batch: dict[str, Any] = {}
    for name in names:
        joined = [value for each in examples for value in column(each, name)]
        batch[name] = torch.tensor([joined], dtype=torch.long)
    bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
    batch["cu_seq_lens_q"] = batch["cu_seq_lens_k"] = bounds
    batch["max_length_q"] = batch["max_length_k"] = max(lengths)
    return batch


def column(example: Mapping[str, Any], name: str) -> Sequence[int]:
    """Return a column of an example; one without branches is all trunk."""
    held: Sequence[int] | None = example.get(name)
    if held is None and name == "branch":
        return [0] * len(example["input_ids"])
    if held is None and name == "limit":
        return [position + 1 for position in example["position_ids"]]
    assert held is not None
    return held
