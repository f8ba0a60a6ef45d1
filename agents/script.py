"""A whole talk written by one model: the form it fills, and what makes a talk well-formed."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast, Role
from agents.message import Message
from agents.transcript import Speaker, Utterance


class ScriptLine(BaseModel):
    """One line of a written talk."""

    model_config = ConfigDict(extra="forbid")

    speaker: Speaker
    text: Annotated[str, Field(min_length=1)]


class Script(BaseModel):
    """What a writer answers."""

    model_config = ConfigDict(extra="forbid")

    turns: list[ScriptLine]


def find_script_fault(turns: Sequence[ScriptLine], fewest: int, most: int | None = None) -> str | None:
    """Return why a talk is not well-formed, or None; `fewest` and `most` are exchanges.

    It begins with the client, ends with the counselor, and between them nobody speaks twice running.
    """
    if not turns:
        return "turns: nobody says anything"
    for number, line in enumerate(turns):
        expected: Speaker = "client" if number % 2 == 0 else "counselor"
        if line.speaker != expected:
            return (
                f"turns: line {number + 1} must be the {expected}'s; client and counselor take turns, the client first"
            )
    if len(turns) % 2:
        return "turns: the last line must be the counselor's"
    exchanges = len(turns) // 2
    if exchanges < fewest or (most is not None and exchanges > most):
        wanted = f"at least {fewest}" if most is None else f"{fewest} to {most}"
        return f"turns: {exchanges} exchanges; write {wanted}"
    return None


async def write_script(
    cast: Cast, role: Role, prompt_hash: bytes, thread: Sequence[Message], fewest: int, most: int | None = None
) -> tuple[list[Utterance], int]:
    """Ask for a whole talk, with one repair; returns its lines and the number of the call that wrote it.

    Raises ModelError ("invalid_json") where it is not well-formed after the repair.
    """
    script, call = await cast.fill(
        role, prompt_hash, thread, Script, lambda script: find_script_fault(script.turns, fewest, most)
    )
    return [Utterance(line.speaker, line.text.strip(), call=call) for line in script.turns], call
