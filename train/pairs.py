"""Turns the preference shards of an export into tokens: a talk so far, a better reply to it and a worse one."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from taxonomy.refusal import InputError
from taxonomy.source import show_path
from train.dataset import Counts
from train.mask import check_mask, list_spans
from train.shards import Message, Talk, list_shards, take_message
from train.targets import Row, make_rows
from train.template import Speech

Pair = dict[str, list[int]]


def read_pairs(folder: Path, split: str) -> Iterator[tuple[Talk, Talk]]:
    """Yield each pair as the same talk with the better and with the worse reply; raises InputError."""
    from store.formats.carriers.parquet import read_rows

    paths = [path for name, path, rows in list_shards(folder) if name == split and rows]
    if not paths:
        raise InputError(f"{show_path(folder)}: split {split!r} is empty; export more, or other splits")
    for path in paths:
        for row in read_rows(path):
            told = row.value
            if not isinstance(told, Mapping) or not {"prompt", "chosen", "rejected"} <= told.keys():
                raise InputError(f"{show_path(path)}: row {row.number} is no pair; export a mix of kind preferences")
            yield take_pair(told, "chosen"), take_pair(told, "rejected")


def take_pair(told: Mapping[str, Any], side: str) -> Talk:
    """Return the talk that ends with one of the two replies, which alone is learned."""
    before = [take_message(message)._replace(loss=False) for message in told["prompt"]]
    (reply,) = (take_message(message) for message in told[side])
    return Talk(str(told.get("id")), (*before, Message("assistant", reply.content, reply.reasoning, True)))


def split_row(row: Row) -> tuple[list[int], list[int]]:
    """Return what of a row is read and what is learned; the newline after the reply is neither."""
    ((begin, end),) = list_spans(row.labels)
    return row.input_ids[:begin], row.input_ids[begin:end]


def cut_pair(better: Talk, worse: Talk, speech: Speech) -> Pair:
    """Return the tokens of a pair; the talk so far ends with the header of a reply, as a server would end it."""
    sides = []
    for talk in (better, worse):
        (row,) = make_rows(talk, "last", speech)
        check_mask(talk, [row], speech.tokenizer, speech.header)
        sides.append(split_row(row))
    (prompt, chosen), (other, rejected) = sides
    if prompt != other:
        raise InputError(f"pair {better.id}: the two replies answer different talks; export it again")
    return {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}


def make_pairs(folder: Path, split: str, speech: Speech, length: int) -> tuple[list[Pair], Counts]:
    """Return the pairs of a split that fit into `length` tokens, and what became of the others; raises InputError."""
    pairs: list[Pair] = []
    counts, digest = Counts(), hashlib.sha256()
    for better, worse in read_pairs(folder, split):
        pair = cut_pair(better, worse, speech)
        counts.talks += 1
        if len(pair["prompt_ids"]) + longest(pair["chosen_ids"], pair["rejected_ids"]) > length:
            counts.over_long += 1
            continue
        pairs.append(pair)
        digest.update(repr(pair).encode())
        counts.loss_tokens += len(pair["chosen_ids"]) + len(pair["rejected_ids"])
        counts.tokens += 2 * len(pair["prompt_ids"]) + len(pair["chosen_ids"]) + len(pair["rejected_ids"])
    if not pairs:
        raise InputError(
            f"{show_path(folder)}: all {counts.over_long} pairs of {split!r} are longer than {length} tokens"
        )
    counts.rows = counts.packs = len(pairs)
    counts.digest = digest.hexdigest()[:16]
    return pairs, counts


def longest(*parts: Sequence[int]) -> int:
    """Return the length of the longest."""
    return max(map(len, parts))
