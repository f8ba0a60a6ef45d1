"""A tree learns what one row per reply learns: the same loss of each token, the same gradients, at fewer tokens."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.train.test_targets import EDGES, make_talk
from train.attention import mask_tree, register
from train.collate import collate
from train.packing import Pack, pack
from train.shards import Message, Talk
from train.targets import NOT_LEARNED, Row, Targets, make_rows
from train.template import Speech

EDGE_TALKS = [
    Talk("one reply", (Message("user", "a"), Message("assistant", "b", "why", True))),
    Talk("one bare reply", (Message("system", "s"), Message("user", "a"), Message("assistant", "b", None, True))),
    make_talk(1, exchanges=3)._replace(
        messages=(*make_talk(1, exchanges=3, has_thoughts=True).messages[:-1], Message("assistant", "b", "not learned"))
    ),
    *(Talk(edge, (Message("user", edge), Message("assistant", edge, edge, True)) * 3) for edge in EDGES),
]
DRAWN = (make_talk(seed, exchanges=1 + seed % 9) for seed in range(100, 200))
SESSIONS = [talk for talk in DRAWN if any(message.loss for message in talk.messages)][:50]
"""Half of them and more with thoughts, half with a system prompt, and some replies that are not learned."""


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    """Return the tiny model with weights so large that what a token sees moves its loss by much."""
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(tiny, attn_implementation="eager", dtype=torch.float32)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in loaded.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.6 if "embed" in name else 0.15)
    return loaded.eval()


def lose(model: Any, batch: dict[str, Any], attention: str) -> Tensor:
    """Return the loss of each learned token, in the order of the batch."""
    model.set_attn_implementation(attention)
    told = {name: value for name, value in batch.items() if name != "labels"}
    logits = model(**told, use_cache=False).logits[0, :-1]
    labels = batch["labels"][0, 1:]
    learned = labels != NOT_LEARNED
    return torch.nn.functional.cross_entropy(logits[learned], labels[learned], reduction="none")


def lose_alone(model: Any, rows: Sequence[Row], attention: str = "eager") -> Tensor:
    """Return the loss of each learned token of rows, each read by itself by transformers' own attention."""
    batches = [{"input_ids": torch.tensor([row.input_ids]), "labels": torch.tensor([row.labels])} for row in rows]
    return torch.cat([lose(model, batch, attention) for batch in batches])


def lose_packed(model: Any, rows: Sequence[Row]) -> Tensor:
    """Return the loss of each learned token of rows that are read side by side."""
    return lose(model, collate([Pack(tuple(rows)).columns()]), register())


def take_gradients(model: Any, losses: Tensor) -> Tensor:
    """Return the gradients of a sum of losses as one line."""
    model.zero_grad()
    losses.sum().backward()
    return torch.cat([weight.grad.flatten() for weight in model.parameters()])


def differ(mine: Tensor, wanted: Tensor) -> float:
    """Return how far two lines of gradients are apart, in the length of the second."""
    return float((mine - wanted).norm() / wanted.norm())


def list_both(talks: Sequence[Talk], speech: Speech) -> Iterator[tuple[list[Row], list[Row]]]:
    """Yield the tree and the rows per turn of each talk of which something is learned."""
    for talk in talks:
        if tree := make_rows(talk, "tree", speech):
            yield tree, make_rows(talk, "per_turn", speech)


@pytest.fixture
def tiny_speech(tiny: Path) -> Speech:
    """Return the tokenizer of the tiny model."""
    from train.template import load_speech, load_tokenizer

    return load_speech(load_tokenizer(tiny))


def order_by_turn(tree: Row) -> list[int]:
    """Return where the labels of a tree stand, in the order in which the rows per turn have them: as they come."""
    return [place for place, label in enumerate(tree.labels) if label != NOT_LEARNED]


