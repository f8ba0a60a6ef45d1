"""Names what the counselors of a set say again and again, so that a prompt can be mended and not only a score seen."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from store.bands import normalise

SENTENCE = re.compile(r"[^。！？!?…\n]+[。！？!?…]*")
SHORTEST = 6
"""Characters without punctuation: a shorter sentence ("嗯，我在听") recurs in any talk."""
EDGE = 6
TOP = 20


class Recurrence(NamedTuple):
    """Words in the form in which they are most often said, how many dialogues hold them, and the share of these."""

    text: str
    dialogues: int
    share: float


class Repetition(NamedTuple):
    """What recurs in a set: whole sentences and turns, how turns begin and end, how dialogues open and close."""

    sentences: list[Recurrence]
    turns: list[Recurrence]
    turn_openings: list[Recurrence]
    turn_closings: list[Recurrence]
    openings: list[Recurrence]
    closings: list[Recurrence]


def split_sentences(turn: str) -> list[str]:
    """Return the sentences of a turn, an English full stop ending one only before a blank."""
    parts = [part for found in SENTENCE.findall(turn) for part in re.split(r"(?<=\.)\s+", found)]
    return [part.strip() for part in parts if part.strip()]


def cut_opening(turn: str) -> str:
    """Return the characters a turn begins with."""
    return normalise(turn)[:EDGE]


def cut_closing(turn: str) -> str:
    """Return the characters a turn ends with."""
    return normalise(turn)[-EDGE:]


def count_recurring(said: Iterable[Iterable[str]], *, top: int = TOP, shortest: int = 1) -> list[Recurrence]:
    """Return what more than one dialogue says, most widespread first; often within one dialogue counts once."""
    holders: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {}
    total = 0
    for words in said:
        total += 1
        mine = [(normal, form) for form in words if len(normal := normalise(form)) >= shortest]
        holders.update({normal for normal, _ in mine})
        for normal, form in mine:
            forms.setdefault(normal, Counter())[form] += 1
    recurring = sorted(((-count, normal) for normal, count in holders.items() if count > 1))[:top]
    return [Recurrence(choose_form(forms[normal]), -count, -count / total) for count, normal in recurring]


def choose_form(forms: Counter[str]) -> str:
    """Return the most frequent form, of several the first by its characters."""
    return min(forms, key=lambda form: (-forms[form], form))


def find_repetition(dialogues: Sequence[Sequence[str]], top: int = TOP) -> Repetition:
    """Return what recurs among dialogues, each given as its counselor's turns; one without any is left out."""
    spoken = [[turn for turn in turns if normalise(turn)] for turns in dialogues]
    spoken = [turns for turns in spoken if turns]
    sentences = ([part for turn in turns for part in split_sentences(turn)] for turns in spoken)
    return Repetition(
        sentences=count_recurring(sentences, top=top, shortest=SHORTEST),
        turns=count_recurring(spoken, top=top, shortest=SHORTEST),
        turn_openings=count_recurring((map(cut_opening, turns) for turns in spoken), top=top),
        turn_closings=count_recurring((map(cut_closing, turns) for turns in spoken), top=top),
        openings=count_recurring(([cut_opening(turns[0])] for turns in spoken), top=top),
        closings=count_recurring(([cut_closing(turns[-1])] for turns in spoken), top=top),
    )
