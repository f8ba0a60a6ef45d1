"""Reads a YAML file into its pydantic model; a mistake is one line with file, line and remedy."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from taxonomy.lines import TRUTH, Loc, Parsed, Place, parse_yaml
from taxonomy.refusal import InputError, suggest
from taxonomy.source import read_text, show_path

__all__ = ["InputError", "WrongValue", "read_yaml", "suggest"]

Model = TypeVar("Model", bound=BaseModel)

WANTED = {
    "string_type": "a text is wanted",
    "int_type": "a whole number is wanted",
    "int_from_float": "a whole number is wanted",
    "float_type": "a number is wanted",
    "bool_type": "true or false is wanted",
    "list_type": "a list is wanted",
    "tuple_type": "a list is wanted",
    "set_type": "a list is wanted",
    "frozen_set_type": "a list is wanted",
    "dict_type": "keys with values are wanted",
    "model_type": "keys with values are wanted",
    "model_attributes_type": "keys with values are wanted",
    "dataclass_type": "keys with values are wanted",
}
SECRET = re.compile(r"key|token|secret|passw", re.IGNORECASE)
PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


class WrongValue(ValueError):
    """Raised inside a validator: what is wrong, what to do, and the keys from its model there."""

    def __init__(self, problem: str, *loc: str | int) -> None:
        super().__init__(problem)
        self.loc: Loc = loc


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Return the file as its model; raises InputError for the first thing that is wrong in it."""
    where = show_path(path)
    parsed = parse_yaml(read_text(path), where)
    try:
        # As JSON, strict mode takes a list for a tuple, and still no "3" or `yes` for a number.
        return model.model_validate_json(json.dumps(parsed.data), strict=True)
    except ValidationError as error:
        # A misspelt key is also a missing one: what is missing is told last.
        told = [(each["type"] == "missing", *_explain(each, parsed, model)) for each in error.errors()]
        _, line, problem = min(told)
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        raise InputError(f"{where}:{line}: {' '.join(problem.split())}{more}") from error


def _explain(error: ErrorDetails, parsed: Parsed, model: type[BaseModel]) -> tuple[int, str]:
    raised = error.get("ctx", {}).get("error")
    loc: Loc = error["loc"] + (raised.loc if isinstance(raised, WrongValue) else ())
    known, place = _find_place(loc, parsed.places)
    if isinstance(raised, WrongValue):
        return place.line, str(raised)
    kind, name = error["type"], _name(known, parsed.data)
    if kind == "missing":
        part = error["loc"][-1]
        what = repr(part) if isinstance(part, str) else "a value"
        return place.key_line, f"{what} is missing{f' in {name}' if name else ''}; add it"
    if kind == "extra_forbidden":
        key, keys = str(known[-1]), _known_keys(model, known[:-1])
        remedy = f"choose one of {', '.join(keys)}" if keys else "remove it"
        return place.key_line, f"unknown key {key!r}{suggest(key, keys)}; {remedy}"
    subject = f"{name}: " if name else ""
    return place.line, subject + _explain_value(error, known, place)


def _explain_value(error: ErrorDetails, loc: Loc, place: Place) -> str:
    kind, context, value = error["type"], error.get("ctx", {}), _show(error["input"], loc)
    if kind in WANTED:
        return f"{WANTED[kind]}, not {value}{_advise(kind, place)}"
    if kind in {"literal_error", "enum"}:
        choices = str(context.get("expected", ""))
        near = suggest(str(error["input"]), re.findall(r"'([^']*)'", choices))
        return f"unknown value {value}{near}; choose {choices}"
    if isinstance(error["input"], list | dict):
        return f"{error['msg'].replace(' after validation', '')}; correct it"
    problem = context["error"] if "error" in context else error["msg"].removeprefix("Input ")
    return f"{problem}, not {value}; correct it"


def _find_place(loc: Loc, places: dict[Loc, Place]) -> tuple[Loc, Place]:
    """Return what of `loc` stands in the file: pydantic adds names of its own, as for unions."""
    known: Loc = ()
    for part in loc:
        if (*known, part) in places:
            known = (*known, part)
    return known, places[known]


def _name(loc: Loc, data: Any) -> str:
    """Name an entry for a person: `emotions[3] (grief).cells`."""
    name = ""
    for part in loc:
        data = data[part]
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
        label = (data.get("code") or data.get("id") or data.get("name")) if isinstance(data, dict) else None
        if isinstance(part, int) and isinstance(label, str):
            name += f" ({label[:40]})"
    return name


def _show(value: Any, loc: Loc) -> str:
    if loc and SECRET.search(str(loc[-1])):
        return "(not shown)"
    if isinstance(value, Mapping):
        return "keys with values"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list" if value else "an empty list"
    if value is None:
        return "nothing"
    shown = PASSWORD.sub("***@", repr(value) if isinstance(value, str) else json.dumps(value))
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _advise(kind: str, place: Place) -> str:
    word = place.word
    if not word:
        return "; write the value after the key" if word == "" else "; correct it"
    if kind != "string_type":
        return "; correct it"
    if word.lower() in TRUTH:
        return f" ({word!r} without quotes means {str(TRUTH[word.lower()]).lower()}); put it in quotes"
    return "; put it in quotes"


def _known_keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that the model takes at this place, by its JSON schema."""
    root = model.model_json_schema()
    nodes = _branches(root, root)
    for part in loc:
        below: list[Any] = []
        for node in nodes:
            if isinstance(part, int):
                below.append(node.get("items"))
            else:
                below.append(node.get("properties", {}).get(part) or node.get("additionalProperties"))
        nodes = [branch for node in below if isinstance(node, dict) for branch in _branches(node, root)]
    return [key for node in nodes for key in node.get("properties", {})]


def _branches(node: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _branches(root["$defs"][node["$ref"].rsplit("/", 1)[-1]], root)
    choices = [choice for word in ("anyOf", "oneOf", "allOf") for choice in node.get(word, [])]
    return [branch for choice in choices for branch in _branches(choice, root)] if choices else [node]
