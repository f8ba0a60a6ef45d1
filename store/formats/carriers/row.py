"""A row as a file holds it: what it says, or why it cannot be read."""

import json
from dataclasses import dataclass
from typing import Any

LONGEST_ROW = 4 * 2**20
"""Characters of a row; the longest dialogues known have a hundredth of that."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row; `number` counts lines, items of an array or rows of a table from 1. Without a `value` there is a problem.

    `raw` is what stands in the file, where that is text.
    """

    number: int
    value: dict[str, Any] | None
    problem: str = ""
    raw: str = ""


class TwiceTold(ValueError):
    """A key that stands twice in an object: one of its values would be lost without a word."""


def read_json_row(number: int, raw: str) -> FileRow:
    """Return the row that a text says in JSON."""
    if not is_decoded(raw):
        return FileRow(number, None, "not UTF-8", raw)
    try:
        value = DECODER.decode(raw)
    except TwiceTold as error:
        return FileRow(number, None, str(error), raw)
    except RecursionError:
        return FileRow(number, None, "nested too deeply", raw)
    except ValueError:
        return FileRow(number, None, "not JSON", raw)
    return check_object(number, value, raw)


def check_object(number: int, value: object, raw: str) -> FileRow:
    """Return a row of what was read, which has to be an object."""
    return FileRow(number, value, raw=raw) if isinstance(value, dict) else FileRow(number, None, "not an object", raw)


def is_decoded(text: str) -> bool:
    """Tell whether a text that was decoded with `surrogateescape` was UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def join_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raises TwiceTold where one of its keys hides another."""
    joined = dict(pairs)
    if len(joined) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TwiceTold(f"the key {twice[:40]!r} stands twice in one object")
    return joined


DECODER = json.JSONDecoder(strict=False, object_pairs_hook=join_pairs)
