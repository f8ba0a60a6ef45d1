"""Packs hold whole rows, hardly a token stays empty, the same rows give the same packs, and it takes no time."""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.test_targets import make_talk
from tests.train.test_tree import lose, lose_alone
from train.collate import collate
from train.packing import Pack, fit, pack, pack_lengths
from train.targets import NOT_LEARNED, Row, make_rows
from train.template import load_speech, load_tokenizer


def make_row(length: int, first: int = 0) -> Row:
    """Return a row of so many tokens that are told apart."""
    ids = list(range(first, first + length))
    return Row(ids, [NOT_LEARNED, *ids[1:]], list(range(length)))


def draw_lengths(count: int, seed: int = 0) -> list[int]:
    """Return lengths as talks have them: many short, few long, none over 4,096."""
    chance = random.Random(seed)
    return [min(4096, max(16, int(chance.lognormvariate(6.2, 0.8)))) for _ in range(count)]


def pack_naively(lengths: Sequence[int], length: int) -> list[list[int]]:
    """Return best-fit decreasing as it is told in a sentence: look at every pack for each row."""
    packs: list[list[int]] = []
    left: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        best = min((n for n, room in enumerate(left) if room >= lengths[place]), key=lambda n: left[n], default=None)
        if best is None:
            best = len(packs)
            packs.append([])
            left.append(length)
        packs[best].append(place)
        left[best] -= lengths[place]
    return packs


@pytest.mark.parametrize("seed", range(5))
def test_packs_are_those_of_best_fit_decreasing(seed: int) -> None:
    lengths = draw_lengths(1500, seed)
    mine, wanted = pack_lengths(lengths, 4096), pack_naively(lengths, 4096)
    # Which of two packs with the same room is taken says nothing of how full packs get.
    assert sorted(sum(lengths[place] for place in each) for each in mine) == sorted(
        sum(lengths[place] for place in each) for each in wanted
    )


def test_every_row_is_in_one_pack_whole_and_no_pack_is_over_its_length() -> None:
    lengths = draw_lengths(5000)
    packs = pack_lengths(lengths, 4096)
    assert sorted(place for each in packs for place in each) == list(range(5000))
    assert max(sum(lengths[place] for place in each) for each in packs) <= 4096
    assert sum(lengths) / (len(packs) * 4096) > 0.99


def test_the_same_rows_give_the_same_packs() -> None:
    lengths = draw_lengths(3000)
    assert pack_lengths(lengths, 4096) == pack_lengths(list(lengths), 4096)


def test_a_row_that_is_longer_than_a_pack_is_left_out_and_counted_and_never_cut() -> None:
    rows = [make_row(length) for length in (5, 11, 10, 40)]
    kept, dropped = fit(rows, 10)
    assert (kept, dropped) == ([rows[0], rows[2]], [rows[1], rows[3]])
    assert [each.rows for each in pack(kept, 10)] == [(rows[2],), (rows[0],)]
    with pytest.raises(ValueError, match="a row of 40 tokens does not fit into a pack of 10"):
        pack(rows, 10)


def test_nothing_makes_no_pack() -> None:
    assert pack([], 10) == []


def test_packing_does_not_slow_down_as_looking_at_every_pack_does() -> None:
    few, many = draw_lengths(4000), draw_lengths(100_000)
    begun = time.process_time()
    pack_naively(few, 4096)
    naive = time.process_time() - begun
    begun = time.process_time()
    pack_lengths(many, 4096)
    # Twenty-five times the rows; the other way would take some six hundred times as long.
    assert time.process_time() - begun < naive * 10


def test_a_batch_is_one_line_that_knows_where_its_rows_are() -> None:
    batch = collate([Pack((make_row(3), make_row(2, 10))).columns(), Pack((make_row(4, 20),)).columns()])
    assert batch["input_ids"].tolist() == [[0, 1, 2, 10, 11, 20, 21, 22, 23]]
    assert batch["labels"].tolist() == [[NOT_LEARNED, 1, 2, NOT_LEARNED, 11, NOT_LEARNED, 21, 22, 23]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 0, 1, 2, 3]]
    assert batch["cu_seq_lens_q"].tolist() == batch["cu_seq_lens_k"].tolist() == [0, 3, 5, 9]
    assert batch["cu_seq_lens_q"].dtype == torch.int32
    assert batch["max_length_q"] == batch["max_length_k"] == 4
    assert "branch" not in batch
    assert "attention_mask" not in batch


def test_rows_with_branches_beside_rows_without_are_all_trunk_where_nothing_branches() -> None:
    tree = Row([1, 2, 3], [NOT_LEARNED, 2, 3], [0, 1, 1], [0, 1, 0], [1, 1, 2])
    packed = collate([Pack((tree, make_row(2))).columns()])
    beside = collate([Pack((tree,)).columns(), Pack((make_row(2),)).columns()])
    for batch in (packed, beside):
        assert batch["branch"].tolist() == [[0, 1, 0, 0, 0]]
        assert batch["limit"].tolist() == [[1, 1, 2, 1, 2]]


@pytest.mark.parametrize("attention", ["varlen", "sdpa", "eager"])
def test_packed_rows_lose_what_each_loses_alone(tiny: Path, attention: str) -> None:
    from transformers import AutoModelForCausalLM

    from train.attention import register

    register()
    model: Any = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()
    speech = load_speech(load_tokenizer(tiny))
    rows = [row for seed in range(8) for row in make_rows(make_talk(seed), "per_turn", speech)]
    with torch.no_grad():
        for each in pack(rows, 1024):
            mine = lose(model, collate([each.columns()]), attention)
            assert float((mine - lose_alone(model, each.rows)).abs().max()) < 1e-5
