"""Writes what was drawn into a folder: shards, other shapes, what was counted on the way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson
from sqlalchemy import Connection

from store.export.draw import Drawn
from store.export.pairs import PairRow, read_pairs
from store.export.rows import TalkRow, read_rows
from store.export.shards import ShardWriter
from store.export.talk import Message
from store.export.tokens import TokenCount
from store.mix import SPLITS, Mix

SAMPLE = 2_000
"""Rows of each language on which diversity is measured: figures of larger sets are not comparable."""
COUNTED = ("source", "language", "recipe", "model", "licence", "is_reviewed", "is_edited", "is_rehearsal")

NAMES = {None: "-", True: "yes", False: "no"}


@dataclass(slots=True)
class Written:
    """What was written: rows by shard and kind, and a sample of what counselors say.

    A sample holds the first rows of the training split by language, in the order of the draw.
    """

    shards: dict[str, int] = field(default_factory=dict)
    kinds: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    """Rows by their split and what is counted."""
    characters: int = 0
    learned: int = 0
    tokens: int | None = None
    sample: dict[str, list[list[str]]] = field(default_factory=dict)
    sampled: dict[str, Counter[str]] = field(default_factory=dict)
    """By language, the sampled rows on which each rule found something."""
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """Rows by split, and by each thing that is counted."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in ("split", *COUNTED)}
        for kind, count in self.kinds.items():
            for name, value in zip(counts, kind, strict=True):
                counts[name][NAMES.get(value, value)] += count
        return counts

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.shards.values())


def write_rows(
    db: Connection, drawn: Drawn, folder: Path, shapes: Mapping[str, Any], tokens: TokenCount | None
) -> Written:
    """Write the rows of all splits and return what was written; no more than a batch of them is held."""
    mix, written = drawn.mix, Written()
    data = folder / "data" / mix.name
    data.mkdir(parents=True)
    for name in shapes:
        (folder / name).mkdir()
    for split in reversed(SPLITS):
        shards = ShardWriter(data, split, mix.kind)
        files = {name: (folder / name / f"{split}.jsonl").open("wb") for name in shapes}
        try:
            rows: Iterable[TalkRow | PairRow] = (read_rows if mix.kind == "talks" else read_pairs)(db, drawn, split)
            for row in rows:
                shards.add(row)
                for name, file in files.items():
                    write_line(file, shapes[name], row)
                messages = list_messages(row)
                count_row(written, split, row, messages)
                if tokens is not None:
                    tokens.add(messages)
        finally:
            for file in files.values():
                file.close()
        named = shards.close()
        written.shards |= {path.relative_to(folder).as_posix(): count for path, count in named}
        for name in shapes if not named else ():
            (folder / name / f"{split}.jsonl").unlink()
    written.tokens = tokens.total() if tokens is not None else None
    for name, module in shapes.items():
        if hasattr(module, "describe"):
            module.describe(folder / name, mix)
    return written


def write_line(file: IO[bytes], shape: Any, row: TalkRow | PairRow) -> None:
    """Write a row as a line of JSON."""
    said = shape.write_talk(row) if isinstance(row, TalkRow) else shape.write_pair(row)
    file.write(orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE))


def list_messages(row: TalkRow | PairRow) -> list[Message]:
    """Return all messages of a row; of a pair both replies."""
    return row.messages if isinstance(row, TalkRow) else [*row.prompt, row.chosen, row.rejected]


def count_row(written: Written, split: str, row: TalkRow | PairRow, messages: list[Message]) -> None:
    """Count a row, and keep what its counselor says as long as the sample has room."""
    about = row.about
    written.kinds[split, *(getattr(about, name) for name in COUNTED)] += 1
    written.characters += about.characters
    if about.emotion is not None and about.scene is not None:
        written.cells[about.emotion, about.scene] += 1
    for said in messages:
        if said.loss:
            written.learned += len(said.content) + len(said.reasoning or "")
    if split == "train" and about.standing is not None:
        keep_sample(written, row, messages)


def keep_sample(written: Written, row: TalkRow | PairRow, messages: list[Message]) -> None:
    """Keep what the counselor of a stored talk says, where the sample has room; a talk is kept once."""
    about = row.about
    sample = written.sample.setdefault(about.language, [])
    is_first = "#" not in about.id or about.id.endswith("#1")
    if len(sample) < SAMPLE and is_first:
        sample.append([said.content for said in messages if said.role == "assistant"])
        written.sampled.setdefault(about.language, Counter()).update(about.findings)


def count_sources(mix: Mix, written: Written) -> dict[str, int]:
    """Return the rows of each source, none of those that gave nothing left out."""
    counted = written.counts.get("source", Counter())
    return {source.name: counted[source.name] for source in mix.sources}
