"""Makes a row of a file fit to be kept: read by its format, cleaned, masked, within bounds, and known by its hash."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import orjson

from store.clean import clean_text
from store.formats.dialogues import Line
from store.formats.format import BadRow, Format, Kind, Talk
from store.formats.seeds import IDS
from store.language import language_of
from store.masking import mask
from store.rows import HASH_BYTES

LONGEST_TEXT = 20_000
"""Characters of an utterance or a seed: what the checks look through."""
LONGEST_THOUGHT = 200_000
"""Characters of a counselor's reasoning, or of all other texts of a row together."""
MOST_LINES = 1_000
OPENING = 6
"""Lines from which a dialogue's language is read."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How the rows of a file are to be read; without a language each row's is found."""

    format: Format
    kind: Kind
    source: str
    language: str | None
    keeps_pii: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row that can be kept: a dialogue's lines, or a seed's text; `digest` knows it again."""

    number: int
    digest: bytes
    row_id: str | None
    language: str
    text: str | None
    lines: tuple[Line, ...]
    fields: Mapping[str, str]


def prepare(number: int, row: Mapping[str, Any], asking: Asking, masked: Counter[str]) -> Prepared:
    """Return a row as it is kept, counting in `masked` what was masked; raises BadRow."""
    held = asking.format.read(row, asking.kind)
    fields = {clean_text(name): clean_text(text).strip() for name, text in held.fields.items()}
    if sum(map(len, fields.values())) > LONGEST_THOUGHT:
        raise BadRow(f"more than {LONGEST_THOUGHT} characters beside the text")
    if isinstance(held, Talk):
        check_talk(held)
        lines, text = held.lines, None
        language = asking.language or language_of("".join(line.text for line in lines[:OPENING]))
    else:
        lines, text = (), clean_text(held.text).strip()
        check_text(text)
        language = asking.language or language_of(text)
    named = next((row[name] for name in IDS if isinstance(row.get(name), str | int)), None)
    row_id = clean_text(str(named))[:200] if named is not None else None
    if not asking.keeps_pii:
        lines = tuple(mask_line(line, language, masked) for line in lines)
        # A seed's text stands among its fields too, and is counted once.
        fields = {name: mask(said, language, Counter() if said == text else masked) for name, said in fields.items()}
        text = mask(text, language, masked) if text is not None else None
    return Prepared(number, hash_row(row, asking), row_id, language, text, lines, fields)


def check_talk(talk: Talk) -> None:
    """Raise BadRow for a dialogue that is none, or has no bounds."""
    if not talk.lines:
        raise BadRow("no message in it")
    if len(talk.lines) > MOST_LINES:
        raise BadRow(f"{len(talk.lines)} messages, more than {MOST_LINES}")
    for number, line in enumerate(talk.lines, start=1):
        if not line.text:
            raise BadRow(f"message {number} of the {line.speaker} is empty")
        if len(line.text) > LONGEST_TEXT:
            raise BadRow(f"message {number} is longer than {LONGEST_TEXT} characters")
        if len(line.reasoning) > LONGEST_THOUGHT:
            raise BadRow(f"the reasoning of message {number} is longer than {LONGEST_THOUGHT} characters")
    speakers = {line.speaker for line in talk.lines}
    if len(speakers) == 1:
        raise BadRow(f"only the {speakers.pop()} speaks")


def check_text(text: str) -> None:
    """Raise BadRow for a seed's text that is none, or has no bounds."""
    if not text:
        raise BadRow("the text is empty")
    if len(text) > LONGEST_TEXT:
        raise BadRow(f"the text is longer than {LONGEST_TEXT} characters")


def mask_line(line: Line, language: str, masked: Counter[str]) -> Line:
    """Return a line with its words and its reasoning masked."""
    is_counselor = line.speaker == "counselor"
    said = mask(line.text, language, masked, is_counselor=is_counselor)
    thought = mask(line.reasoning, language, masked, is_counselor=is_counselor) if line.reasoning else ""
    return line if said is line.text and thought == line.reasoning else replace(line, text=said, reasoning=thought)


def hash_row(row: Mapping[str, Any], asking: Asking) -> bytes:
    """Return the hash of a row's whole content within its source, the same whatever the file is kept in."""
    try:
        content = orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):
        # Lone surrogates, and numbers beyond 64 bits.
        content = json.dumps(row, default=str, sort_keys=True).encode()
    digest = blake2b(f"{asking.kind}\0{asking.source}\0".encode("utf-8", "replace"), digest_size=HASH_BYTES)
    digest.update(content)
    return digest.digest()
