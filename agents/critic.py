"""The critic: a rubric as data, a verdict read strictly; what cannot be read is unscored, never zero, never a pass."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast
from agents.errors import ModelError
from agents.message import Message
from agents.prompt import load_prompt
from agents.rubric import Rubric, Scope, is_on_step, load_rubric, render_rubric, trim, walk_flow
from agents.transcript import Language, Utterance, label_utterances

__all__ = [
    "ItemScore",
    "Judgement",
    "Rubric",
    "Scope",
    "Verdict",
    "disagreement",
    "find_verdict_fault",
    "judge",
    "judge_repeatedly",
    "judge_session",
    "judge_turn",
    "load_rubric",
    "render_rubric",
]

UNHEARD = re.compile(r"[\W_]+")
"""What a quote may differ in: whitespace and punctuation."""
SHORTEST_QUOTE = 2
BREAK = re.compile(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*")
THOUGHT: dict[Language, str] = {"zh": "咨询师的思考：", "en": "Counselor's thought: "}
UNREAD = ("invalid_json", "empty", "truncated", "filtered", "bad_answer", "unreadable")
"""Faults of the critic's own answer; any other stops the session as for every role."""


class ItemScore(BaseModel):
    """One answered item; `quote` is empty or stands in the dialogue."""

    model_config = ConfigDict(extra="forbid")

    id: str
    # Strict: lax reading would take `true` for the score 1.
    score: Annotated[float, Field(strict=True)]
    quote: str


class Verdict(BaseModel):
    """What the critic answers."""

    model_config = ConfigDict(extra="forbid")

    items: list[ItemScore]
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict as it is kept: `scores` by item, or None with the reason in `unscored`.

    A rubric before and after has each item twice, as `before.<id>` and `after.<id>`.
    """

    rubric: str
    version: int
    scope: Scope
    scores: dict[str, float] | None
    quotes: dict[str, str]
    reason: str
    call: int | None
    unscored: str = ""
    model: str = ""
    """The critic's model, as it was asked for."""

    def list_faults(self) -> list[str]:
        """Return the items of a readable verdict that name a fault: on a yes/no scale a no, in a flow what it says."""
        if self.scores is None:
            return []
        rubric = load_rubric(self.rubric)
        if rubric.is_flow:
            faults = {item.id: item.fault for item in rubric.items}
            return [id for id, score in self.scores.items() if faults.get(id) == ("yes" if score else "no")]
        two = {item.id for item in rubric.items if rubric.range_of(item) == (0, 1, 1)}
        return [id for id, score in self.scores.items() if id in two and not score]

    def has_fault(self) -> bool:
        """Tell whether a readable verdict names a fault."""
        return bool(self.list_faults())


def find_verdict_fault(verdict: Verdict, rubric: Rubric, material: str) -> str | None:
    """Return why a verdict cannot be used, or None; `material` is all that may be quoted."""
    answered = [item.id for item in verdict.items]
    ranges = {item.id: rubric.range_of(item) for item in rubric.items}
    if not rubric.is_flow and sorted(answered) != sorted(ranges):
        return f"it must answer each of {list(ranges)} once, not {answered}"
    if unknown := sorted(set(answered) - set(ranges)):
        return f"{unknown} is no question of the rubric; choose from {list(ranges)}"
    plain = simplify(material)
    for item in verdict.items:
        low, high, step = ranges[item.id]
        if not low <= item.score <= high:
            return f"the score {item.score:g} of {item.id!r} is outside {low:g}..{high:g}"
        if not is_on_step(item.score, low, step):
            return f"the score {item.score:g} of {item.id!r} is not on a step of {step:g}"
        quote = simplify(item.quote)
        if quote not in plain:
            return f"the quote of {item.id!r} does not stand in the dialogue"
        if item.quote.strip() and len(quote) < SHORTEST_QUOTE:
            return f"the quote of {item.id!r} is too short to be found; quote more of the line"
        if rubric.is_flow and item.score and not quote:
            return f"the answer yes to {item.id!r} needs a quote"
    if rubric.is_flow:
        path = walk_flow(rubric, {item.id: item.score for item in verdict.items})
        if sorted(answered) != sorted(path):
            return f"its own answers lead along {path}, each once; it answered {answered}"
    return None


def simplify(text: str) -> str:
    """Return what is compared of a quote and of the dialogue."""
    return UNHEARD.sub("", text).casefold()


async def judge_turn(
    cast: Cast, transcript: Sequence[Utterance], draft: Utterance, rubric_name: str = "turn"
) -> Judgement:
    """Judge one turn of the counselor, with its thought where the rubric is about that."""
    rubric = load_rubric(rubric_name)
    if rubric.scope not in ("turn", "reasoning"):
        raise ValueError(f"{rubric_name} judges a {rubric.scope}; use judge_session")
    spoken = [*transcript, draft]
    parts = _show(spoken, cast.language)
    material = [line.text for line in spoken]
    if rubric.scope == "reasoning":
        if not draft.reasoning.strip():
            return _leave_unscored(rubric, "the turn has no thought", name_judge(cast))
        parts.insert(-1, Message("user", THOUGHT[cast.language] + _indent(draft.reasoning)))
        material.append(draft.reasoning)
    return await _judge(cast, rubric, "critic/turn", parts, "\n".join(material))


