"""The memory-driven planning thought: what is known, where it goes, how to say it, each checked before the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast
from agents.critic import UNREAD
from agents.errors import ModelError
from agents.inner_voice import Thought, write_thought
from agents.message import Message
from agents.outline import PARTS as OUTLINE_PARTS
from agents.outline import Outline, list_outline
from agents.prompt import Prompt, load_prompt
from agents.transcript import Language, Utterance, label_utterances

Part = Literal["memory_capture", "global_plan", "strategy_reasoning"]
PARTS: tuple[Part, ...] = get_args(Part)
MOST_TRIES = 3
"""The method writes a part until its check passes; a cap is needed, and this one is our own."""

Words = Annotated[str, Field(min_length=1)]


class MemoryCapture(BaseModel):
    """What the talk so far has shown; checked against the outline."""

    model_config = ConfigDict(extra="forbid")

    client: Words
    resources: Words
    goal: Words


class GlobalPlan(BaseModel):
    """Where the talk stands and what the next line does with it; checked against the stage of that line."""

    model_config = ConfigDict(extra="forbid")

    step: Words
    next: Literal["keep", "next_step", "next_stage"]


class StrategyReasoning(BaseModel):
    """How the next line is said; checked against the line."""

    model_config = ConfigDict(extra="forbid")

    strategy: Words
    technique: Words
    tone: Words
    length: Literal["brief", "middle", "full"]


class Check(BaseModel):
    """What the checker answers."""

    model_config = ConfigDict(extra="forbid")

    passes: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a part passes; None where the checker's answer could not be read. Without a call the code has decided."""

    passes: bool | None
    reason: str
    call: int | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """One writing of a part, with its verdict; `number` counts from 1."""

    part: Part
    number: int
    body: BaseModel
    call: int
    verdict: Verdict


FORMS: Mapping[Part, type[BaseModel]] = {
    "memory_capture": MemoryCapture,
    "global_plan": GlobalPlan,
    "strategy_reasoning": StrategyReasoning,
}
PART_NAMES: dict[Language, dict[str, str]] = {
    "zh": {
        "client": "这个人",
        "resources": "手里有的",
        "goal": "目标到哪儿了",
        "step": "谈到哪一步",
        "next": "接下来",
        "strategy": "怎么接",
        "technique": "用什么办法",
        "tone": "语气",
        "length": "长短",
    },
    "en": {
        "client": "This person",
        "resources": "What there is to build on",
        "goal": "Where the goal stands",
        "step": "Where the talk stands",
        "next": "What comes next",
        "strategy": "How to take it up",
        "technique": "By what means",
        "tone": "Tone",
        "length": "Length",
    },
}


async def plan_thought(
    cast: Cast, outline: Outline, before: Sequence[Utterance], line: Utterance
) -> tuple[Thought, list[Try]]:
    """Write the three parts behind `line`, which answers the last line of `before`, and fuse them into one thought.

    A part that never passes is kept with its verdicts, and then there is no thought: it would not fit the line.
    """
    tries: list[Try] = []
    kept: dict[Part, BaseModel] = {}
    for part in PARTS:
        tries += await write_part(cast, outline, before, line, part, kept)
        kept[part] = tries[-1].body
    failed = [one for one in {one.part: one for one in tries}.values() if not one.verdict.passes]
    if failed:
        head, model = load_prompt("catch/thinker", cast.language), cast.endpoints["inner_voice"]
        problem = "; ".join(f"{one.part}: {one.verdict.reason}" for one in failed)
        named = model.model_for("inner_voice")
        return Thought(len(before), "", f"no thought passed: {problem}", head.version, named, None), tries
    told = "\n".join(f"{label}: {value}" for body in kept.values() for label, value in list_body(body, cast.language))
    return await write_thought(cast, before, replace(line, reasoning=told)), tries


async def write_part(
    cast: Cast,
    outline: Outline,
    before: Sequence[Utterance],
    line: Utterance,
    part: Part,
    kept: Mapping[Part, BaseModel],
) -> list[Try]:
    """Write a part until its check passes, at most MOST_TRIES times; the writer sees the talk, never the outline.

    Each part is written with the former ones in sight, and all but the first with the line that was then said.
    """
    head, ask = load_prompt("catch/thinker", cast.language), load_prompt("catch/part_ask", cast.language)
    again = load_prompt("catch/part_again", cast.language)
    shown = [pair for body in kept.values() for pair in list_body(body, cast.language)]
    asked = ask.render(part=part, former=shown, reply=line.text)
    thread = [*open_thread(cast, head, before), cast.ask_last(asked)]
    tries: list[Try] = []
    while True:
        body, call = await cast.fill("adviser", head.hash, thread, FORMS[part])
        verdict = await check_part(cast, outline, before, line, body)
        tries.append(Try(part, len(tries) + 1, body, call, verdict))
        if verdict.passes is not False or len(tries) == MOST_TRIES:
            return tries
        thread += [Message("assistant", body.model_dump_json()), Message("user", again.render(reason=verdict.reason))]


async def check_part(
    cast: Cast, outline: Outline, before: Sequence[Utterance], line: Utterance, body: BaseModel
) -> Verdict:
    """Hold memory to the outline and strategy to the line, by the checker; a plan to the line's stage, by code."""
    if isinstance(body, GlobalPlan):
        return check_plan(body, before, line)
    head, ask = load_prompt("catch/checker", cast.language), load_prompt("catch/check_ask", cast.language)
    is_memory = isinstance(body, MemoryCapture)
    material = list_outline(outline, OUTLINE_PARTS, cast.language) if is_memory else []
    asked = ask.render(
        part=PARTS[0] if is_memory else PARTS[2],
        outline=material,
        reply="" if is_memory else line.text,
        body=list_body(body, cast.language),
    )
    try:
        thread = [*open_thread(cast, head, before), cast.ask_last(asked)]
        check, call = await cast.fill("assessor", head.hash, thread, Check)
    except ModelError as error:
        if error.kind not in UNREAD:
            raise
        return Verdict(None, str(error))
    return Verdict(check.passes, check.reason, call)


def check_plan(plan: GlobalPlan, before: Sequence[Utterance], line: Utterance) -> Verdict:
    """Tell whether a plan goes to the next stage exactly where the line is the first of its stage."""
    former = [said.stage for said in before if said.speaker == "counselor"]
    is_first = bool(former) and former[-1] != line.stage
    if (plan.next == "next_stage") == is_first:
        return Verdict(True, "")
    if is_first:
        return Verdict(False, f"next: the line opens the stage {line.stage!r}, so this must be 'next_stage'")
    return Verdict(False, f"next: the line stays in the stage {line.stage!r}, so this must be 'keep' or 'next_step'")


def open_thread(cast: Cast, head: Prompt, before: Sequence[Utterance]) -> list[Message]:
    """Return what writers and checkers of a part begin with: their instructions and the talk so far."""
    return [*cast.open_thread(head.render()), *label_utterances(before, cast.language)]


def list_body(body: BaseModel, language: Language) -> list[tuple[str, str]]:
    """Return (label, content) of each field of a part."""
    names = PART_NAMES[language]
    return [(names[name], str(value)) for name, value in body.model_dump().items()]
