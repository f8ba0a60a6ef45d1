"""Shows what would be learned: python -m train.preview --shards DIR --model PATH [--targets T] [--row N] [--json]."""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError

if TYPE_CHECKING:
    from train.targets import Row, Targets
    from train.template import Speech

LENGTH = 4096
SPLITS = ("train", "validation", "test")
TARGETS = ("all_turns", "last", "per_turn", "tree")
KEEPS = (
    "all_turns shows the thoughts of earlier replies: serve the model with chat_template_kwargs"
    ' {"preserve_thinking": true}, and send each thought back before its reply as <think>...</think>'
)
HEADS = ("target", "rows", "tokens", "learned", "share", "packs", "unfilled", "over-long")


def build_parser() -> Parser:
    """Return the flags."""
    parser = Parser("train.preview", description=__doc__)
    parser.add_argument("--shards", required=True, type=Path, metavar="DIR", help="a folder that store.export wrote")
    parser.add_argument("--model", required=True, metavar="PATH", help="a Qwen2.5 model; its tokenizer alone is read")
    parser.add_argument("--targets", choices=TARGETS, default="per_turn", help="how rows are made (default: per_turn)")
    parser.add_argument("--row", type=int, default=1, metavar="N", help="the row to show, from 1 (default: 1)")
    parser.add_argument("--split", choices=SPLITS, default="train", help="the split it is of (default: train)")
    told = f"tokens of a pack; longer rows are left out in training (default: {LENGTH})"
    parser.add_argument("--length", type=int, default=LENGTH, metavar="N", help=told)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser


@dataclass
class Count:
    """What a target makes of a folder."""

    tokens: int = 0
    learned: int = 0
    lengths: list[int] = field(default_factory=list)

    def add(self, rows: Sequence["Row"]) -> None:
        """Count the rows of a talk."""
        for row in rows:
            self.tokens += len(row)
            self.learned += row.learned
            self.lengths.append(len(row))

    def tell(self, length: int) -> dict[str, Any]:
        """Return the figures; packs hold what is not over-long, and `unfilled` is the share of them left empty."""
        from train.packing import pack_lengths

        kept = [each for each in self.lengths if each <= length]
        packs = len(pack_lengths(kept, length))
        return {
            "rows": len(self.lengths),
            "tokens": self.tokens,
            "loss_tokens": self.learned,
            "share": self.learned / self.tokens if self.tokens else 0.0,
            "packs": packs,
            "unfilled": 1 - sum(kept) / (packs * length) if packs else 0.0,
            "over_long": len(self.lengths) - len(kept),
            "longest": max(self.lengths, default=0),
        }


def count_targets(folder: Path, speech: "Speech") -> tuple[dict["Targets", Count], int, bool]:
    """Return what each target makes of all splits, how many talks there are, and whether any has a thought."""
    from tqdm import tqdm

    from train.shards import count_rows, read_talks
    from train.targets import EVERY_TARGET, encode_talk, join_rows

    counts = {target: Count() for target in EVERY_TARGET}
    held = count_rows(folder)
    has_thoughts = False
    with tqdm(total=sum(held.values()), unit=" talks", disable=None, leave=False) as bar:
        for split, rows in held.items():
            for talk in read_talks(folder, split) if rows else ():
                said = encode_talk(talk.messages, speech)
                has_thoughts |= any(each.thoughtful is not None for each in said)
                for target, count in counts.items():
                    count.add(join_rows(said, target, speech.newline))
                bar.update()
    return counts, sum(held.values()), has_thoughts


def find_row(flags: Namespace, speech: "Speech") -> tuple[str, "Row"]:
    """Return the row to show and the talk it is of; raises InputError where there are not so many."""
    from train.shards import read_talks
    from train.targets import make_rows

    if flags.row < 1:
        raise InputError(f"--row {flags.row}: rows are counted from 1")
    seen = 0
    for talk in read_talks(flags.shards, flags.split):
        rows = make_rows(talk, flags.targets, speech)
        if seen + len(rows) >= flags.row:
            return talk.id, rows[flags.row - seen - 1]
        seen += len(rows)
    raise InputError(f"--row {flags.row}: split {flags.split!r} has {seen:,} rows of {flags.targets}; name one of them")


def tell_row(flags: Namespace, talk: str, row: "Row", speech: "Speech") -> dict[str, Any]:
    """Return a row as JSON has it."""
    from train.drawing import list_runs

    decode = speech.tokenizer.decode
    runs = [
        {"branch": run.branch, "learned": run.is_learned, "tokens": run.tokens, "text": decode(run.tokens)}
        for run in list_runs(row)
    ]
    head = {"split": flags.split, "number": flags.row, "targets": flags.targets, "talk": talk}
    return {**head, "tokens": len(row), "loss_tokens": row.learned, "runs": runs}


def list_cells(target: str, told: dict[str, Any]) -> list[str]:
    """Return the figures of a target as they stand in the table."""
    numbers = [f"{told[name]:,}" for name in ("rows", "tokens", "loss_tokens")]
    shares = [f"{told['share']:.1%}", f"{told['packs']:,}", f"{told['unfilled']:.1%}"]
    return [target, *numbers, *shares, f"{told['over_long']:,}"]


def main() -> int:
    """Show a row, then what each target makes of the folder."""
    flags = build_parser().parse_args()
    if flags.length < 1:
        raise InputError(f"--length {flags.length}: a pack holds 1 token or more")
    from store.shell.terminal import show_line, tell
    from train.drawing import draw_row, draw_table
    from train.shards import list_shards
    from train.template import load_speech, load_tokenizer

    list_shards(flags.shards)
    speech = load_speech(load_tokenizer(flags.model))
    talk, row = find_row(flags, speech)
    counts, talks, has_thoughts = count_targets(flags.shards, speech)
    told = {target: count.tell(flags.length) for target, count in counts.items()}
    if flags.json:
        whole = {"row": tell_row(flags, talk, row, speech), "talks": talks, "length": flags.length, "targets": told}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False) + "\n")
        return 0
    shown = f"{flags.split}, row {flags.row} of {flags.targets}, talk {show_line(talk)}"
    tell(f"{shown}: {len(row)} tokens, {row.learned} learned")
    for line in draw_row(row, speech):
        tell(line)
    tell(f"\nall splits, {talks:,} talks; packs of {flags.length:,} tokens")
    for line in draw_table(HEADS, [list_cells(target, figures) for target, figures in told.items()]):
        tell(line)
    if (over := told[flags.targets]["over_long"]) > 0:
        longest = told[flags.targets]["longest"]
        what = f"{over:,} rows of {flags.targets} are over {flags.length:,} tokens and would be left out"
        tell(f"{what}; the longest has {longest:,}")
    if has_thoughts:
        tell(KEEPS)
    return 0


if __name__ == "__main__":
    run_main(main)
