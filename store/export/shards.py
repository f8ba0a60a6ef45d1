"""Writes rows as Parquet shards with fixed settings, named as the Hub names them: the same rows give the same bytes."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.export.about import About
from store.export.pairs import PairRow
from store.export.rows import TalkRow
from store.export.shapes.jsonl import plain
from store.export.talk import Message
from store.mix import Kind

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

Rows = Sequence[Any]
ROWS_OF_A_SHARD = 20_000
CHARACTERS_OF_A_SHARD = 160_000_000
"""Under 500 MB however Chinese the text is."""
ROWS_OF_A_GROUP = 1_000
LEVEL = 3


def about_fields() -> list[Any]:
    """Return the columns of what is told of a row."""
    import pyarrow as pa

    origin = [("kind", pa.string()), ("dataset", pa.string()), ("file", pa.string()), ("row", pa.int64())]
    origin += [("row_id", pa.string()), ("parent_id", pa.string()), ("checks", pa.string())]
    types = {
        "id": pa.string(), "source": pa.string(), "language": pa.string(), "licence": pa.string(), "seed": pa.string(),
        "recipe": pa.string(), "model": pa.string(), "run_id": pa.int64(), "emotion": pa.string(),
        "scene": pa.string(), "exchanges": pa.int32(), "characters": pa.int32(),
        "scores": pa.list_(pa.struct([("rubric", pa.string()), ("score", pa.float64())])),
        "findings": pa.list_(pa.string()), "standing": pa.string(), "is_reviewed": pa.bool_(), "is_edited": pa.bool_(),
        "is_rehearsal": pa.bool_(), "risk_tier": pa.string(), "provenance": pa.struct(origin),
    }  # fmt: skip
    return [pa.field(name, types[name]) for name in About.__slots__]


def message_fields() -> list[tuple[str, Any]]:
    """Return the parts of a message."""
    import pyarrow as pa

    return [("role", pa.string()), ("content", pa.string()), ("reasoning_content", pa.string()), ("loss", pa.bool_())]


def talk_schema() -> "pyarrow.Schema":
    """Return the columns of talks."""
    import pyarrow as pa

    return pa.schema([pa.field("messages", pa.list_(pa.struct(message_fields()))), *about_fields()])


def about_arrays(told: Sequence[About]) -> list[Any]:
    """Return the columns of what is told of some rows."""
    import pyarrow as pa

    columns: list[Any] = []
    for field in about_fields():
        values: list[Any] = [getattr(about, field.name) for about in told]
        if field.name == "scores":
            values = [[{"rubric": name, "score": score} for name, score in scores.items()] for scores in values]
        columns.append(pa.array(values, field.type))
    return columns


def message_array(talks: Sequence[Sequence[Message]]) -> Any:
    """Return the messages of some rows as one column; made part by part, which is many times faster than by dicts."""
    import pyarrow as pa

    flat = [message for talk in talks for message in talk]
    parts = [
        pa.array([message.role for message in flat], pa.string()),
        pa.array([message.content for message in flat], pa.string()),
        pa.array([message.reasoning for message in flat], pa.string()),
        pa.array([message.loss for message in flat], pa.bool_()),
    ]
    offsets = pa.array([0, *accumulate(map(len, talks))], pa.int32())
    struct = pa.StructArray.from_arrays(parts, fields=[pa.field(*part) for part in message_fields()])
    return pa.ListArray.from_arrays(offsets, struct)


def pair_schema() -> "pyarrow.Schema":
    """Return the columns of pairs, under the names by which TRL knows them."""
    import pyarrow as pa

    said = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    pairs = [pa.field(name, said) for name in ("prompt", "chosen", "rejected")]
    return pa.schema([*pairs, pa.field("via", pa.string()), *about_fields()])


def pair_batch(rows: Sequence[PairRow]) -> "pyarrow.RecordBatch":
    """Return some pairs as Parquet takes them."""
    import pyarrow as pa

    schema = pair_schema()
    said = ([row.prompt for row in rows], [[row.chosen] for row in rows], [[row.rejected] for row in rows])
    columns = [
        pa.array([[plain(message) for message in messages] for messages in part], schema.field(place).type)
        for place, part in enumerate(said)
    ]
    via = pa.array([row.via for row in rows], pa.string())
    return pa.record_batch([*columns, via, *about_arrays([row.about for row in rows])], schema=schema)


def talk_batch(rows: Sequence[TalkRow]) -> "pyarrow.RecordBatch":
    """Return some rows as Parquet takes them."""
    import pyarrow as pa

    columns = [message_array([row.messages for row in rows]), *about_arrays([row.about for row in rows])]
    return pa.record_batch(columns, schema=talk_schema())


class ShardWriter:
    """Writes the rows of one split; how many shards there are is known when the last row has come."""

    def __init__(self, folder: Path, split: str, kind: Kind) -> None:
        self._folder, self._split = folder, split
        self._schema = talk_schema() if kind == "talks" else pair_schema()
        self._make_batch: Callable[[Rows], Any] = talk_batch if kind == "talks" else pair_batch
        self._paths: list[Path] = []
        self._counts: list[int] = []
        self._writer: ParquetWriter | None = None
        # Compressing needs no Python: it goes on beside the reading of the next group.
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._held: list[Any] = []
        self._rows = self._characters = 0

    def add(self, row: Any) -> None:
        """Add a row."""
        self._held.append(row)
        if len(self._held) == ROWS_OF_A_GROUP:
            self._write_group()

    def close(self) -> list[tuple[Path, int]]:
        """Write what is left; returns the shards under their names, with the rows of each."""
        if self._held:
            self._write_group()
        self._end_shard()
        self._thread.shutdown()
        total = len(self._paths)
        named = []
        for number, path in enumerate(self._paths):
            name = self._folder / f"{self._split}-{number:05}-of-{total:05}.parquet"
            path.rename(name)
            named.append((name, self._counts[number]))
        return named

    def _write_group(self) -> None:
        from pyarrow.parquet import ParquetWriter

        if self._writer is None:
            path = self._folder / f"{self._split}-{len(self._paths):05}.writing"
            self._paths.append(path)
            self._writer = ParquetWriter(
                path, self._schema, compression="zstd", compression_level=LEVEL, version="2.6", use_dictionary=True,
                write_statistics=True, store_schema=True,
            )  # fmt: skip
        self._wait()
        self._writing = self._thread.submit(self._writer.write_batch, self._make_batch(self._held), ROWS_OF_A_GROUP)
        self._rows += len(self._held)
        self._characters += sum(row.about.characters for row in self._held)
        self._held = []
        if self._rows >= ROWS_OF_A_SHARD or self._characters >= CHARACTERS_OF_A_SHARD:
            self._end_shard()

    def _wait(self) -> None:
        """Wait for the group that is being written; raises what went wrong with it."""
        if self._writing is not None:
            self._writing.result()
        self._writing = None

    def _end_shard(self) -> None:
        self._wait()
        if self._writer is not None:
            self._writer.close()
            self._counts.append(self._rows)
        self._writer, self._rows, self._characters = None, 0, 0
