"""Reads dialogues from whatever a data set comes in: JSON or JSON Lines with messages, turns, pairs or a script."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from store.clean import clean_text
from store.formats.seeds import SkippedRow, scan_lines
from taxonomy.refusal import InputError
from taxonomy.source import show_path

Speaker = Literal["client", "counselor"]

LISTS = ("messages", "conversations", "turns", "dialogue", "dialog", "conversation", "utterances", "history")
"""Names under which data sets keep the lines of a dialogue, in the order in which they are tried."""
TEXTS = ("text", "dialogue", "dialog", "script", "content")
IDS = ("id", "dialogue_id", "row_id", "uid", "_id")
SPEAKERS: Mapping[str, Speaker] = {
    **dict.fromkeys(("client", "user", "human", "seeker", "patient", "来访者", "求助者", "用户", "问"), "client"),
    **dict.fromkeys(("counselor", "counsellor", "assistant", "gpt", "bot", "supporter", "therapist"), "counselor"),
    **dict.fromkeys(("咨询师", "心理咨询师", "支持者", "助手", "答"), "counselor"),
}
PAIRS = (("input", "output"), ("question", "answer"), ("prompt", "response"), ("instruction", "output"))
LABEL = re.compile(rf"^\s*({'|'.join(sorted(SPEAKERS, key=len, reverse=True))})\s*[:：]", re.IGNORECASE | re.MULTILINE)
THINK = re.compile(r"^\s*<think>(.*?)</think>\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One speaker's message, with the reasoning that a row may hold beside it."""

    speaker: Speaker
    text: str
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class FileDialogue:
    """A row with a dialogue; `row` counts lines (or items of a JSON list) from 1."""

    file: str
    row: int
    id: str
    lines: tuple[Line, ...]


def read_dialogues(path: Path) -> Iterator[FileDialogue | SkippedRow]:
    """Yield the dialogues of a file; raises InputError where the file as a whole cannot be read."""
    for number, row in scan_rows(path):
        lines = read_row(row) if isinstance(row, dict) else None
        if not lines:
            reason = "no dialogue in it" if isinstance(row, dict) else "not a JSON object"
            yield SkippedRow(path.name, number, reason)
            continue
        named = next((str(row[name]) for name in IDS if name in row), f"{path.stem}-{number}")
        yield FileDialogue(path.name, number, clean_text(named), tuple(lines))


def scan_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the rows of JSON Lines, or of one JSON list; a line that is not JSON is None."""
    if path.suffix == ".json":
        try:
            whole = json.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise InputError(f"{show_path(path)} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise InputError(f"{show_path(path)}: not UTF-8; save the file as UTF-8") from None
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", 1)
            raise InputError(f"{show_path(path)}:{line}: not JSON; save it as JSON or JSON Lines") from None
        yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)
        return
    for _, number, line in scan_lines(path):
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            yield number, None


def read_row(row: Mapping[str, Any]) -> list[Line]:
    """Return the lines of one row, empty where there are none to be found."""
    for name in LISTS:
        if isinstance(row.get(name), list):
            lines = [line for item in row[name] for line in read_item(item)]
            if lines:
                return lines
    for name in TEXTS:
        if isinstance(row.get(name), str) and (lines := read_script(row[name])):
            return lines
    return read_pair(row)


def read_item(item: object) -> Sequence[Line]:
    """Return what one item of a list says: a message with its role, or a pair of question and answer."""
    if not isinstance(item, dict):
        return []
    role = next((item[key] for key in ("role", "from", "speaker") if isinstance(item.get(key), str)), None)
    said = next((item[key] for key in ("content", "value", "text") if isinstance(item.get(key), str)), None)
    if role is None or said is None:
        return read_pair(item)
    speaker = SPEAKERS.get(role.strip().lower())
    if speaker is None:
        return []
    thought = next((item[key] for key in ("reasoning_content", "reasoning") if isinstance(item.get(key), str)), "")
    return [make_line(speaker, said, thought)]


def read_pair(item: Mapping[str, Any]) -> list[Line]:
    """Return a question and its answer as two lines."""
    for asked, answered in PAIRS:
        if isinstance(item.get(asked), str) and isinstance(item.get(answered), str):
            return [make_line("client", item[asked]), make_line("counselor", item[answered])]
    return []


def read_script(text: str) -> list[Line]:
    """Return the lines of a text in which each begins with its speaker's label."""
    parts = LABEL.split(text)[1:]
    return [make_line(SPEAKERS[who.strip().lower()], said) for who, said in zip(parts[::2], parts[1::2], strict=True)]


def make_line(speaker: Speaker, said: str, thought: str = "") -> Line:
    """Return a clean line; reasoning in tags at its head is split off."""
    tagged = THINK.match(said)
    if tagged and speaker == "counselor":
        said, thought = said[tagged.end() :], thought or tagged[1]
    return Line(speaker, clean_text(said).strip(), clean_text(thought).strip())