def test_a_tree_gives_the_losses_and_gradients_of_per_turn(model: Any, tiny_speech: Speech) -> None:
    both = list(list_both(SESSIONS, tiny_speech))
    assert len(both) == 50
    assert sum(max(tree.branch or [0]) > 1 for (tree,), _ in both) >= 15
    assert sum(max(tree.branch or [0]) == 0 for (tree,), _ in both) >= 10
    for tree, turns in both:
        mine, wanted = lose_packed(model, tree), lose_alone(model, turns)
        assert len(mine) == len(wanted)
        assert float((mine - wanted).detach().abs().max()) < 1e-4
        assert differ(take_gradients(model, mine), take_gradients(model, wanted)) < 1e-4


def test_a_tree_of_edge_cases_gives_the_losses_of_per_turn(model: Any, tiny_speech: Speech) -> None:
    with torch.no_grad():
        for tree, turns in list_both(EDGE_TALKS, tiny_speech):
            assert float((lose_packed(model, tree) - lose_alone(model, turns)).abs().max()) < 1e-4


def test_several_trees_in_one_pack_are_as_each_alone(model: Any, tiny_speech: Speech) -> None:
    both = list(list_both(SESSIONS[:12], tiny_speech))
    trees = [row for tree, _ in both for row in tree]
    packs = pack(trees, max(map(len, trees)) * 2)
    assert 1 < len(packs) < len(trees)
    wanted = {id(tree): lose_alone(model, turns).detach() for (tree,), turns in both}
    for each in packs:
        mine = lose_packed(model, each.rows)
        apart = torch.cat([wanted[id(row)] for row in each.rows])
        assert float((mine.detach() - apart).abs().max()) < 1e-4
    together = sum((lose_packed(model, each.rows).sum() for each in packs), torch.zeros(()))
    alone = lose_alone(model, [row for _, turns in both for row in turns])
    assert differ(take_gradients(model, together), take_gradients(model, alone)) < 1e-4


def test_a_tree_read_without_its_mask_is_far_off(model: Any, tiny_speech: Speech) -> None:
    """What the other tests find small is large where branches see one another."""
    (tree,), turns = next(both for both in list_both(SESSIONS, tiny_speech) if max(both[0][0].branch or [0]) > 1)
    blind = Row(tree.input_ids, tree.labels, tree.position_ids)
    with torch.no_grad():
        assert float((lose_packed(model, [blind]) - lose_alone(model, turns)).abs().max()) > 0.1


def test_a_dense_mask_in_four_dimensions_serves_transformers_own_attention(model: Any, tiny_speech: Speech) -> None:
    for (tree,), turns in list(list_both(SESSIONS, tiny_speech))[:10]:
        branch, limit, position = (torch.tensor(each) for each in (tree.branch, tree.limit, tree.position_ids))
        mask = mask_tree(branch, limit, position)
        told = {"input_ids": torch.tensor([tree.input_ids]), "labels": torch.tensor([tree.labels])}
        told |= {"position_ids": position[None], "attention_mask": torch.where(mask, 0.0, torch.finfo().min)}
        for attention in ("sdpa", "eager"):
            with torch.no_grad():
                assert float((lose(model, told, attention) - lose_alone(model, turns)).abs().max()) < 1e-4


def test_positions_and_labels_of_a_tree_are_those_of_its_rows_per_turn(speech: Speech) -> None:
    for (tree,), turns in list_both(SESSIONS, speech):
        places = iter(order_by_turn(tree))
        for turn in turns:
            for at, label in enumerate(turn.labels):
                if label != NOT_LEARNED:
                    place = next(places)
                    assert (tree.labels[place], tree.position_ids[place]) == (label, at)
                    # Trainers take the loss of a token from what stands before it in the row.
                    assert (tree.input_ids[place - 1], tree.position_ids[place - 1]) == (turn.input_ids[at - 1], at - 1)
        assert next(places, None) is None
        # What comes after the last learned reply would be read for nothing.
        assert tree.labels[-1 - len(speech.newline)] == speech.end


