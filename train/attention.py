"""Attention for rows side by side in one line and for trees, registered in transformers under one name.

Rows: on CUDA with bf16 or fp16 the variable-length kernel that torch brings, elsewhere exact attention row by row.
Trees: on CUDA flex attention with the mask as a function, elsewhere attention with a dense mask, row by row.
Whatever else a model asks for (padded batches, generation with a cache) goes the way of transformers' own `sdpa`.
The two ways of CUDA need a GPU to be tried: tests/train/test_attention.py compares them with the CPU where one is.
"""

import inspect
from collections.abc import Callable
from itertools import pairwise, starmap
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

NAME = "varlen"
Visible = Callable[[Any, Any, Any, Any], Any]


def register() -> str:
    """Make the attention known to transformers; returns its name, for `attn_implementation`."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, make_mask)
    return NAME


def make_mask(*args: Any, **told: Any) -> Tensor | None:
    """Return no mask for one line of tokens without padding; otherwise the one that `sdpa` would get."""
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    is_line = told["batch_size"] == 1 and told["q_length"] == told["kv_length"]
    if is_line and told.get("attention_mask") is None:
        return None
    mask: Tensor | None = ALL_MASK_ATTENTION_FUNCTIONS["sdpa"](*args, **told)
    return mask


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **told: Any,
) -> tuple[Tensor, None]:
    """Return what each token gathers, of the shape (batch, tokens, heads, width).

    Takes query, key and value of the shape (batch, heads, tokens, width). Raises ValueError for a sliding window.
    """
    if told.get("sliding_window") is not None:
        raise ValueError(f"attention {NAME!r} knows no sliding window; load the model with another")
    if torch.is_autocast_enabled(query.device.type):
        # Positions are turned in 32 bits, which the kernels do not take.
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = (each.to(dtype) for each in (query, key, value))
    batch, _, tokens, _ = query.shape
    if attention_mask is not None or batch != 1 or tokens != key.shape[2]:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        gathered, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **told
        )
        return gathered, None
    bounds = find_bounds(told.get("cu_seq_lens_q"), told.get("position_ids"), query)
    branch, limit = told.get("branch"), told.get("limit")
    if branch is not None and limit is not None:
        places = (branch[0], limit[0], told["position_ids"][0])
        if query.is_cuda:
            return attend_by_blocks(module, query, key, value, mask_blocks(bounds, *places), scaling), None
        return attend_by_rows(query, key, value, bounds, scaling, dropout, masks=mask_rows(bounds, *places)), None
    if query.is_cuda and query.dtype in (torch.bfloat16, torch.float16) and not dropout:
        return attend_by_kernel(query, key, value, bounds, told.get("max_length_q"), scaling), None
    return attend_by_rows(query, key, value, bounds, scaling, dropout), None


def find_bounds(told: Tensor | None, positions: Tensor | None, query: Tensor) -> Tensor:
    """Return where rows begin and the last ends, int32; by the positions that are 0 where nobody tells."""
    tokens = query.shape[2]
    if told is not None:
        return told.to(device=query.device, dtype=torch.int32)
    starts = torch.zeros(1, dtype=torch.int64, device=query.device)
    if positions is not None:
        starts = torch.cat([starts, (positions[0, 1:] == 0).nonzero().flatten() + 1])
    return torch.cat([starts, starts.new_tensor([tokens])]).to(torch.int32)


def attend_by_rows(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bounds: Tensor,
    scaling: float | None,
    dropout: float,
    masks: list[Tensor] | None = None,
) -> Tensor:
    """Return attention of each row to itself, causal or by a mask of its own."""
    places = bounds.tolist()
    is_grouped = query.shape[1] != key.shape[1]
    gathered = []
    for number, (begin, end) in enumerate(pairwise(places)):
        row = F.scaled_dot_product_attention(
            query[:, :, begin:end],
            key[:, :, begin:end],
            value[:, :, begin:end],
            attn_mask=None if masks is None else masks[number],
            is_causal=masks is None,
            dropout_p=dropout,
            scale=scaling,
            enable_gqa=is_grouped,
        )
        gathered.append(row)
    return torch.cat(gathered, dim=2).transpose(1, 2).contiguous()


def attend_by_kernel(
    query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int | None, scaling: float | None
) -> Tensor:
    """Return attention by torch's variable-length kernel; CUDA with bf16 or fp16 only."""
    from torch.nn.attention import varlen

    # The types are those of one version, and its arguments differ between versions.
    varlen_attn: Any = varlen.varlen_attn
    known = inspect.signature(varlen_attn).parameters
    # torch 2.10 says `is_causal`; later versions say it by a window, and take the scale and grouped heads.
    told: dict[str, Any] = {"window_size": (-1, 0)} if "window_size" in known else {"is_causal": True}
    groups = query.shape[1] // key.shape[1]
    if "scale" in known:
        told["scale"] = scaling
    elif scaling is not None:
        query = query * (scaling * query.shape[-1] ** 0.5)
    if groups > 1 and "enable_gqa" in known:
        told["enable_gqa"] = True
    elif groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    most = int(longest) if longest is not None else int(bounds.diff().max())
    lines = [each[0].transpose(0, 1).contiguous() for each in (query, key, value)]
    gathered: Tensor = varlen_attn(*lines, bounds, bounds, most, most, **told)
    return gathered.unsqueeze(0)


