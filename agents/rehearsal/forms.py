"""Fills any form that nobody here knows by name: what its schema allows, in words of the material, whole talks too."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import cycle
from typing import Any

from agents.checks.lexicon import language_of
from agents.prompt import load_prompt
from agents.rehearsal import client, counselor
from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.readers import lines_of
from agents.rehearsal.sheet import FENCE
from agents.rehearsal.words import cut_clauses
from agents.transcript import LABELS

QUOTES = frozenset(("quote", "evidence", "said"))
"""Fields that must stand in the material word for word."""
MOST_ITEMS = 3
USUAL_LINES = 24
SENTENCE = {"zh": "关于：{}。", "en": "It is about: {}."}
"""The clause stands apart: run together with these words it could look like another part of the material."""
NOTHING = {"zh": "眼下的事", "en": "what is going on now"}
FILLER = {"zh": "先弄清楚，再往下走。", "en": "First make it clear, then go on."}
LABELLED = re.compile(r"^[^\n：:]{1,12}[：:]\s*")
NUMBERED = re.compile(r"^\[(\d+)\] ")
"""The number before a line of a talk, by which an answer can name it."""
NOTE = re.compile(r"【[^】]*】")
"""A direction to whoever answers; it is no material."""

LENGTH = {("en", "zh"): 0.3, ("zh", "en"): 3.3, ("zh", "zh"): 1.0, ("en", "en"): 1.0}
"""Characters of a text in the second language that says as much as one of the first."""
SPOKEN = {"zh": 12, "en": 40}
"""Characters of a spoken line, rather fewer than there are."""
MOST_SPOKEN = 200
SENTENCE_END = re.compile(r"(?<=[。！？])(?=.)|(?<=[.!?])\s+")

Schema = Mapping[str, Any]


def fill_form(asked: Asked, draw: Draw) -> object:
    """Return a value that satisfies the schema of the form."""
    return _fill(asked.schema, "", asked, draw)


def _fill(schema: Schema, name: str, asked: Asked, draw: Draw) -> object:
    if "$ref" in schema:
        return _fill(asked.schema["$defs"][schema["$ref"].rpartition("/")[2]], name, asked, draw)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw.pick(list(schema["enum"]))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _fill_one_of(schema[key], name, asked, draw)
    kind = schema.get("type")
    if kind == "object":
        parts = schema.get("properties", {})
        return place_quote({part: _fill(inner, part, asked, draw) for part, inner in parts.items()}, asked)
    if kind == "array":
        return _fill_list(schema, name, asked, draw)
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", 1), schema.get("maximum", schema.get("minimum", 1))
        return draw.number(int(low), int(max(low, high)))
    if kind == "boolean":
        return draw.chance(0.5)
    return None if kind == "null" else word_string(schema, name, asked, draw)


def _fill_one_of(options: Sequence[Schema], name: str, asked: Asked, draw: Draw) -> object:
    """Return the first that may stand; what may be left open and is no text is left open."""
    is_open = any(option.get("type") == "null" for option in options)
    if is_open and (options[0].get("type") != "string" or "enum" in options[0]):
        return None
    return _fill(options[0], name, asked, draw)


def place_quote(filled: dict[str, object], asked: Asked) -> dict[str, object]:
    """Return an object whose quote, where an `utterance` stands beside it, has the number of a line it stands in."""
    if {"quote", "utterance"} <= filled.keys():
        numbered = [(NUMBERED.match(part), part) for part in list_parts(asked)]
        places = [int(match[1]) for match, part in numbered if match and str(filled["quote"]) in part]
        return filled | {"utterance": places[0]} if places else filled
    return filled


def _fill_list(schema: Schema, name: str, asked: Asked, draw: Draw) -> list[object]:
    item = schema.get("items", {})
    if "$ref" in item:
        item = asked.schema["$defs"][item["$ref"].rpartition("/")[2]]
    least = schema.get("minItems", 1)
    if {"speaker", "text"} <= item.get("properties", {}).keys():
        lines = max(least, min(USUAL_LINES, schema.get("maxItems", USUAL_LINES)))
        spoken = talk(asked, lines)
        return [_fill_line(item, line, place / len(spoken), asked, draw) for place, line in enumerate(spoken)]
    count = max(least, min(MOST_ITEMS, schema.get("maxItems", MOST_ITEMS)))
    options = list(item.get("enum", ()))
    if options:
        start = draw.number(0, len(options) - 1)
        return [options[(start + step) % len(options)] for step in range(min(count, len(options)))]
    if item.get("type") == "string" and count == schema.get("maxItems") and (beside := write_beside(count, asked)):
        return list(beside)
    filled: list[object] = []
    for _ in range(count * 4):
        value = _fill(item, name, asked, draw)
        if value not in filled:
            filled.append(value)
        if len(filled) == count:
            break
    return filled


def write_beside(count: int, asked: Asked) -> list[str]:
    """Return a text for each numbered line of the request, about as long as it; none where there are not so many."""
    numbered = [part[match.end() :] for part in list_parts(asked) if (match := NUMBERED.match(part))]
    if len(numbered) != count:
        return []
    lines = [LABELLED.sub("", line) for line in numbered]
    sizes = [max(1, round(len(line) * LENGTH[language_of(line), asked.language])) for line in lines]
    own = [(line, "") for line in lines if language_of(line) == asked.language]
    said = talk(replace(asked, others=own or [("", "")]), min(MOST_SPOKEN, 2 + sum(sizes) // SPOKEN[asked.language]))
    spoken = cycle(sentence for _, text in said for sentence in SENTENCE_END.split(text))
    gap = "" if asked.language == "zh" else " "
    texts = []
    for size in sizes:
        text = next(spoken)
        while len(text) < size:
            text += gap + next(spoken)
        texts.append(text)
    return texts


def _fill_line(item: Schema, line: tuple[str, str], place: float, asked: Asked, draw: Draw) -> dict[str, object]:
    """Return one line of a talk, with whatever else its item asks for; `place` is how far on it is, from 0 to 1."""
    others = {name: part for name, part in item["properties"].items() if name not in ("speaker", "text")}
    filled: dict[str, object] = {"speaker": line[0], "text": line[1]}
    for name, part in others.items():
        # What is chosen line by line goes through its options in their order, as a talk goes through its stages.
        options = list(part.get("enum", ()))
        filled[name] = options[int(place * len(options))] if options else _fill(part, name, asked, draw)
    return filled


def word_string(schema: Schema, name: str, asked: Asked, draw: Draw) -> str:
    """Return a text: a line of the material where a quote is asked for, else a sentence about a clause of it."""
    lines = list_material(asked)
    if name in QUOTES:
        return _quote(lines, schema.get("maxLength", 200), asked, draw)
    clauses = [clause for line in lines for clause in cut_clauses(line, asked.language)] or [NOTHING[asked.language]]
    text = SENTENCE[asked.language].format(draw.pick(clauses))
    while len(text) < schema.get("minLength", 0):
        text += FILLER[asked.language]
    most = schema.get("maxLength")
    return text if most is None or len(text) <= most else draw.pick(clauses)[:most]


def _quote(lines: Sequence[str], most: int, asked: Asked, draw: Draw) -> str:
    """Return a line of the material; one that is too long gives a clause of it where it has one that fits."""
    line = draw.pick(lines) if lines else ""
    if len(line) <= most:
        return line
    clauses = [clause for clause in cut_clauses(line, asked.language) if len(clause) <= most]
    cut = line[:most] if asked.language == "zh" else line[: most + 1].rpartition(" ")[0]
    return draw.pick(clauses) if clauses else cut or line[:most]


def list_material(asked: Asked) -> list[str]:
    """Return what the client says in the request, or all of it but the directions where nobody is labelled."""
    repair = load_prompt("cast/repair", asked.language).text.partition("{{")[0]
    told = [line for line, _ in asked.others if not line.startswith(repair)]
    label = LABELS[asked.language]["client"]
    is_talk = bool(told) and NUMBERED.sub("", told[0]).startswith(tuple(LABELS[asked.language].values()))
    parts = [NUMBERED.sub("", part) for part in list_parts(asked)] if is_talk else []
    said = [part.removeprefix(label).strip() for part in parts if part.startswith(label)]
    plain = [NOTE.sub("", text) for text in told]
    lines = [line for text in plain for line in text.splitlines() if line.strip() and not line.startswith(FENCE)]
    return said or [LABELLED.sub("", line).strip() for line in lines]


def list_parts(asked: Asked) -> list[str]:
    """Return the parts of the request one by one; several in a row come as one message on the wire."""
    return [part for line, notes in asked.others for part in (line, *notes.split("\n\n"))]


def talk(asked: Asked, lines: int) -> list[tuple[str, str]]:
    """Return a whole talk about the material, as client and counselor would have it line by line.

    Where the request holds the lines of a talk, one message each, it goes on from them.
    """
    story = "\n".join(line for line, _ in asked.others)
    spoken: list[tuple[str, str]] = []
    said = {speaker: lines_of(asked, speaker) for speaker in ("client", "counselor")}
    for number in range(lines - lines % 2):
        speaker, other = ("client", "counselor") if number % 2 == 0 else ("counselor", "client")
        key = blake2b(asked.key + number.to_bytes(2), digest_size=16).digest()
        turn = replace(
            asked,
            role=speaker,
            head=story if speaker == "client" else "",
            others=_pair(said[other]) if said[other] else [("", "")],
            own=tuple(said[speaker]),
            key=key,
        )
        text = client.speak(turn, Draw(key)) if speaker == "client" else counselor.answer(turn, Draw(key))[0]
        said[speaker].append(text)
        spoken.append((speaker, text))
    return spoken


def _pair(lines: Sequence[str]) -> list[tuple[str, str]]:
    return [(line, "") for line in lines]
