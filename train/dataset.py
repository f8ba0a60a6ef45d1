"""Turns the talks of an export into packed rows of tokens in one file that every process of a machine maps.

They are made once a machine, by its first process, and held against the talks they come from.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taxonomy.refusal import InputError, Refusal
from taxonomy.source import show_path
from train.checkpoints import write_json
from train.mask import check_mask
from train.packing import Pack, fit, pack
from train.place import hold, name_place, sweep_places
from train.shards import read_talks
from train.targets import Row, Targets, make_rows
from train.template import Speech

if TYPE_CHECKING:
    from datasets import Dataset

WINDOW = 4_000_000
"""Tokens that are packed together: a thousand packs of 4,096, and some 300 MB of memory while they are made."""
MADE = "made.json"
"""Written last into a folder of rows: all of them are there."""
PAUSE = 0.2
"""Seconds between two looks of a process that waits for the rows."""


class Wanted(NamedTuple):
    """Which rows are made."""

    shards: Path
    targets: Targets
    length: int
    """Tokens of a row, and of a pack, at most."""
    is_packed: bool


@dataclass
class Counts:
    """What became of a split."""

    talks: int = 0
    rows: int = 0
    over_long: int = 0
    """Rows of more than the wanted tokens, which are left out and never cut."""
    packs: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    digest: str = ""
    """Of all tokens and labels in their order: the same for the same data, targets, template and tokenizer."""


def make_packs(wanted: Wanted, split: str, speech: Speech, counts: Counts) -> Iterator[Pack]:
    """Yield the packs of a split and count them; raises InputError for an empty split, WrongMask for a bad mask."""
    window: list[Row] = []
    held = 0
    for talk in read_talks(wanted.shards, split):
        made = make_rows(talk, wanted.targets, speech)
        check_mask(talk, made, speech.tokenizer, speech.header)
        kept, dropped = fit(made, wanted.length)
        counts.talks += 1
        counts.rows += len(kept)
        counts.over_long += len(dropped)
        window += kept
        held += sum(map(len, kept))
        if held >= WINDOW:
            yield from join_rows(window, wanted)
            window, held = [], 0
    yield from join_rows(window, wanted)


def join_rows(rows: Sequence[Row], wanted: Wanted) -> list[Pack]:
    """Return rows in packs, or each by itself."""
    return pack(rows, wanted.length) if wanted.is_packed else [Pack((row,)) for row in rows]


def write_split(wanted: Wanted, split: str, speech: Speech, folder: Path) -> Counts:
    """Write the packs of a split as one Arrow file, and beside it what was counted."""
    from datasets import Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    names = ["input_ids", "labels", "position_ids", "lengths"]
    names += ["branch", "limit"] if wanted.targets == "tree" else []
    features = Features({name: List(Value("int32")) for name in names})
    counts, digest = Counts(), hashlib.sha256()
    with ArrowWriter(features=features, path=str(folder / f"{split}.arrow")) as writer:
        for each in make_packs(wanted, split, speech, counts):
            columns = each.columns()
            writer.write(columns)
            digest.update(repr((columns["input_ids"], columns["labels"])).encode())
            counts.packs += 1
            counts.tokens += len(each)
            counts.loss_tokens += sum(row.learned for row in each.rows)
        writer.finalize()
    if not counts.packs:
        told = f"all {counts.over_long} rows are longer than max_length {wanted.length}" if counts.over_long else ""
        raise InputError(
            f"{show_path(wanted.shards)}: split {split!r} gives no row to learn; {told or 'no reply is learned'}"
        )
    counts.digest = digest.hexdigest()[:16]
    write_json(folder / f"{split}.json", asdict(counts))
    return counts


class Prepared(NamedTuple):
    """The rows of a training, by split."""

    splits: dict[str, "Dataset"]
    counts: dict[str, Counts]
    folder: Path
    """Holds the files while they are in use."""


def verify_shards(folder: Path) -> None:
    """Raise InputError where the files of an export are not as they were written."""
    from store.errors import StoreError
    from store.export.manifest import verify

    try:
        verify(folder)
    except StoreError as error:
        raise InputError(str(error)) from None


def wait_for_rows(folder: Path) -> None:
    """Wait until the rows in a folder are made, however long, as long as the process that makes them lives.

    A collective operation would give up after `ddp_timeout`, half an hour. Raises Refusal where that process is gone.
    """
    while not (folder / MADE).exists():
        try:
            os.close(hold(folder))
        except BlockingIOError:
            time.sleep(PAUSE)
            continue
        except FileNotFoundError:
            pass
        if not (folder / MADE).exists():
            raise Refusal("the first process of this machine ended before it had made the rows; its own line says why")


def prepare(wanted: Wanted, splits: Sequence[str], speech: Speech, state: Any) -> Prepared:
    """Make the rows of some splits once a machine and open them in every process.

    `state` is accelerate's PartialState. Raises InputError for a split without a row, or shards that have changed.
    """
    from accelerate.utils import broadcast_object_list
    from datasets import Dataset

    place = [name_place() if state.is_main_process else ""]
    broadcast_object_list(place, from_process=0)
    first = state.process_index - state.local_process_index
    # Two machines may share a temporary folder; each makes rows of its own.
    folder = Path(f"{place[0]}-{first}" if first else place[0])
    try:
        if state.is_local_main_process:
            folder.mkdir(exist_ok=True)
            hold(folder)
        state.wait_for_everyone()
        if state.is_local_main_process:
            sweep_places()
            verify_shards(wanted.shards)
            for split in splits:
                write_split(wanted, split, speech, folder)
            write_json(folder / MADE, {"splits": list(splits)})
        else:
            wait_for_rows(folder)
        state.wait_for_everyone()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    counts = {split: Counts(**json.loads((folder / f"{split}.json").read_text(encoding="utf-8"))) for split in splits}
    return Prepared({split: Dataset.from_file(str(folder / f"{split}.arrow")) for split in splits}, counts, folder)


def tell_rows(counts: dict[str, Counts]) -> str:
    """Return what was made, in a line."""
    parts = []
    for split, each in counts.items():
        dropped = f", {each.over_long:,} over-long rows left out" if each.over_long else ""
        learned = each.loss_tokens / each.tokens
        parts.append(
            f"{split}: {each.talks:,} talks, {each.rows:,} rows in {each.packs:,} packs, {each.tokens:,} tokens"
            f" ({learned:.0%} learned){dropped}"
        )
    return "; ".join(parts)