def see_tree(rows: Tensor, branch: Tensor, limit: Tensor, position: Tensor) -> Visible:
    """Return whether a token `q` sees a token `k`; all four tell of each token in the line."""

    def is_visible(_batch: Any, _head: Any, q: Any, k: Any) -> Any:
        on_trunk = (branch[k] == 0) & (position[k] < limit[q])
        on_branch = (branch[q] > 0) & (branch[k] == branch[q]) & (position[k] <= position[q])
        return (rows[q] == rows[k]) & (on_trunk | on_branch)

    return is_visible


def mask_tree(branch: Tensor, limit: Tensor, position: Tensor) -> Tensor:
    """Return the mask of one tree, bool of the shape (1, 1, tokens, tokens), True where a token is seen."""
    places = torch.arange(len(branch), device=branch.device)
    visible = see_tree(torch.zeros_like(branch), branch, limit, position)
    mask: Tensor = visible(0, 0, places[:, None], places[None, :])
    return mask[None, None]


class LastMade:
    """What was made for the latest batch, so that all layers and the backward pass share it."""

    def __init__(self) -> None:
        self._of: Tensor | None = None
        self._made: Any = None

    def get(self, of: Tensor, make: Callable[[], Any]) -> Any:
        """Return what was made for this very tensor, or make it; a tensor that is held is no other's neighbour."""
        if self._of is None or self._of.data_ptr() != of.data_ptr() or self._of.shape != of.shape:
            self._made = make()
            self._of = of
        return self._made


DENSE, BLOCKS = LastMade(), LastMade()


def mask_rows(bounds: Tensor, branch: Tensor, limit: Tensor, position: Tensor) -> list[Tensor]:
    """Return the dense mask of each row."""
    places = bounds.tolist()

    def make() -> list[Tensor]:
        rows = starmap(slice, pairwise(places))
        return [mask_tree(branch[row], limit[row], position[row]) for row in rows]

    masks: list[Tensor] = DENSE.get(branch, make)
    return masks


def mask_blocks(bounds: Tensor, branch: Tensor, limit: Tensor, position: Tensor) -> Any:
    """Return the mask of a whole line for flex attention, which skips the blocks that nobody sees."""
    from torch.nn.attention.flex_attention import create_block_mask

    def make() -> Any:
        tokens = len(branch)
        rows = torch.searchsorted(bounds[1:].contiguous(), torch.arange(tokens, device=branch.device), right=True)
        visible = see_tree(rows, branch, limit, position)
        return create_block_mask(visible, None, None, tokens, tokens, device=branch.device)

    return BLOCKS.get(branch, make)


def attend_by_blocks(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, blocks: Any, scaling: float | None
) -> Tensor:
    """Return attention through a block mask by transformers' flex attention, which compiles it; CUDA only.

    On the CPU flex attention has no backward pass.
    """
    from transformers.integrations.flex_attention import flex_attention_forward

    gathered, _ = flex_attention_forward(module, query, key, value, blocks, scaling=scaling)
    return gathered
