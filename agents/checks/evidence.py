"""The evidence checks: a counselor who lends weight to words with figures, studies or brain terms nobody can trace."""

import re
from collections.abc import Sequence

from agents.checks.finding import Finding, Severity
from agents.checks.lexicon import language_of, load_words
from agents.transcript import Utterance

TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ENGLISH = {word: n for n, word in enumerate(ONES, 1)} | {word: 10 * n for n, word in enumerate(TENS, 2)}
DIGITS = {char: n for n, char in enumerate("零一二三四五六七八九")} | {"两": 2}
UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
NUMBER = re.compile(
    r"\d{1,9}(?:\.\d{1,4})?"
    r"|[零一二两三四五六七八九十百千万]{1,8}"
    rf"|\b(?:{'|'.join(TENS)})(?:-(?:{'|'.join(ONES[:-1])}))?\b|\b(?:{'|'.join(ONES)})\b",
    re.IGNORECASE,
)


def client_words(before: Sequence[Utterance]) -> str:
    """Return what the client has said so far, for the words a counselor may give back."""
    return "\n".join(line.text for line in before if line.speaker == "client").lower()


def find_stat_claim(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a figure about people at large that the client has not brought in."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("stat_claim", language_of(utterance.text))
    matches = words.search_all(utterance.text)
    if not matches:
        return None
    known = _numbers(client_words(before))
    for match in matches:
        numbers = _numbers(match[0])
        if not numbers or not numbers <= known:
            return Finding("stat_claim", words.version, "reject", match.span(), f"a figure without source: {match[0]}")
    return None


def find_vague_cite(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find an appeal to studies, experts or famous names that cannot be looked up."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("vague_cite", language_of(utterance.text))
    match = words.search(utterance.text)
    if match is None:
        return None
    return Finding("vague_cite", words.version, "reject", match.span(), f"an authority without source: {match[0]}")


def find_neuro(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find brain parts and messengers as explanations; two terms make a lecture."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("neuro", language_of(utterance.text))
    matches = words.search_all(utterance.text)
    if not matches:
        return None
    said = client_words(before)
    own = [match for match in matches if match[0].lower() not in said]
    terms = sorted({match[0].lower() for match in own})
    # Hormones and the nervous system are household words: one or two of them say little.
    mild = all(match.groupdict().get("mild") for match in own)
    if len(terms) < (3 if mild else 1):
        return None
    severity: Severity = "reject" if len(terms) > 1 else "flag"
    return Finding("neuro", words.version, severity, own[0].span(), f"brain terms: {', '.join(terms)}")


def _numbers(text: str) -> set[float]:
    # The 百 of "百分之八十" is no hundred; "八成" is the same figure as "80%".
    text = text.replace("百分之", "")
    return {_value(match[0]) * (10 if text.startswith("成", match.end()) else 1) for match in NUMBER.finditer(text)}


def _value(word: str) -> float:
    if word[0].isdecimal():
        return float(word)
    if word[0].isascii():
        return sum(ENGLISH[part] for part in word.lower().split("-"))
    total, digit = 0, 0
    for char in word:
        if char in DIGITS:
            digit = DIGITS[char]
        else:
            total += (digit or 1) * UNITS[char]
            digit = 0
    return total + digit
