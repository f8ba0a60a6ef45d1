"""Which of two answers is better, asked of a judge who is not told whose they are; an unreadable word is no verdict."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.critic import UNREAD
from agents.errors import ModelError
from agents.prompt import load_prompt

Choice = Literal["first", "second", "same"]
BREAK = re.compile(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*")
TAGGED = re.compile(r"<(think|thinking|reasoning)>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"</?\s*(?:think|thinking|thought|reasoning|answer|response|final)\s*/?>", re.IGNORECASE)
MAKERS = re.compile(
    r"(?:chat)?gpt(?:-?\d[\w.]*)?\b|\bclaude\b|\bgemini\b|\bllama[\w.-]*|\bqwen[\w.-]*|deepseek[\w.-]*|\bmistral\b"
    r"|chatglm[\w.-]*|\bglm-[\w.]+|\bkimi\b|\bopenai\b|\banthropic\b|\balibaba\b|\bmoonshot\b"
    r"|通义千问|千问|豆包|文心一言|智谱|深度求索|阿里云|月之暗面|讯飞星火|心镜",
    # A name ends where Chinese begins.
    re.IGNORECASE | re.ASCII,
)
"""Names by which a model gives itself away."""
HIDDEN = "…"
FIXED = re.compile(r"[\w./:-]*[0-9./:-][\w./:-]*")
"""What can only be a model's name; one that is a plain word is left, for it gives nothing away and may be meant."""


class Preference(BaseModel):
    """What the judge answers; the reason comes first, so that the word follows from it."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    better: Literal["A", "B", "same"]


@dataclass(frozen=True, slots=True)
class Preferred:
    """A judge's word on two answers in one order; None where it could not be read, with the reason in `unscored`."""

    choice: Choice | None
    reason: str
    unscored: str = ""
    call: int | None = None


CHOICES: dict[str, Choice] = {"A": "first", "B": "second", "same": "same"}


def hide_speaker(text: str, names: Iterable[str]) -> str:
    """Return an answer without what tells whose it is: thoughts, tags around it, names of models and their makers."""
    shown = TAG.sub("", TAGGED.sub("", text))
    for name in sorted({name for name in names if FIXED.fullmatch(name)}, key=len, reverse=True):
        shown = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, shown, flags=re.IGNORECASE | re.ASCII)
    return MAKERS.sub(HIDDEN, shown).strip()


async def prefer(cast: Cast, question: str, first: str, second: str) -> Preferred:
    """Ask for a preference; the answers are given as they may be shown, in this order."""
    head = load_prompt("compare/judge", cast.language)
    values = {"question": indent(question), "first": indent(first), "second": indent(second)}
    ask = load_prompt("compare/judge_ask", cast.language).render(**values)
    thread = [*cast.open_thread(head.render()), cast.ask_last(ask)]
    try:
        said, call = await cast.fill("critic", head.hash, thread, Preference)
    except ModelError as error:
        if error.kind not in UNREAD:
            raise
        return Preferred(None, "", str(error))
    return Preferred(CHOICES[said.better], said.reason, call=call)


def indent(text: str) -> str:
    """Return a text of which only the first line begins at the margin, so that none of it can pass for a heading."""
    return BREAK.sub("\n  ", text.strip())
