"""Reads talks out of the shards of an export, in the order they were written."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from taxonomy.refusal import InputError, suggest
from taxonomy.source import show_path


class Message(NamedTuple):
    """A message of a talk; `reasoning` is what the counselor thought before it, `loss` whether it is learned."""

    role: str
    content: str
    reasoning: str | None = None
    loss: bool = False


class Talk(NamedTuple):
    """A talk: an optional system prompt, then user and assistant in turns, ending with the assistant."""

    id: str
    messages: tuple[Message, ...]


def count_rows(folder: Path) -> dict[str, int]:
    """Return the rows of each split by the manifest; raises InputError where the folder is no export."""
    counts: dict[str, int] = {}
    for split, _, rows in list_shards(folder):
        counts[split] = counts.get(split, 0) + rows
    return counts


def list_shards(folder: Path) -> list[tuple[str, Path, int]]:
    """Return split, path and number of rows of each shard that the manifest names; raises InputError."""
    from store.export.manifest import read_manifest

    if not folder.is_dir():
        raise InputError(f"{show_path(folder)}: there is no such folder; name one that store.export wrote")
    files = read_manifest(folder)["files"]
    names = sorted(name for name, told in files.items() if name.endswith(".parquet") and "rows" in told)
    return [(Path(name).name.split("-")[0], folder / name, files[name]["rows"]) for name in names]


def read_talks(folder: Path, split: str) -> Iterator[Talk]:
    """Yield the talks of a split; raises InputError for what is no export, an empty split, or a row that is no talk."""
    from store.formats.carriers.parquet import read_rows

    shards = [path for name, path, rows in list_shards(folder) if name == split and rows]
    if not shards:
        held = {name: rows for name, rows in count_rows(folder).items() if rows}
        told = ", ".join(f"{name} {rows:,}" for name, rows in held.items()) or "no rows at all"
        raise InputError(f"{show_path(folder)}: split {split!r} is empty{suggest(split, held)}; it holds {told}")
    for path in shards:
        for row in read_rows(path):
            try:
                if row.value is None:
                    raise ValueError(row.problem)
                yield take_talk(row.value)
            except ValueError as error:
                raise InputError(f"{show_path(path)}: row {row.number}: {error}; export it again") from None


def take_talk(row: Mapping[str, Any]) -> Talk:
    """Return a row of a shard as a talk; raises ValueError saying why it is none."""
    if "chosen" in row:
        raise ValueError("it is a pair of replies, which train.dpo takes, and no talk")
    if not isinstance(told := row.get("messages"), list):
        raise ValueError("it has no messages")
    messages = tuple(take_message(message) for message in told)
    spoken = messages[1:] if messages and messages[0].role == "system" else messages
    wanted = ("user", "assistant")
    if not spoken or len(spoken) % 2 or any(each.role != wanted[n % 2] for n, each in enumerate(spoken)):
        raise ValueError("user and assistant do not take turns")
    return Talk(str(row.get("id")), messages)


def take_message(told: Mapping[str, Any]) -> Message:
    """Return a message of a row; a reply is learned unless its `loss` is false."""
    role, content, thought = told.get("role"), told.get("content"), told.get("reasoning_content")
    if not isinstance(role, str) or not isinstance(content, str):
        raise ValueError("a message has no role or no content")
    if role == "assistant" and "</think>" in content:
        raise ValueError("a thought stands within a reply and not beside it")
    return Message(role, content, thought or None, role == "assistant" and told.get("loss") is not False)
