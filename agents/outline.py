"""The outline of a single meeting, part by part, and the three stages of the talk that grows from it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast
from agents.message import Message
from agents.prompt import load_prompt
from agents.risk import is_session_routed
from agents.sized_script import write_sized
from agents.transcript import Language, Utterance, label_utterances
from taxonomy.plan import Ending, Level

Part = Literal["profile", "goal", "resources", "solution"]
PARTS: tuple[Part, ...] = get_args(Part)
"""In the order in which they are written; each is written with the former ones in sight."""
Stage = Literal["target", "working", "ending"]
STAGES: tuple[Stage, ...] = get_args(Stage)
SEEN: Mapping[Stage, tuple[Part, ...]] = {
    "target": ("profile", "goal"),
    "working": ("profile", "resources", "solution"),
    "ending": PARTS,
}
"""What of the outline the writer of a stage is shown; who the client is all three need to know."""
DANGER_EXCHANGES = 9
"""Room of the last stage where there is a sign of danger: as long as a crisis talk of this house goes on."""

Words = Annotated[str, Field(min_length=1)]


class Traits(BaseModel):
    """The five traits, read out of a person's own text, and how they show in the way this person talks."""

    model_config = ConfigDict(extra="forbid")

    openness: Level
    conscientiousness: Level
    extraversion: Level
    agreeableness: Level
    neuroticism: Level
    manner: Words


class Goal(BaseModel):
    """What this one meeting is for, and by what the client would notice that it was reached."""

    model_config = ConfigDict(extra="forbid")

    goal: Words
    sign: Words


class Resources(BaseModel):
    """What there is to build on, in the person and around them."""

    model_config = ConfigDict(extra="forbid")

    internal: Annotated[list[Words], Field(min_length=1)]
    external: Annotated[list[Words], Field(min_length=1)]


class Solution(BaseModel):
    """What the client can do alone, built on the resources, step by step."""

    model_config = ConfigDict(extra="forbid")

    solution: Words
    steps: Annotated[list[Words], Field(min_length=1)]


Outline = Mapping[Part, BaseModel]
FORMS: Mapping[Part, type[BaseModel]] = {
    "profile": Traits,
    "goal": Goal,
    "resources": Resources,
    "solution": Solution,
}
FIELD_NAMES: dict[Language, dict[str, str]] = {
    "zh": {
        "openness": "开放",
        "conscientiousness": "尽责",
        "extraversion": "外向",
        "agreeableness": "随和",
        "neuroticism": "敏感易忧",
        "manner": "说话的样子",
        "goal": "目标",
        "sign": "怎么看得出到了",
        "internal": "自己身上有的",
        "external": "身边有的",
        "solution": "办法",
        "steps": "一步一步",
    },
    "en": {
        "openness": "Openness",
        "conscientiousness": "Conscientiousness",
        "extraversion": "Extraversion",
        "agreeableness": "Agreeableness",
        "neuroticism": "Neuroticism",
        "manner": "Way of talking",
        "goal": "Goal",
        "sign": "How one would notice",
        "internal": "In themselves",
        "external": "Around them",
        "solution": "Solution",
        "steps": "Step by step",
    },
}


async def write_part(cast: Cast, text: str, outline: Outline, part: Part) -> tuple[BaseModel, int]:
    """Ask for one part of the outline after the former ones; returns it and the number of the call."""
    head, ask = load_prompt("catch/outline", cast.language), load_prompt("catch/outline_ask", cast.language)
    thread = open_thread(cast, head.render(), text)
    for done in PARTS[: PARTS.index(part)]:
        thread.append(Message("user", ask.render(part=done)))
        thread.append(Message("assistant", outline[done].model_dump_json()))
    return await cast.fill("planner", head.hash, [*thread, cast.ask_last(ask.render(part=part))], FORMS[part])


async def write_stage(
    cast: Cast, text: str, outline: Outline, stage: Stage, before: Sequence[Utterance], exchanges: int, ending: Ending
) -> list[Utterance]:
    """Go on with the talk for one stage of at most so many exchanges; the counselor's lines carry the stage.

    Where the person's text or the talk so far holds a sign of danger, nobody is told to part, and there is more room.
    """
    head, ask = load_prompt("catch/writer", cast.language), load_prompt("catch/stage", cast.language)
    shown = list_outline(outline, SEEN[stage], cast.language)
    told = [text, *(line.text for line in before if line.speaker == "client")]
    is_danger = is_session_routed(told, cast.language)
    if is_danger and stage == STAGES[-1]:
        exchanges = max(exchanges, DANGER_EXCHANGES)
    thread = [
        *open_thread(cast, head.render(), text),
        *label_utterances(before, cast.language),
        cast.ask_last(ask.render(stage=stage, outline=shown, exchanges=exchanges, ending=ending, is_danger=is_danger)),
    ]
    lines, call = await write_sized(cast, "writer", head.hash, thread, (exchanges + 1) // 2, exchanges)
    return [
        Utterance(line.speaker, line.text.strip(), call=call, stage=stage if line.speaker == "counselor" else None)
        for line in lines
    ]


def open_thread(cast: Cast, head: str, text: str) -> list[Message]:
    """Return what planner and writers begin with: their instructions and the person's own text."""
    return [*cast.open_thread(head), Message("user", load_prompt("catch/text", cast.language).render(text=text))]


def list_outline(outline: Outline, parts: Sequence[Part], language: Language) -> list[tuple[str, str]]:
    """Return (label, content) of every field of these parts, a list as one line."""
    names, mark = FIELD_NAMES[language], "；" if language == "zh" else "; "
    values = [(name, value) for part in parts for name, value in outline[part].model_dump().items()]
    return [(names[name], mark.join(value) if isinstance(value, list) else str(value)) for name, value in values]


def share_exchanges(exchanges: int) -> dict[Stage, int]:
    """Deal a talk's exchanges (3 or more) to its stages: three tenths, five tenths, two tenths; one at least."""
    target, ending = max(1, round(0.3 * exchanges)), max(1, round(0.2 * exchanges))
    return {"target": target, "working": max(1, exchanges - target - ending), "ending": ending}
