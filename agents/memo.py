"""A case memo and the talk in stages that is written from it: their forms, and what makes the talk unfit."""

import re
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.script import Script, ScriptLine, find_script_fault
from agents.transcript import Language

Stage = Literal["reception", "diagnosis", "consultation", "consolidation"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""In the order of the talk; each belongs to one heading of the memo."""
LONGEST: dict[Language, int] = {"zh": 150, "en": 105}
"""Characters, or English words, of a line at most: three times what the writer is asked for."""
SOURCES: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"备忘录?[里中上]|(?:咨询|个案|案例)(?:报告|备忘|记录|笔记)|(?:这份|上述|根据|依据|按照)(?:报告|备忘|案例|材料)"
    ),
    "en": re.compile(
        r"(?i)\b(?:case|counsell?ing) (?:report|memo|notes?)\b|\baccording to (?:the|this) (?:report|memo)\b"
    ),
}
"""Mentions of what the talk is made from; a report that a client writes at work is none."""

Words = Annotated[str, Field(min_length=1)]


class MemoPlan(BaseModel):
    """What is to be reached, in which way of working, step by step."""

    model_config = ConfigDict(extra="forbid")

    goal: Words
    technique: Words
    steps: Annotated[list[Words], Field(min_length=1)]


class Memo(BaseModel):
    """A case under the four headings of the method."""

    model_config = ConfigDict(extra="forbid")

    situation: Words
    problem: Words
    plan: MemoPlan
    reflections: Words


class StagedLine(ScriptLine):
    """A line with the stage it belongs to."""

    stage: Stage


class StagedScript(BaseModel):
    """A whole talk with its stages."""

    model_config = ConfigDict(extra="forbid")

    turns: list[StagedLine]


def find_talk_fault(talk: StagedScript | Script, language: Language, fewest: int, most: int) -> str | None:
    """Return why a talk written from a report cannot be kept, or None; `fewest` and `most` are exchanges."""
    if fault := find_script_fault(talk.turns, fewest, most):
        return fault
    for number, line in enumerate(talk.turns, 1):
        if (len(line.text) if language == "zh" else len(line.text.split())) > LONGEST[language]:
            return f"turns: line {number} is too long to be said aloud; say it in a third of that"
        if SOURCES[language].search(line.text):
            return f"turns: line {number} mentions the report or the memo, of which neither of them knows"
    if isinstance(talk, Script):
        return None
    stages = [line.stage for line in talk.turns]
    if set(stages) != set(STAGES) or stages != sorted(stages, key=STAGES.index):
        return f"turns: the stages must be {', '.join(STAGES)}, in this order, each with a line and none gone back to"
    return None
