"""Plays the client of a diagram in one of six styles: a line too long, or in the diagram's own terms, is asked anew."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from agents.cast import Cast, Said
from agents.conceptualization import BELIEF_WORDS, EMOTION_WORDS, Diagram, Situation
from agents.message import Message
from agents.prompt import load_prompt
from agents.risk import find_risk_words
from agents.transcript import Language, Utterance
from taxonomy.plan import SessionPlan

TalkingStyle = Literal["plain", "upset", "verbose", "reserved", "tangent", "pleasing"]
STYLES: tuple[TalkingStyle, ...] = get_args(TalkingStyle)
MOST_SENTENCES: Mapping[TalkingStyle, int] = {
    "plain": 5, "upset": 3, "verbose": 8, "reserved": 3, "tangent": 5, "pleasing": 5,
}  # fmt: skip
"""Sentences of a line at most, as published."""
SENTENCE_END = re.compile(
    r"(?:[。！？!?]+|(?<![.…])(?<!\.[a-zA-Z])(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bDr)(?<!\bvs)\.(?![.\w]))"
    r"[”\"』」’'）)]*\s*|\n+"
)
"""An ellipsis trails off inside a sentence and ends none."""
DIAGRAM_WORDS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"核心信念|中间信念|自动(?:化)?(?:思维|想法|念头)|认知(?:概念化|模型|行为|歪曲|扭曲|图式|三角|疗法)|个案概念化"
        r"|应对(?:策略|机制|方式)|适应不良|早期图式|(?:无助|不可爱|无价值)(?:类|型)(?:的)?信念"
    ),
    "en": re.compile(
        r"(?i)\b(?:core|intermediate|limiting|dysfunctional) beliefs?\b|\bautomatic(?: negative)? thoughts?\b"
        r"|\bcoping (?:strateg\w+|mechanisms?|styles?)\b|\b(?:cognitive|case) conceptuali[sz]\w*|\bmaladaptive\b"
        r"|\bcognitive (?:models?|diagrams?|distortions?|behaviou?r\w*|schemas?|triad)\b"
        r"|\bcompensatory (?:strateg\w+|behaviou?rs?)\b"
    ),
}
"""Terms that nobody uses of themselves; field names that are everyday words (situation, behavior) are left alone."""
FIELD_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
"""A name out of a form, as the diagram's own."""


@dataclass(frozen=True, slots=True)
class Part:
    """Who is played: a diagram, the one situation that this session is about, and the way of talking."""

    diagram: Diagram
    situation: Situation
    style: TalkingStyle


class Draft(NamedTuple):
    """A line as it came, with what stands against it; `call` is the number of its call."""

    said: Said
    sentences: int
    terms: list[str]
    has_sign: bool
    """Whether it holds a sign of danger."""


class Spoken(NamedTuple):
    """The line that is said, and the drafts it came from, the last asked last."""

    line: Utterance
    drafts: list[Draft]
    terms: list[str]
    """What is left of the diagram's own terms in the line; a line with any cannot stand."""

    def list_unsaid(self) -> list[tuple[dict[str, object], int]]:
        """Return the drafts that were not said as they came, as (body, call)."""
        return [
            ({"text": one.said.text, "sentences": one.sentences, "terms": one.terms}, one.said.call)
            for one in self.drafts
            if one.said.text != self.line.text
        ]


