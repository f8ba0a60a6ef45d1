"""Attention over rows side by side is what it is over each row alone, on the CPU and, where there is one, on a GPU."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from train.attention import attend, find_bounds, mask_blocks, mask_rows, register

LENGTHS = (5, 1, 17, 9)
HEADS, GROUPS, WIDTH = 4, 2, 16


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    """Return the tiny model, with weights that let attention matter."""
    from transformers import AutoModelForCausalLM

    register()
    loaded = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in loaded.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.2)
    return loaded.eval()


def make_line(lengths: tuple[int, ...] = LENGTHS) -> dict[str, Any]:
    """Return rows of random tokens side by side."""
    torch.manual_seed(1)
    bounds = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
    positions = torch.cat([torch.arange(length) for length in lengths])
    return {
        "input_ids": torch.randint(0, 700, (1, sum(lengths))),
        "position_ids": positions[None],
        "cu_seq_lens_q": bounds, "cu_seq_lens_k": bounds, "max_length_q": max(lengths), "max_length_k": max(lengths),
    }  # fmt: skip


def read(model: Any, attention: str, **told: Any) -> Tensor:
    """Return the logits by an attention."""
    model.set_attn_implementation(attention)
    logits: Tensor = model(**{"use_cache": False, **told}).logits
    return logits


def take_gradients(model: Any, attention: str, **told: Any) -> Tensor:
    """Return the gradients of something that all logits go into."""
    model.zero_grad()
    read(model, attention, **told).sin().sum().backward()
    return torch.cat([weight.grad.flatten() for weight in model.parameters()])


@pytest.mark.parametrize("other", ["sdpa", "eager"])
def test_rows_side_by_side_are_as_in_transformers_own_attention(model: Any, other: str) -> None:
    line = make_line()
    torch.testing.assert_close(read(model, "varlen", **line), read(model, other, **line), atol=2e-5, rtol=1e-5)
    mine, wanted = take_gradients(model, "varlen", **line), take_gradients(model, other, **line)
    assert float((mine - wanted).norm() / wanted.norm()) < 1e-5


def test_rows_side_by_side_are_as_each_alone(model: Any) -> None:
    line = make_line()
    alone = [read(model, "eager", input_ids=ids) for ids in line["input_ids"].split(LENGTHS, 1)]
    torch.testing.assert_close(read(model, "varlen", **line), torch.cat(alone, 1), atol=2e-5, rtol=1e-5)


def test_where_rows_begin_is_read_off_the_positions_if_nobody_tells(model: Any) -> None:
    line = make_line()
    told = {name: line[name] for name in ("input_ids", "position_ids")}
    torch.testing.assert_close(read(model, "varlen", **told), read(model, "varlen", **line))
    query = torch.zeros(1, 1, 32, 1)
    assert find_bounds(None, line["position_ids"], query).tolist() == line["cu_seq_lens_q"].tolist()
    assert find_bounds(None, None, query).tolist() == [0, 32]


def test_a_padded_batch_goes_the_way_of_sdpa(model: Any) -> None:
    ids = make_line()["input_ids"].view(4, 8)
    mask = torch.ones_like(ids)
    mask[1, 5:], mask[2, :3] = 0, 0
    mine, wanted = (read(model, name, input_ids=ids, attention_mask=mask) for name in ("varlen", "sdpa"))
    torch.testing.assert_close(mine[mask.bool()], wanted[mask.bool()], atol=2e-5, rtol=1e-5)
    mine, wanted = (read(model, name, input_ids=ids) for name in ("varlen", "eager"))
    torch.testing.assert_close(mine, wanted, atol=2e-5, rtol=1e-5)


def test_rows_are_kept_apart_in_a_batch_of_several_lines_too(model: Any) -> None:
    ids = make_line()["input_ids"].view(2, 16)
    positions = torch.cat([torch.arange(5), torch.arange(11)]).expand(2, -1)
    mine, wanted = (read(model, name, input_ids=ids, position_ids=positions) for name in ("varlen", "eager"))
    torch.testing.assert_close(mine, wanted, atol=2e-5, rtol=1e-5)
    alone = read(model, "eager", input_ids=ids[1:, 5:])
    torch.testing.assert_close(mine[1:, 5:], alone, atol=2e-5, rtol=1e-5)


def test_a_prompt_read_in_two_parts_with_a_cache_is_read_as_one(model: Any) -> None:
    ids = make_line((20,))["input_ids"]
    model.set_attn_implementation("varlen")
    first = model(input_ids=ids[:, :12], use_cache=True)
    second = model(input_ids=ids[:, 12:], past_key_values=first.past_key_values, use_cache=True)
    whole = read(model, "eager", input_ids=ids)
    torch.testing.assert_close(torch.cat([first.logits, second.logits], 1), whole, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
def test_it_writes_what_sdpa_writes(model: Any, batch: int) -> None:
    ids = make_line((batch * 7,))["input_ids"].view(batch, 7)
    mask = torch.ones_like(ids)
    if batch > 1:
        mask[0, :4] = 0
    written = []
    for attention in ("varlen", "sdpa"):
        model.set_attn_implementation(attention)
        told = {"max_new_tokens": 20, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
        written.append(model.generate(input_ids=ids, attention_mask=mask, **told).tolist())
    assert written[0] == written[1]


def test_a_sliding_window_is_refused_and_not_left_out() -> None:
    each = torch.zeros(1, 1, 4, 8)
    with pytest.raises(ValueError, match="knows no sliding window"):
        attend(torch.nn.Module(), each, each, each, None, sliding_window=2)


def make_trees() -> dict[str, Tensor]:
    """Return two trees side by side: trunk 4, branch 3, trunk 2, branch 2, trunk 1; and trunk 2, branch 2, trunk 3."""
    branch = torch.tensor([0] * 4 + [1] * 3 + [0] * 2 + [2] * 2 + [0] + [0] * 2 + [1] * 2 + [0] * 3)
    position = torch.tensor([0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 7, 6, 0, 1, 2, 3, 2, 3, 4])
    limit = torch.tensor([1, 2, 3, 4, 4, 4, 4, 5, 6, 6, 6, 7, 1, 2, 2, 2, 3, 4, 5])
    return {
        "bounds": torch.tensor([0, 12, 19], dtype=torch.int32),
        "branch": branch,
        "limit": limit,
        "position": position,
    }


def test_a_token_sees_the_trunk_before_it_and_its_own_branch() -> None:
    first, second = mask_rows(**make_trees())
    seen = [row.nonzero().flatten().tolist() for row in first[0, 0]]
    assert seen[3] == [0, 1, 2, 3]
    assert seen[6] == [0, 1, 2, 3, 4, 5, 6]
    assert seen[7] == [0, 1, 2, 3, 7]
    assert seen[10] == [0, 1, 2, 3, 7, 8, 9, 10]
    assert seen[11] == [0, 1, 2, 3, 7, 8, 11]
    assert second[0, 0, -1].nonzero().flatten().tolist() == [0, 1, 4, 5, 6]


def test_masks_are_made_once_for_a_batch_and_anew_for_the_next() -> None:
    trees = make_trees()
    first = mask_rows(**trees)
    assert mask_rows(**trees) is first
    other = make_trees()
    other["branch"][4:7] = 0
    assert not torch.equal(mask_rows(**other)[0], first[0])


def draw_heads(tokens: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """Return query, key and value with grouped heads."""
    torch.manual_seed(2)
    shapes = (HEADS, GROUPS, GROUPS)
    query, key, value = (torch.randn(1, heads, tokens, WIDTH, device=device, dtype=dtype) for heads in shapes)
    return query, key, value


def test_the_mask_as_a_function_is_the_dense_mask() -> None:
    """Through flex attention itself, whose forward pass runs on the CPU; its backward pass and kernels need a GPU."""
    from torch.nn.attention.flex_attention import flex_attention

    trees = make_trees()
    query, key, value = draw_heads(19)
    told = {"cu_seq_lens_q": trees["bounds"], "position_ids": trees["position"][None]}
    told |= {"branch": trees["branch"][None], "limit": trees["limit"][None]}
    dense, _ = attend(torch.nn.Module(), query, key, value, None, **told)
    by_blocks: Any = flex_attention(query, key, value, block_mask=mask_blocks(**trees), enable_gqa=True)
    torch.testing.assert_close(by_blocks.transpose(1, 2), dense, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", ["rows", "trees"])
def test_under_autocast_all_goes_in_its_type(kind: str) -> None:
    trees = make_trees()
    told: dict[str, Any] = {"cu_seq_lens_q": trees["bounds"], "position_ids": trees["position"][None]}
    if kind == "trees":
        told |= {"branch": trees["branch"][None], "limit": trees["limit"][None]}
    query, key, value = draw_heads(19)
    with torch.autocast("cpu", torch.bfloat16):
        mixed, _ = attend(torch.nn.Module(), query, key, value.bfloat16(), None, **told)
    whole, _ = attend(torch.nn.Module(), *(each.bfloat16() for each in (query, key, value)), None, **told)
    assert mixed.dtype == torch.bfloat16
    assert torch.equal(mixed, whole)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", ["rows", "trees"])
def test_a_gpu_attends_as_the_cpu_does(kind: str) -> None:
    line, trees = make_line(), make_trees()
    told = {name: line[name] for name in ("cu_seq_lens_q", "max_length_q", "position_ids")}
    if kind == "trees":
        told = {"cu_seq_lens_q": trees["bounds"], "position_ids": trees["position"][None]}
        told |= {"branch": trees["branch"][None], "limit": trees["limit"][None]}
    tokens = told["position_ids"].shape[1]
    module = torch.nn.Module()
    module.num_key_value_groups = HEADS // GROUPS  # type: ignore[assignment]
    gathered, moved = [], []
    for device in ("cpu", "cuda"):
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        heads = [each.to(device, dtype).requires_grad_() for each in draw_heads(tokens)]
        there = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in told.items()}
        out, _ = attend(module, *heads, None, **there)
        out.float().sin().sum().backward()
        gathered.append(out.detach().float().cpu())
        moved.append(torch.cat([each.grad.float().cpu().flatten() for each in heads if each.grad is not None]))
    torch.testing.assert_close(gathered[1], gathered[0], atol=3e-2, rtol=3e-2)
    assert float((moved[1] - moved[0]).norm() / moved[0].norm()) < 3e-2
