"""A talk whose length is part of its form: the schema itself says how many lines there may be."""

from collections.abc import Sequence
from functools import cache
from types import GenericAlias
from typing import Any

from pydantic import Field, create_model

from agents.cast import Cast, Role
from agents.message import Message
from agents.script import Script, ScriptLine, find_script_fault


@cache
def shape_script(fewest: int, most: int, line: type[ScriptLine] = ScriptLine) -> type[Script]:
    """Return the form of a talk of `fewest` to `most` exchanges; `line` says what each of its lines holds."""
    if not 1 <= fewest <= most:
        raise ValueError(f"a talk of {fewest} to {most} exchanges: give 1 or more, the smaller number first")
    lines: Any = GenericAlias(list, (line,))
    return create_model("Script", __base__=Script, turns=(lines, Field(min_length=2 * fewest, max_length=2 * most)))


async def write_sized(
    cast: Cast, role: Role, prompt_hash: bytes, thread: Sequence[Message], fewest: int, most: int
) -> tuple[list[ScriptLine], int]:
    """Ask for a talk of `fewest` to `most` exchanges, with one repair; returns its lines and the number of the call.

    Raises ModelError ("invalid_json") where it is not well-formed after the repair.
    """
    script, call = await cast.fill(
        role,
        prompt_hash,
        thread,
        shape_script(fewest, most),
        lambda talk: find_script_fault(talk.turns, fewest, most),
    )
    return script.turns, call
