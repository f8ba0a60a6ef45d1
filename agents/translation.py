"""Puts the lines of a talk into another language and reads a translation back: who is shown what, and the form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import GenericAlias
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from agents.brief import Brief
from agents.cast import Cast
from agents.glossary import find_terms
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import LABELS, Language, Utterance
from agents.translation_checks import find_line_fault, measure_back

MOST_LINES, MOST_CHARACTERS = 24, 6_000
"""What one request asks for at most, so that an answer has room for all of it; own choice."""
MOST_TRIES = 2
"""Times a line is written at most: once, and once more with the reason."""
BREAK = re.compile(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*")


class Translation(BaseModel):
    """What a translator answers: one text for each line, in their order."""

    model_config = ConfigDict(extra="forbid")

    lines: list[str]


@dataclass(frozen=True, slots=True)
class Draft:
    """The translation of one line: how often it was written, and why it cannot stand; `back` is None until read."""

    text: str
    call: int
    tries: int
    fault: str = ""
    back: str | None = None


@cache
def shape_translation(count: int) -> type[Translation]:
    """Return the form of a translation of so many lines."""
    lines: Any = GenericAlias(list, (str,))
    return create_model("Translation", __base__=Translation, lines=(lines, Field(min_length=count, max_length=count)))


def cut_batches(numbers: Sequence[int], texts: Mapping[int, str]) -> list[list[int]]:
    """Return the numbers of the lines by request, none with more than one request has room for."""
    batches: list[list[int]] = []
    size = 0
    for number in numbers:
        size += len(texts[number])
        if not batches or len(batches[-1]) == MOST_LINES or size > MOST_CHARACTERS:
            batches.append([])
            size = len(texts[number])
        batches[-1].append(number)
    return batches


async def translate(
    cast: Cast, lines: Sequence[Utterance], drafts: Mapping[int, Draft], spoken: Language
) -> dict[int, Draft]:
    """Return the drafts of all lines, by their number from 0; where there are some, of those that cannot stand.

    A later request holds what was asked and answered before, so that a talk keeps its words throughout.
    """
    terms = find_terms("\n".join(line.text for line in lines), spoken)
    again = [number for number, draft in drafts.items() if draft.fault]
    wanted = again if drafts else list(range(len(lines)))
    head = load_prompt("translate/translator", cast.language)
    ask = load_prompt("translate/again" if drafts else "translate/ask", cast.language)
    thread = cast.open_thread(head.render())
    written: dict[int, Draft] = {}
    for batch in cut_batches(wanted, {number: line.text for number, line in enumerate(lines)}):
        shown = [
            {"number": number + 1, "text": _show(lines[number], cast.language), **_name_fault(drafts.get(number))}
            for number in batch
        ]
        named = [(term.word(spoken), term.word(cast.language)) for term in terms]
        thread.append(Message("user", ask.render(lines=shown, terms=named)))
        form, call = await cast.fill("writer", head.hash, thread, shape_translation(len(batch)))
        thread.append(Message("assistant", form.model_dump_json()))
        for number, text in zip(batch, form.lines, strict=True):
            tries = drafts[number].tries if drafts else 0
            written[number] = Draft(unmark(text), call, tries + 1)
    return written


async def read_back(
    cast: Cast, lines: Sequence[Utterance], drafts: Mapping[int, Draft], source: Language
) -> tuple[dict[int, Draft], list[int]]:
    """Ask somebody who never saw the source to put those drafts into its language that were not read back before.

    Returns all drafts, and the numbers of the calls.
    """
    head, ask = load_prompt("translate/reader", source), load_prompt("translate/reader_ask", source)
    wanted = [number for number, draft in drafts.items() if draft.back is None]
    read: dict[int, str] = {}
    calls = []
    for batch in cut_batches(wanted, {number: draft.text for number, draft in drafts.items()}):
        shown = [{"number": n + 1, "text": _show(Utterance(lines[n].speaker, drafts[n].text), source)} for n in batch]
        thread = [*cast.open_thread(head.render()), Message("user", ask.render(lines=shown))]
        form, call = await cast.fill("assessor", head.hash, thread, shape_translation(len(batch)))
        read |= dict(zip(batch, map(unmark, form.lines), strict=True))
        calls.append(call)
    return {n: replace(draft, back=read.get(n, draft.back)) for n, draft in drafts.items()}, calls


def list_lines(brief: Brief, *, with_answer: bool) -> Sequence[Utterance]:
    """Return the lines of a stored talk, or the question of a row and, if wanted, its answer."""
    answer = brief.fields.get("answer", "") if with_answer else ""
    row = [Utterance("client", brief.text), *([Utterance("counselor", answer)] if answer else [])]
    return brief.lines or row


def find_faults(
    lines: Sequence[Utterance], drafts: Mapping[int, Draft], source: Language, to: Language
) -> dict[int, str]:
    """Return by number why a draft that was not read back before is no translation of its line."""
    unread = {number: draft.text for number, draft in drafts.items() if draft.back is None}
    told = {number: find_line_fault(lines[number].text, text, source, to) for number, text in unread.items()}
    return {number: fault for number, fault in told.items() if fault}


def find_unlike(
    lines: Sequence[Utterance], drafts: Mapping[int, Draft], source: Language
) -> tuple[dict[int, str], dict[int, float]]:
    """Return by number why a draft tells something else than its line once it is read back, and how like it is."""
    backs = {number: draft.back or "" for number, draft in drafts.items()}
    likeness, low = measure_back([line.text for line in lines], backs, source)
    return {number: f"read back, it says {backs[number][:200]!r}: {why}" for number, why in low.items()}, likeness


def _show(line: Utterance, language: Language) -> str:
    """Return a line with who says it; only its first row begins at the margin."""
    return LABELS[language][line.speaker] + BREAK.sub("\n  ", line.text.strip())


def _name_fault(draft: Draft | None) -> dict[str, str]:
    return {} if draft is None else {"former": BREAK.sub("\n  ", draft.text), "fault": draft.fault}


def unmark(text: str) -> str:
    """Return a text without the number and the label it was shown with, and without the indent of its rows."""
    plain = re.sub(r"^\s*\[\d+\]\s*", "", text)
    for labels in LABELS.values():
        for label in labels.values():
            plain = plain.removeprefix(label)
    return BREAK.sub("\n", plain.strip())
