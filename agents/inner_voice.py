"""The counselor's inner voice: a raw reasoning written anew as the thought a counselor has before one reply."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.checks import Check
from agents.checks.care import find_diagnosis, find_medication, find_method_detail
from agents.checks.evidence import find_neuro, find_stat_claim, find_vague_cite
from agents.checks.jargon import find_jargon, find_list_dump
from agents.checks.lexicon import language_of
from agents.checks.privacy import find_hotline, find_pii
from agents.checks.speech import find_injection, find_language_mix, find_loop, find_truncation
from agents.checks.structure import find_broken_text, find_role_prefix, find_think_tag
from agents.checks.thought import find_thought_fault
from agents.critic import BREAK, UNREAD, Judgement, judge_turn, simplify
from agents.errors import ModelError
from agents.message import Message
from agents.prompt import load_prompt
from agents.rubric import load_rubric, render_rubric
from agents.transcript import Language, Utterance, label_utterances

RUBRIC = "reasoning"
MOST_WRITINGS = 2
"""The first writing, and one more with the critic's reason."""
LENGTH: dict[Language, tuple[int, int]] = {"zh": (40, 260), "en": (25, 140)}
"""Characters of Chinese, words of English; the prompt asks for less room, for a model counts badly."""
SHORTEST_REPLY = 8
"""Letters from which a reply that stands in the thought is no chance."""
FIGURE = re.compile(r"\d+")
NAME = re.compile(
    r"(?:抑郁|焦虑|强迫|恐惧|自闭|多动|厌食|疑病)症|双相|精神分裂|(?:人格|应激|惊恐|进食|情感|双向)障碍|依恋类型"
    r"|精神分析|认知行为|人本主义|焦点解决|动机访谈|接纳承诺|家庭系统|格式塔|完形"
    r"|\b(?:CBT|DBT|PTSD|ADHD|OCD|bipolar|borderline|schizophreni\w+|major depression|depressive|narcissistic"
    r"|(?:anxiety|panic|personality|eating|stress) disorder|attachment style|psychodynamic|psychoanaly\w+"
    r"|person-cent(?:er|re)d|solution-focused|motivational interviewing|gestalt)\b",
    re.IGNORECASE,
)
"""Disorders and schools: in a thought they take the place of the person, unless somebody in the session named them."""
SPOKEN: tuple[Check, ...] = (
    find_role_prefix,
    find_think_tag,
    find_broken_text,
    find_injection,
    find_language_mix,
    find_loop,
    find_truncation,
    find_list_dump,
    find_jargon,
    find_stat_claim,
    find_vague_cite,
    find_neuro,
    find_diagnosis,
    find_medication,
    find_method_detail,
    find_hotline,
    find_pii,
)
"""What may no more stand in a thought than in a reply; whether it flags or rejects a reply makes no difference here."""


class OwnThought(BaseModel):
    """What the inner voice answers."""

    model_config = ConfigDict(extra="forbid")

    thought: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A thought beside the raw reasoning; without a text there is a `problem`.

    `number` is that of the counselor's line in its dialogue, `version` the prompts'; `judgements` are of all that was
    written, the last one of what is kept.
    """

    number: int
    text: str
    problem: str
    version: int
    model: str
    call: int | None
    judgements: tuple[Judgement, ...] = ()


async def write_thought(cast: Cast, transcript: Sequence[Utterance], line: Utterance) -> Thought:
    """Write the thought before `line`, which answers the transcript's last line.

    Nothing but the session and the line's own reasoning is shown: there is no way to the profile or the whispers.
    """
    head = load_prompt("inner_voice/head", cast.language)
    ask = load_prompt("inner_voice/ask", cast.language)
    told = ask.render(reply=_indent(line.text), reasoning=_indent(line.reasoning))
    thread = [
        *cast.open_thread(head.render()),
        *label_utterances([Utterance(said.speaker, _indent(said.text)) for said in transcript], cast.language),
        cast.ask_last(told),
    ]
    text, problem, call = "", "", None
    judgements: list[Judgement] = []
    try:
        for writing in count(1):
            form, call = await cast.fill(
                "inner_voice",
                head.hash,
                thread,
                OwnThought,
                lambda form: find_fault(form.thought, transcript, line, cast.language),
            )
            text = _join(form.thought, cast.language)
            judgements.append(await judge_turn(cast, transcript, replace(line, reasoning=text), RUBRIC))
            problem = judgements[-1].unscored
            reasons = list_reasons(judgements[-1], cast.language)
            if reasons and writing == MOST_WRITINGS:
                problem = "; ".join(reasons)
            if problem or not reasons:
                break
            again = load_prompt("inner_voice/rewrite", cast.language).render(reasons=reasons)
            thread += [Message("assistant", form.model_dump_json()), Message("user", again)]
    except ModelError as error:
        if error.kind not in UNREAD:
            raise
        problem = str(error)
    return Thought(
        number=len(transcript),
        text="" if problem else text,
        problem=f"no thought passed: {problem}" if problem else "",
        version=head.version,
        model=cast.endpoints["inner_voice"].model_for("inner_voice"),
        call=call,
        judgements=tuple(judgements),
    )


def find_fault(thought: str, before: Sequence[Utterance], line: Utterance, language: Language) -> str | None:
    """Return what is wrong with a thought that no critic needs to look at, or None."""
    if language_of(thought) != language:
        return "the thought is in another language than the session"
    low, high = LENGTH[language]
    size, unit = measure(thought, language)
    if not low <= size <= high:
        return f"the thought has {size} {unit}; it needs {low} to {high}"
    finding = find_thought_fault(replace(line, reasoning=thought), before)
    aloud = Utterance("counselor", thought)
    finding = finding or next(filter(None, (check(aloud, before) for check in SPOKEN)), None)
    if finding:
        start, end = finding.span
        return f"{finding.reason.replace('_', ' ')}: {thought[start:end]!r}"
    if "【" in thought or "】" in thought:
        return "the thought quotes a note of the supervision"
    reply = simplify(line.text)
    if len(reply) >= SHORTEST_REPLY and reply in simplify(thought):
        return "the thought says the reply itself; it comes before it"
    said = " ".join([*(spoken.text for spoken in before), line.text])
    if foreign := [word for word in NAME.findall(thought) if word.casefold() not in said.casefold()]:
        return f"the thought names {foreign[0]!r}, which nobody in the session did"
    known = set(FIGURE.findall(f"{said} {line.reasoning}"))
    if strange := [figure for figure in FIGURE.findall(thought) if figure not in known]:
        return f"the figure {strange[0]!r} stands neither in the session nor in the reasoning"
    return None


def measure(thought: str, language: Language) -> tuple[int, str]:
    """Return how long a thought is, and in what."""
    return (len(thought.strip()), "characters") if language == "zh" else (len(thought.split()), "words")


def list_reasons(judgement: Judgement, language: Language) -> list[str]:
    """Return why a verdict refuses a thought: the items at the foot of their scale, and the critic's own words."""
    rubric = load_rubric(RUBRIC)
    lows = {item.id: rubric.range_of(item)[0] for item in rubric.items}
    questions = {item.id: item.question for item in render_rubric(RUBRIC, language).items}
    failed = [questions[id] for id, score in (judgement.scores or {}).items() if score == lows[id]]
    return [*failed, judgement.reason] if failed and judgement.reason else failed


def _join(thought: str, language: Language) -> str:
    return BREAK.sub("" if language == "zh" else " ", thought.strip())


def _indent(text: str) -> str:
    return BREAK.sub("\n  ", text.strip())