def test_what_a_learned_token_sees_is_its_row_per_turn(speech: Speech) -> None:
    for (tree,), turns in list(list_both(SESSIONS, speech))[:15]:
        branch, limit, position = (torch.tensor(each) for each in (tree.branch, tree.limit, tree.position_ids))
        mask = mask_tree(branch, limit, position)[0, 0]
        places = iter(order_by_turn(tree))
        for turn in turns:
            for at, label in enumerate(turn.labels):
                if label != NOT_LEARNED:
                    seen = mask[next(places)].nonzero().flatten().tolist()
                    in_order = sorted(seen, key=lambda place: tree.position_ids[place])
                    assert [tree.input_ids[place] for place in in_order] == turn.input_ids[: at + 1]


def test_a_talk_without_thoughts_is_all_trunk(speech: Speech) -> None:
    talk = make_talk(7, exchanges=5, has_thoughts=False)
    talk = talk._replace(messages=tuple(each._replace(content="so " + each.content) for each in talk.messages))
    ((tree,), (whole,)) = (make_rows(talk, targets, speech) for targets in ("tree", "all_turns"))
    assert set(tree.branch or []) == {0}
    assert tree.input_ids == whole.input_ids[: len(tree)]
    assert [label for label in tree.labels if label != NOT_LEARNED] == [
        label for label in whole.labels if label != NOT_LEARNED
    ]


SENTENCE = (
    "the user wants to reset the router but has already tried the power cycle so next check the firmware version and"
    " the warranty date before offering a replacement unit politely and keep the answer short with one clear question"
    " at the end"
)
WORDS = SENTENCE.split()
"""The words whose lengths the published costs were measured on."""


def make_measured(turns: int) -> Talk:
    """Return a talk of 25 words of the client, 150 of thought and 60 of reply in each turn, after a prompt of 40."""
    chance = random.Random(0)

    def write(words: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(words))

    messages = [Message("system", write(40))]
    for _ in range(turns):
        messages += [Message("user", write(25)), Message("assistant", write(60), write(150), True)]
    return Talk(str(turns), tuple(messages))


@pytest.mark.parametrize(("turns", "times"), [(1, 1.0), (8, 2.0), (16, 3.2)])
@pytest.mark.parametrize("speech", ["qwen2.5"], indirect=True)
def test_a_tree_costs_half_at_eight_turns_and_a_third_at_sixteen(speech: Speech, turns: int, times: float) -> None:
    talk = make_measured(turns)
    (tree,), rows = make_rows(talk, "tree", speech), make_rows(talk, "per_turn", speech)
    assert tree.learned == sum(row.learned for row in rows)
    assert times <= sum(map(len, rows)) / len(tree) < times * 1.05


def test_one_step_of_a_trainer_moves_the_weights_alike(tiny: Path, tiny_speech: Speech, tmp_path: Path) -> None:
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    moved = []
    both: tuple[Targets, Targets] = ("per_turn", "tree")
    for targets in both:
        rows = [row for talk in SESSIONS[:8] for row in make_rows(talk, targets, tiny_speech)]
        packs = pack(rows, 2048)
        model = AutoModelForCausalLM.from_pretrained(tiny, attn_implementation=register(), dtype=torch.float32)
        before = torch.cat([weight.detach().flatten().clone() for weight in model.parameters()])
        settings = SFTConfig(
            output_dir=str(tmp_path / targets), per_device_train_batch_size=len(packs), max_steps=1, learning_rate=0.1,
            lr_scheduler_type="constant", optim="sgd", report_to="none", use_cpu=True, bf16=False, save_strategy="no",
            disable_tqdm=True, gradient_checkpointing=True, max_length=None, remove_unused_columns=False,
            max_grad_norm=0.0, dataset_kwargs={"skip_prepare_dataset": True}, logging_steps=1,
        )  # fmt: skip
        trainer = SFTTrainer(
            model, args=settings, data_collator=collate, processing_class=tiny_speech.tokenizer,
            train_dataset=Dataset.from_list([each.columns() for each in packs]),
        )  # fmt: skip
        trainer.train()
        tokens = sum(map(len, rows))
        assert trainer.state.log_history[0]["num_tokens"] == tokens
        moved.append(torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()]) - before)
    assert float(moved[1].norm()) > 1e-3
    assert differ(moved[1], moved[0]) < 1e-4
