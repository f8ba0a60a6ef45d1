"""Measures rows and packs: python -m tests.bench.targets [--talks N] [--rows N].

Prints the tokens of each target by the number of turns with Qwen2.5's own vocabulary, how fast talks become rows, and
how fast rows are packed, beside a loop that looks at every pack for each row.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from tests.train.qwen_vocab import need_tokenizer
from tests.train.test_packing import draw_lengths, pack_naively
from tests.train.test_targets import make_talk
from tests.train.test_tree import make_measured
from train.packing import pack_lengths
from train.targets import EVERY_TARGET, Said, Targets, encode_talk, join_rows
from train.template import Speech, load_speech, load_tokenizer

Made = TypeVar("Made")
LENGTH = 4096
NAIVE_ROWS = 20_000


def take_time(run: Callable[[], Made]) -> tuple[float, Made]:
    """Return the processor's seconds that something takes, and what it makes."""
    begun = time.process_time()
    made = run()
    return time.process_time() - begun, made


def count_tokens(speech: Speech) -> None:
    """Print tokens and learned tokens of each target, by turns."""
    print(f"{'turns':>5}" + "".join(f"{target:>16}" for target in EVERY_TARGET) + f"{'per_turn/tree':>16}")
    for turns in (1, 2, 4, 8, 12, 16):
        said = encode_talk(make_measured(turns).messages, speech)
        rows = {target: join_rows(said, target, speech.newline) for target in EVERY_TARGET}
        tokens = {target: sum(map(len, made)) for target, made in rows.items()}
        learned = {target: sum(row.learned for row in made) for target, made in rows.items()}
        cells = "".join(f"{f'{tokens[target]}/{learned[target]}':>16}" for target in EVERY_TARGET)
        print(f"{turns:>5}{cells}{tokens['per_turn'] / tokens['tree']:>15.2f}x")


def join_all(said: Sequence[Sequence[Said]], targets: Targets, speech: Speech) -> int:
    """Make the rows of talks that are cut into tokens, and return how many."""
    return sum(len(join_rows(each, targets, speech.newline)) for each in said)


def time_rows(speech: Speech, talks: int) -> None:
    """Print how many talks a second become tokens, and rows of each target."""
    made = [make_talk(seed, exchanges=12, has_thoughts=True) for seed in range(talks)]
    seconds, said = take_time(lambda: [encode_talk(talk.messages, speech) for talk in made])
    tokens = sum(len(each.opening) + len(each.thoughtful or each.bare) for talk in said for each in talk)
    print(f"cutting {talks:,} talks of 12 turns: {talks / seconds:,.0f} talks/s, {tokens / seconds:,.0f} tokens/s")
    for target in EVERY_TARGET:
        seconds, _ = take_time(partial(join_all, said, target, speech))
        print(f"joining rows of {target}: {talks / seconds:,.0f} talks/s")


def time_packing(rows: int) -> None:
    """Print how long packing takes, and how full packs are, beside the loop over every pack."""
    few, many = draw_lengths(NAIVE_ROWS), draw_lengths(rows)
    naive, _ = take_time(lambda: pack_naively(few, LENGTH))
    ours, _ = take_time(lambda: pack_lengths(few, LENGTH))
    seconds, packs = take_time(lambda: pack_lengths(many, LENGTH))
    filled = sum(many) / (len(packs) * LENGTH)
    print(f"packing {rows:,} rows: {seconds:.2f} s, {len(packs):,} packs, {filled:.2%} filled")
    print(f"packing {NAIVE_ROWS:,} rows: {ours:.4f} s, the loop {naive:.2f} s: {naive / ours:,.0f} times as long")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=100_000)
    flags = parser.parse_args()
    speech = load_speech(load_tokenizer(need_tokenizer()))
    count_tokens(speech)
    time_rows(speech, flags.talks)
    time_packing(flags.rows)


if __name__ == "__main__":
    main()