async def judge_session(cast: Cast, transcript: Sequence[Utterance], rubric_name: str = "session") -> Judgement:
    """Judge a whole session, or the client at its beginning and at its end."""
    rubric = load_rubric(rubric_name)
    if rubric.scope == "before_after":
        return await _judge_both_ends(cast, rubric, transcript)
    if rubric.scope != "session":
        raise ValueError(f"{rubric_name} judges a {rubric.scope}; use judge_turn")
    material = "\n".join(line.text for line in transcript)
    return await _judge(cast, rubric, "critic/session", _show(transcript, cast.language), material)


async def judge(cast: Cast, transcript: Sequence[Utterance], rubric_name: str) -> Judgement:
    """Judge by any rubric; one that is about a turn takes the last line, which is the counselor's."""
    if load_rubric(rubric_name).scope in ("session", "before_after"):
        return await judge_session(cast, transcript, rubric_name)
    if not transcript or transcript[-1].speaker != "counselor":
        raise ValueError(f"{rubric_name} judges a turn of the counselor; end the transcript with one")
    return await judge_turn(cast, transcript[:-1], transcript[-1], rubric_name)


async def judge_repeatedly(
    cast: Cast, transcript: Sequence[Utterance], rubric_name: str, repeats: int
) -> list[Judgement]:
    """Judge the same several times; each verdict stands for itself, and one unscored stays one.

    One after the other: a repeat is told apart in the ledger by how many came before it.
    """
    return [await judge(cast, transcript, rubric_name) for _ in range(repeats)]


def disagreement(judgements: Sequence[Judgement]) -> dict[str, float]:
    """Return by item the distance between the highest and the lowest score; never an average.

    Unscored judgements are left out, and so is an item that fewer than two of the others answered.
    """
    if len({(judged.rubric, judged.version) for judged in judgements}) > 1:
        raise ValueError("the judgements are by different rubrics; compare those of one")
    given: dict[str, list[float]] = {}
    for judged in judgements:
        for id, score in (judged.scores or {}).items():
            given.setdefault(id, []).append(score)
    return {id: trim(max(scores) - min(scores)) for id, scores in given.items() if len(scores) > 1}


async def _judge_both_ends(cast: Cast, rubric: Rubric, transcript: Sequence[Utterance]) -> Judgement:
    """Judge the client's first third and last third apart: a critic who knew which is which would see a change."""
    lines = [line for line in transcript if line.speaker == "client"]
    third = max(1, len(lines) // 3)
    if len(lines) < 2:
        return _leave_unscored(rubric, "the client has fewer than two lines", name_judge(cast))
    scores: dict[str, float] = {}
    quotes: dict[str, str] = {}
    reasons = []
    call = None
    for moment, part in (("before", lines[:third]), ("after", lines[-third:])):
        material = "\n".join(line.text for line in part)
        judged = await _judge(cast, rubric, "critic/session", _show(part, cast.language), material)
        if judged.scores is None:
            return _leave_unscored(rubric, f"{moment}: {judged.unscored}", judged.model)
        scores |= {f"{moment}.{id}": score for id, score in judged.scores.items()}
        quotes |= {f"{moment}.{id}": quote for id, quote in judged.quotes.items()}
        reasons.append(f"{moment}: {judged.reason}" if judged.reason else "")
        call = judged.call
    told = "\n".join(filter(None, reasons))
    return Judgement(
        rubric.name, rubric.version, rubric.scope, scores, quotes, told, call, model=name_judge(cast)
    )  # fmt: skip


async def _judge(cast: Cast, rubric: Rubric, prompts: str, parts: Sequence[Message], material: str) -> Judgement:
    head = load_prompt(f"{prompts}_head", cast.language)
    rendered = head.render(rubric=render_rubric(rubric.name, cast.language))
    ask = load_prompt(f"{prompts}_ask", cast.language).render()
    try:
        verdict, call = await cast.fill(
            "critic",
            head.hash,
            [*cast.open_thread(rendered), *parts, cast.ask_last(ask)],
            Verdict,
            lambda verdict: find_verdict_fault(verdict, rubric, material),
        )
    except ModelError as error:
        if error.kind not in UNREAD:
            raise
        return _leave_unscored(rubric, str(error), name_judge(cast))
    scores = {item.id: trim(item.score) for item in verdict.items}
    quotes = {item.id: item.quote for item in verdict.items if item.quote}
    return Judgement(
        rubric.name, rubric.version, rubric.scope, scores, quotes, verdict.reason, call, model=name_judge(cast)
    )


def name_judge(cast: Cast) -> str:
    """Return the critic's model as it is asked for, which tells one judge's verdicts from another's."""
    return cast.endpoints["critic"].model_for("critic")


def _leave_unscored(rubric: Rubric, problem: str, model: str) -> Judgement:
    return Judgement(rubric.name, rubric.version, rubric.scope, None, {}, "", None, problem, model)


def _show(transcript: Sequence[Utterance], language: Language) -> list[Message]:
    """Return the labelled lines; only a real one begins at the margin, whatever a text holds after a line break."""
    return label_utterances([Utterance(line.speaker, _indent(line.text)) for line in transcript], language)


def _indent(text: str) -> str:
    return BREAK.sub("\n  ", text.strip())
