"""Counts in how people talk what can be counted without a model: lengths, questions, advice, stock phrases."""

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import yaml

Lines = Sequence[tuple[str, str]]
"""A dialogue as (speaker, text)."""

LISTS = Path(__file__).with_name("speech.yaml")
WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
MARK = re.compile(r"[\W_]+")
DIRECTION = re.compile(r"（[^（）]{0,60}）|\([^()]{0,60}\)|【[^【】]{0,60}】|\[[^\[\]]{0,60}\]|\*[^*\n]{1,60}\*")
SENTENCE = {
    "zh": re.compile(r"[^。！？!?…\n]+[。！？!?…]*"),
    "en": re.compile(r"[^.!?…\n]+[.!?…]*"),
}
QUESTION = {"zh": re.compile(r"[？?]|[吗呢][”’\"。～~…]*$"), "en": re.compile(r"[？?]")}
MINIMAL = {"zh": 6, "en": 3}
"""Characters without punctuation, or words, up to which an utterance is no more than a nod."""


class Utterance(NamedTuple):
    """What one speaker says before the other answers, with what was counted in it."""

    speaker: str
    text: str
    length: int
    sentences: int
    questions: int
    open_questions: int
    is_minimal: bool
    ends_in_question: bool


@cache
def load_finders() -> Mapping[str, Mapping[str, Callable[[str], object]]]:
    """Return, by language and name of the list, what finds one of its words in a text."""
    lists = yaml.safe_load(LISTS.read_text(encoding="utf-8"))
    finders: dict[str, dict[str, Callable[[str], object]]] = {}
    for language, named in lists.items():
        for name, words in named.items():
            if "first" in words:
                finder = re.compile(rf"\W*(?:{'|'.join(words['first'])})", re.IGNORECASE).match
            else:
                finder = re.compile("|".join(words["any"]), re.IGNORECASE).search
            finders.setdefault(language, {})[name] = finder
    return finders


def merge_lines(lines: Lines) -> list[tuple[str, str]]:
    """Return the lines without stage directions, neighbouring ones of one speaker as one."""
    spoken = [(speaker, DIRECTION.sub("", text).strip()) for speaker, text in lines]
    runs = groupby((line for line in spoken if line[1]), key=lambda line: line[0])
    return [(speaker, "\n".join(text for _, text in run)) for speaker, run in runs]


def count_length(text: str, language: str) -> int:
    """Return the characters that are no blanks of a Chinese text, the words of an English one."""
    return len("".join(text.split())) if language == "zh" else len(WORD.findall(text))


def read_utterance(speaker: str, text: str, language: str) -> Utterance:
    """Return what is counted in one speaker's utterance."""
    sentences = [part.strip() for part in SENTENCE[language].findall(text) if MARK.sub("", part)]
    asks = [QUESTION[language].search(part) is not None for part in sentences]
    is_open = load_finders()[language]["open"]
    length = count_length(text, language)
    bare = len(MARK.sub("", text)) if language == "zh" else length
    return Utterance(
        speaker,
        text,
        length,
        len(sentences),
        sum(asks),
        sum(is_open(part) is not None for part, asked in zip(sentences, asks, strict=True) if asked),
        bare <= MINIMAL[language],
        bool(asks) and asks[-1],
    )


def read_dialogue(lines: Lines, language: str) -> list[Utterance]:
    """Return a dialogue's utterances with what is counted in each."""
    return [read_utterance(speaker, text, language) for speaker, text in merge_lines(lines)]


def share_of(found: Sequence[bool]) -> float | None:
    """Return the share that is true, None of nothing."""
    return sum(found) / len(found) if found else None


def share_with(utterances: Sequence[Utterance], name: str, language: str) -> float | None:
    """Return the share of utterances in which a word of a list is found."""
    find = load_finders()[language][name]
    return share_of([find(each.text) is not None for each in utterances])


def find_median(lengths: Sequence[int]) -> float | None:
    """Return the median length, None of nothing."""
    return statistics.median(lengths) if lengths else None


def spread_of(lengths: Sequence[int]) -> float | None:
    """Return the standard deviation of lengths as a share of their mean; None of fewer than two."""
    mean = statistics.fmean(lengths) if lengths else 0.0
    return statistics.pstdev(lengths) / mean if mean and len(lengths) > 1 else None
