"""What a format of data sets is: how a row of it is known, and what a row holds, a dialogue or a text."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from store.formats.dialogues import SPEAKERS, Line, make_line
from store.formats.seeds import IDS

Kind = Literal["dialogues", "seeds"]
Row = Mapping[str, Any]
SYSTEM = ("system", "developer")


class BadRow(Exception):
    """A row that cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Talk:
    """The lines of a dialogue, and the other texts of its row by name: a system prompt, a topic, labels."""

    lines: tuple[Line, ...]
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A text that a recipe can run on, and all texts of its row by the names that recipes know them by."""

    text: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """The shape of a data set's rows.

    `ground` says in words what `fits` looks for; `kinds` what a row can become, the natural one first. A reader raises
    BadRow; without one of its own a seed is the first thing that the client of the dialogue says.
    """

    name: str
    ground: str
    kinds: tuple[Kind, ...]
    fits: Callable[[Row], bool]
    read_talk: Callable[[Row], Talk] | None = None
    read_seed: Callable[[Row], Asked] | None = None

    def read(self, row: Row, kind: Kind) -> Talk | Asked:
        """Return what a row holds; raises BadRow."""
        if kind == "dialogues":
            assert self.read_talk is not None
            return self.read_talk(row)
        if self.read_seed is not None:
            return self.read_seed(row)
        assert self.read_talk is not None
        return open_talk(self.read_talk(row))


def open_talk(talk: Talk) -> Asked:
    """Return what a client first says, with the answer to it, as a seed."""
    first = next((place for place, line in enumerate(talk.lines) if line.speaker == "client"), None)
    if first is None:
        raise BadRow("the client says nothing")
    question = talk.lines[first].text
    answer = next((line.text for line in talk.lines[first:] if line.speaker == "counselor"), "")
    return Asked(question, {**talk.fields, "question": question} | ({"answer": answer} if answer else {}))


def find_text(row: Row, names: Iterable[str]) -> str | None:
    """Return the first of some fields that holds a text."""
    for name in names:
        if isinstance(found := row.get(name), str):
            return found
    return None


def find_list(row: Row, names: Iterable[str]) -> list[Any] | None:
    """Return the first of some fields that holds a list; a table keeps one as JSON."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                continue
        if isinstance(value, list):
            return value
    return None


def need_text(row: Row, names: Iterable[str]) -> str:
    """Return the first of some fields that holds a text; raises BadRow where none does."""
    found = find_text(row, names)
    if found is None:
        raise BadRow(f"no text in {' or '.join(map(repr, names))}")
    return found


def need_list(row: Row, names: Iterable[str]) -> list[Any]:
    """Return the first of some fields that holds a list; raises BadRow where none does."""
    found = find_list(row, names)
    if found is None:
        raise BadRow(f"no list in {' or '.join(map(repr, names))}")
    return found


def list_fields(row: Row, leave_out: Iterable[str] = ()) -> dict[str, str]:
    """Return the texts of a row by name, lists of texts as one; what is below a name stands on its own."""
    fields: dict[str, str] = {}
    for name, value in row.items():
        if name in IDS or name in leave_out:
            continue
        if isinstance(value, str) and value.strip():
            fields[name] = value
        elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            fields[name] = ", ".join(value)
        elif isinstance(value, Mapping):
            fields |= {key: text for key, text in list_fields(value).items() if key not in fields}
    return fields


def read_listed(row: Row, names: Collection[str], role: str, said: str) -> Talk:
    """Return the dialogue of a row that lists messages under one of some names; raises BadRow."""
    lines, system = read_messages(need_list(row, names), role, said)
    return Talk(tuple(lines), list_fields(row, names) | ({"system": system} if system else {}))


def read_messages(items: list[Any], role: str, said: str) -> tuple[list[Line], str]:
    """Return the lines of a list of messages, and what its system prompts say."""
    lines: list[Line] = []
    system: list[str] = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise BadRow(f"message {number} is no object")
        who, what = item.get(role), read_content(item.get(said))
        if not isinstance(who, str):
            raise BadRow(f"message {number} has no {role!r}")
        if what is None:
            raise BadRow(f"message {number} has no text in {said!r}")
        speaker = SPEAKERS.get(who) or SPEAKERS.get(who.strip().lower())
        if speaker is None:
            if who.strip().lower() not in SYSTEM:
                raise BadRow(f"message {number} is by {who[:40]!r}, neither client nor counselor")
            system.append(what)
            continue
        thought = find_text(item, ("reasoning_content", "reasoning", "thinking")) or ""
        lines.append(make_line(speaker, what, thought if speaker == "counselor" else ""))
    return lines, "\n".join(system)


def read_content(content: object) -> str | None:
    """Return the text of a message, also where it comes in parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(map(str, parts)) if parts and len(parts) == len(content) else None
    return content if isinstance(content, str) else None


def has_items(row: Row, name: str, *keys: str) -> bool:
    """Tell whether a field holds a list whose first item has some keys."""
    items = find_list(row, [name])
    return bool(items) and isinstance(items[0], dict) and all(key in items[0] for key in keys)  # type: ignore[index]
