"""The critic: a rubric as data, a verdict read strictly; what cannot be read is unscored, never zero, never a pass."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast
from agents.errors import ModelError
from agents.prompt import load_prompt
from agents.transcript import Language, Utterance, label_utterances
from taxonomy.reading import read_yaml

Scope = Literal["turn", "session"]
BLANKS = re.compile(r"[\s\"'“”‘’「」『』…。，,.!?！？]+")


class Wording(BaseModel):
    """A rubric item's question and what it means, in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    definition: str


class RubricItem(BaseModel):
    """One narrow question, in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    zh: Wording
    en: Wording


class Rubric(BaseModel):
    """A scale as data: items, its low and high score, and where it comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str
    version: int = Field(ge=1)
    source: str
    scope: Scope
    low: int
    high: int
    items: list[RubricItem] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class RenderedItem:
    """A rubric item in the language of the session."""

    id: str
    question: str
    definition: str


@dataclass(frozen=True, slots=True)
class RenderedRubric:
    """A rubric as its prompt sees it."""

    name: str
    low: int
    high: int
    items: tuple[RenderedItem, ...]


class ItemScore(BaseModel):
    """One answered item; `quote` is empty or stands in the dialogue."""

    model_config = ConfigDict(extra="forbid")

    id: str
    score: int
    quote: str


class Verdict(BaseModel):
    """What the critic answers."""

    model_config = ConfigDict(extra="forbid")

    items: list[ItemScore]
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict as it is kept: `scores` by item, or None with the reason in `unscored`."""

    rubric: str
    version: int
    scope: Scope
    scores: dict[str, int] | None
    quotes: dict[str, str]
    reason: str
    call: int | None
    unscored: str = ""

    def has_fault(self) -> bool:
        """Tell whether a readable verdict of a yes/no rubric names a fault."""
        return self.scores is not None and 0 in self.scores.values()


@cache
def load_rubric(name: str) -> Rubric:
    """Return the rubric that ships under this name."""
    return read_yaml(Path(__file__).parent / "rubrics" / f"{name}.yaml", Rubric)


@cache
def render_rubric(name: str, language: Language) -> RenderedRubric:
    """Return a rubric in one language."""
    rubric = load_rubric(name)
    items = []
    for item in rubric.items:
        wording: Wording = getattr(item, language)
        items.append(RenderedItem(item.id, wording.question, wording.definition))
    return RenderedRubric(rubric.name, rubric.low, rubric.high, tuple(items))


def find_verdict_fault(verdict: Verdict, rubric: Rubric, material: str) -> str | None:
    """Return why a verdict cannot be used, or None; `material` is all that may be quoted."""
    answered = [item.id for item in verdict.items]
    expected = [item.id for item in rubric.items]
    if sorted(answered) != sorted(expected):
        return f"it must answer each of {expected} once, not {answered}"
    plain = BLANKS.sub("", material)
    for item in verdict.items:
        if not rubric.low <= item.score <= rubric.high:
            return f"the score {item.score} of {item.id!r} is outside {rubric.low}..{rubric.high}"
        if BLANKS.sub("", item.quote) not in plain:
            return f"the quote of {item.id!r} does not stand in the dialogue"
    return None


async def judge_turn(
    cast: Cast, transcript: Sequence[Utterance], draft: Utterance, rubric_name: str = "turn"
) -> Judgement:
    """Judge a counselor's draft before it is said."""
    ask = load_prompt("critic/turn_ask", cast.language).render()
    return await _judge(cast, rubric_name, "critic/turn_head", ask, [*transcript, draft])


async def judge_session(cast: Cast, transcript: Sequence[Utterance], rubric_name: str = "session") -> Judgement:
    """Judge a whole session."""
    ask = load_prompt("critic/session_ask", cast.language).render()
    return await _judge(cast, rubric_name, "critic/session_head", ask, transcript)


async def _judge(cast: Cast, rubric_name: str, head_id: str, ask: str, transcript: Sequence[Utterance]) -> Judgement:
    rubric = load_rubric(rubric_name)
    head = load_prompt(head_id, cast.language)
    rendered = head.render(rubric=render_rubric(rubric_name, cast.language))
    lines = label_utterances(transcript, cast.language)
    material = "\n".join(line.text for line in transcript)
    try:
        verdict, call = await cast.fill(
            "critic",
            head.hash,
            [*cast.open_thread(rendered), *lines, cast.ask_last(ask)],
            Verdict,
            lambda verdict: find_verdict_fault(verdict, rubric, material),
        )
    except ModelError as error:
        if error.kind not in ("invalid_json", "empty", "truncated", "filtered", "bad_answer", "unreadable"):
            raise
        return Judgement(rubric.name, rubric.version, rubric.scope, None, {}, "", None, str(error))
    scores = {item.id: item.score for item in verdict.items}
    quotes = {item.id: item.quote for item in verdict.items if item.quote}
    return Judgement(rubric.name, rubric.version, rubric.scope, scores, quotes, verdict.reason, call)