async def speak(
    cast: Cast, plan: SessionPlan, part: Part, transcript: Sequence[Utterance], last: int, danger_since: int | None
) -> Spoken:
    """Say the next line of a session that ends with exchange `last`.

    A line that is too long or uses the diagram's own terms is asked for once more; what is still too long is cut.
    """
    head, most = load_prompt("patient_psi/client", cast.language), MOST_SENTENCES[part.style]
    thread = [
        Message("system", head.render()),
        Message("system", word_part(cast.language, plan, part)),
        *build_thread(cast, plan, part.style, transcript, last, danger_since),
    ]
    drafts = [read_draft(await cast.say("client", head.hash, thread), cast.language)]
    if drafts[0].sentences > most or drafts[0].terms:
        again = load_prompt("patient_psi/again", cast.language)
        note = again.render(draft=drafts[0].said.text, sentences=most, terms=drafts[0].terms)
        said = await cast.say("client", head.hash, [*thread, Message("user", note)])
        drafts.append(read_draft(said, cast.language))
    # A sign of danger is never lost to tidiness: the second asking stands only where it keeps the first one's.
    chosen = drafts[0] if drafts[0].has_sign and not drafts[-1].has_sign else drafts[-1]
    text = cut_sentences(chosen.said.text, most, cast.language)
    line = Utterance("client", text, chosen.said.reasoning, chosen.said.call)
    return Spoken(line, drafts, find_terms(text, cast.language))


def read_draft(said: Said, language: Language) -> Draft:
    """Return a line with what stands against it."""
    sentences = len(split_sentences(said.text))
    return Draft(said, sentences, find_terms(said.text, language), bool(find_risk_words(said.text, language)))


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a line as they stand in it; marks alone are none."""
    ends = [0, *(match.end() for match in SENTENCE_END.finditer(text)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(ends)]
    return [piece for piece in pieces if any(char.isalnum() for char in piece)]


def cut_sentences(text: str, most: int, language: Language) -> str:
    """Return a line with so many sentences at most: those with a sign of danger stay, then the first ones."""
    sentences = split_sentences(text)
    if len(sentences) <= most:
        return text
    is_sign = [bool(find_risk_words(sentence, language)) for sentence in sentences]
    kept = sorted(sorted(range(len(sentences)), key=lambda place: not is_sign[place])[:most])
    return "".join(sentences[place] for place in kept).strip()


def find_terms(text: str, language: Language) -> list[str]:
    """Return the diagram's own terms in a line, of either language, each once."""
    patterns = (DIAGRAM_WORDS[language], *DIAGRAM_WORDS.values(), FIELD_NAME)
    return list(dict.fromkeys(match[0] for pattern in patterns for match in pattern.finditer(text)))


def word_part(language: Language, plan: SessionPlan, part: Part) -> str:
    """Return what the client plays from: the diagram in everyday words, with one of its situations alone."""
    diagram, situation = part.diagram, part.situation
    return load_prompt("patient_psi/part", language).render(
        diagram=diagram,
        beliefs=[BELIEF_WORDS[language][name] for name in diagram.core_beliefs],
        situation=situation,
        emotions=[EMOTION_WORDS[language][name] for name in situation.emotions],
        age=plan.age,
        gender=plan.gender,
        style=part.style,
        sentences=MOST_SENTENCES[part.style],
        attitude=plan.attitude,
    )


def build_thread(
    cast: Cast,
    plan: SessionPlan,
    style: TalkingStyle,
    transcript: Sequence[Utterance],
    last: int,
    danger_since: int | None,
) -> Iterator[Message]:
    """Yield the session as the client lives it; in its second and its last third the style may soften.

    A client in danger is not told how to end.
    """
    ending = last if plan.ending == "leaves_early" else last - 1
    may_end = plan.risk == "none" and (danger_since is None or danger_since >= ending)
    steps = {last // 3 + 1: "middle", 2 * last // 3 + 1: "late"}
    yield Message("user", load_prompt("client/opening", cast.language).render())
    exchange = 1
    for line in transcript:
        yield Message("assistant" if line.speaker == "client" else "user", line.text)
        if line.speaker == "client":
            continue
        exchange += 1
        if exchange == ending and may_end:
            yield Message("user", load_prompt("client/ending", cast.language).render(ending=plan.ending))
        elif exchange in steps:
            note = load_prompt("patient_psi/trust", cast.language)
            yield Message("user", note.render(style=style, step=steps[exchange]))
