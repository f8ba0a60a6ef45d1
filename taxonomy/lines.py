"""Parses YAML strictly and remembers in which line each key and value stands."""

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from taxonomy.refusal import InputError

Loc = tuple[str | int, ...]

DEEPEST = 40
# The C parser is ten times as fast; where PyYAML lacks it, the other gives the same events.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Plain words as YAML 1.1 reads them, less its traps: 12:30, 010, 1_000 and a date stay text.
TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
NOTHING = {"", "~", "null"}
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class Place(NamedTuple):
    """The lines of an entry's key (or dash) and value; `word` is the value if it is unquoted."""

    key_line: int
    line: int
    word: str | None


class Parsed(NamedTuple):
    """A file as plain data, and the place of each entry by the keys and indexes leading there."""

    data: Any
    places: dict[Loc, Place]


def parse_yaml(text: str, where: str) -> Parsed:
    """Parse one document of maps, lists and scalars; raises InputError naming `where` and line."""
    bad = UNPRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise InputError(f"{where}:{line}: the character {bad.group()!r} cannot stand in YAML; remove it")
    builder = _Builder(where)
    try:
        return builder.build(yaml.parse(text, Loader=LOADER))
    except yaml.YAMLError as error:
        line, problem = _explain(error, text)
        raise InputError(f"{where}:{line}: {problem}") from error


def read_word(word: str) -> bool | int | float | str | None:
    """Return what an unquoted word means."""
    if word.lower() in NOTHING:
        return None
    if word.lower() in TRUTH:
        return TRUTH[word.lower()]
    if INTEGER.fullmatch(word):
        return int(word)
    if DECIMAL.fullmatch(word) and not word.lstrip("+-").isdigit() and math.isfinite(float(word)):
        return float(word)
    return word


class _Builder:
    """Turns the parser's events into data; every entry leaves its place behind."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.places: dict[Loc, Place] = {}

    def build(self, events: Iterator[Any]) -> Parsed:
        self.events = events
        data: Any = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if () in self.places:
                    raise self.refuse(event, "a second document starts here; keep one document in a file")
                first = next(events)
                data = self.read_node(first, (), _line(first))
        if data is None:
            raise InputError(f"{self.where}:1: the file is empty; write its keys, or name another file")
        return Parsed(data, self.places)

    def refuse(self, event: Any, problem: str) -> InputError:
        return InputError(f"{self.where}:{_line(event)}: {problem}")

    def read_node(self, event: Any, loc: Loc, key_line: int) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise self.refuse(event, "anchors (&name) and aliases (*name) are not read here; write the value out")
        if event.tag not in {None, "!"}:
            raise self.refuse(event, f"the tag {event.tag!r} is not read here; remove it")
        if len(loc) > DEEPEST:
            raise self.refuse(event, f"nested more than {DEEPEST} levels deep; check the brackets and dashes")
        if isinstance(event, yaml.ScalarEvent):
            word = event.value if event.implicit[0] else None
            self.places[loc] = Place(key_line, _line(event), word)
            return event.value if word is None else read_word(word)
        self.places[loc] = Place(key_line, _line(event), None)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.read_list(loc)
        return self.read_map(loc)

    def read_list(self, loc: Loc) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.read_node(event, (*loc, len(items)), _line(event)))
        return items

    def read_map(self, loc: Loc) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.read_key(event)
            if key in entries:
                first = self.places[(*loc, key)].key_line
                raise self.refuse(event, f"the key {key!r} stands twice (first in line {first}); remove one")
            entries[key] = self.read_node(next(self.events), (*loc, key), _line(event))
        return entries

    def read_key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag not in {None, "!"}:
            raise self.refuse(event, "a key must be a single word or text; check the brackets and braces")
        key = str(event.value)
        meaning = read_word(key) if event.implicit[0] else key
        if meaning is None or isinstance(meaning, bool):
            raise self.refuse(event, f"the key {key!r} without quotes means {_say(meaning)}; put it in quotes")
        return key


def _say(meaning: bool | None) -> str:
    return {True: "true", False: "false", None: "nothing"}[meaning]


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _explain(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    problem = str(getattr(error, "problem", None) or error).split("\n")[0]
    mark, opened = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        return 1, f"this is not YAML ({problem}); check the file"
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return mark.line + 1, "a tab is used for indentation; use spaces"
    if "mapping values are not allowed" in problem:
        remedy = "put the text in quotes, or check the indentation"
        return mark.line + 1, f"a ': ' where none can stand; {remedy}"
    if "cannot start any token" in problem:
        character = line[mark.column : mark.column + 1]
        return mark.line + 1, f"a text cannot start with {character!r}; put it in quotes"
    if "end of stream" in problem and opened:
        return opened.line + 1, "what is opened here is never closed; add the quote or bracket"
    since = f" (opened in line {opened.line + 1})" if opened and opened.line != mark.line else ""
    remedy = "check indentation, quotes and brackets"
    return mark.line + 1, f"this is not YAML: {problem}{since}; {remedy}"
