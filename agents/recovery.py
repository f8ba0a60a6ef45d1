"""Label-blind recovery: who reads only a scenario must find the feeling and the scene that it was written for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model

from agents.brief import Brief
from agents.cast import Cast
from agents.errors import ModelError
from agents.message import Message
from agents.prompt import load_prompt
from agents.scenario import read_map
from agents.transcript import Language
from taxonomy.plan import SessionPlan
from taxonomy.schema import Cell, Entry

RANKS = 2
"""Guesses at the feeling: neighbouring feelings of one family share much of what they look like."""


class Recovery(BaseModel):
    """What the assessor answers: the two likeliest feelings, the likelier first, and the scene."""

    model_config = ConfigDict(extra="forbid")

    first: str
    second: str
    scene: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What an assessor made of a scenario; `rank` is 1 or 2 where the feeling was named, 0 where it was not.

    Without a readable answer there is a `problem`, and it is no pass.
    """

    first: str = ""
    second: str = ""
    scene: str = ""
    rank: int = 0
    has_scene: bool = False
    call: int | None = None
    problem: str = ""

    @property
    def is_recovered(self) -> bool:
        """Whether both the feeling and the scene were named."""
        return self.rank > 0 and self.has_scene

    def word_miss(self) -> str:
        """Return in words what was read instead."""
        return self.problem or f"read as {self.first} or {self.second} in {self.scene}"


@cache
def close_recovery(emotions: tuple[str, ...], scenes: tuple[str, ...]) -> type[Recovery]:
    """Return the form with both lists closed, in the order in which they are given."""
    feeling: Any = (Literal[emotions], ...)
    scene: Any = (Literal[scenes], ...)
    return create_model("Recovery", __base__=Recovery, first=feeling, second=feeling, scene=scene)


async def recover(cast: Cast, brief: Brief, plan: SessionPlan, told: str) -> Reading:
    """Ask what a scenario is about; the assessor sees its text and both lists, and nothing of the plan.

    The lists are shuffled by the session's seed, alike for all scenarios of a session; the form names their entries in
    the order of the alphabet. An answer that cannot be read leaves the scenario unrecovered.
    """
    assert plan.cell is not None
    taxonomy, order = read_map(brief), Random(plan.seed)
    emotions = [(each.id, *word_entry(each, cast.language)) for each in taxonomy.emotions]
    scenes = [(each.code, *word_entry(each, cast.language)) for each in taxonomy.scenes]
    order.shuffle(emotions)
    order.shuffle(scenes)
    head = load_prompt("scenarios/assessor", cast.language)
    ask = load_prompt("scenarios/assessor_ask", cast.language).render(emotions=emotions, scenes=scenes, told=told)
    form = close_recovery(name_all(emotions), name_all(scenes))
    thread = [*cast.open_thread(head.render()), Message("user", ask)]
    try:
        read, call = await cast.fill("assessor", head.hash, thread, form)
    except ModelError as error:
        if error.kind != "invalid_json":
            raise
        return Reading(problem=f"not read: {error}")
    return compare(read, plan.cell, call)


def compare(read: Recovery, cell: Cell, call: int | None) -> Reading:
    """Hold an answer against the cell that was planned."""
    guesses = [read.first, read.second][:RANKS]
    rank = guesses.index(cell.emotion) + 1 if cell.emotion in guesses else 0
    return Reading(read.first, read.second, read.scene, rank, read.scene == cell.scene, call)


def word_entry(entry: Entry, language: Language) -> tuple[str, str]:
    """Return the name and the definition of an entry."""
    return (entry.zh, entry.definition_zh) if language == "zh" else (entry.en, entry.definition_en)


def name_all(entries: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """Return what the entries are chosen by, in an order that says nothing."""
    return tuple(sorted(name for name, _, _ in entries))
