"""The structural checks: an utterance that is empty, mislabelled, leaking its thoughts, overlong or said before."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from agents.checks.finding import Finding, Severity
from agents.checks.lexicon import language_of
from agents.transcript import Utterance

LABEL = (
    r"[\s*_\[【（(]{0,12}(?:来访者|咨询师|心理咨询师|咨询者|求助者|支持者|客户|用户|client|counsell?or|therapist|user|assistant)"
    r"[\s*_\]】）)]{0,8}[:：]"
)
ROLE_PREFIX = re.compile(LABEL, re.IGNORECASE)
ROLE_WITHIN = re.compile(rf"[。！？!?.…”\"]{LABEL}", re.IGNORECASE)
THINK_TAG = re.compile(r"</?\s*(?:think|thinking|answer)\s*>", re.IGNORECASE)
TAIL = "\u0080-\u00bf\u0100-\u0143€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""What the second and third byte of a character become where bytes are taken for characters."""
BROKEN = re.compile(
    "[\ud800-\udfff\ufffd-\uffff\ue000-\uf8ff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
    f"|锟斤拷|â€[{TAIL}]|ï[¿»][½¿]|[ÂÃ][\u0080-\u00bf]|[äåæçè][{TAIL}]{{2}}|(?<![^\\W\\d_])[ĠĊ](?=[^\\W\\d_])"
    r"|<0x[0-9A-Fa-f]{2}>|\\u[0-9A-Fa-f]{4}|&(?:#\d{2,6}|#x[0-9A-Fa-f]{2,5}|nbsp|amp|quot|apos|lt|gt|hellip|[mn]dash);"
)
"""Characters that nobody types, UTF-8 taken for another encoding, a tokenizer's bytes, escapes that were left."""
LONGEST = {"counselor": (300, 460), "client": (600, 1200)}
"""Characters of Chinese (flag above, reject above). Counselor: p99 of SMILE is 460, a counselling turn's median 28."""
LATIN_FACTOR = 3
"""An English word and its space take about as many characters as three Chinese ones say as much."""
SHORTEST_REPEAT = 8
"""Letters below which saying the same again is ordinary talk ("嗯，我在听")."""


def find_empty(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find an utterance without a letter or digit; a client's silence ("……") is speech."""
    if any(char.isalnum() for char in utterance.text):
        return None
    if utterance.speaker == "client" and utterance.text.strip():
        return None
    return Finding("empty", 1, "reject", (0, len(utterance.text)), "nothing is said")


def find_role_prefix(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a speaker's label at the head of the text, of one of its lines or of a sentence (two turns in one)."""
    start = 0
    for line in utterance.text.split("\n"):
        match = ROLE_PREFIX.match(line)
        if match:
            span = (start + match.start(), start + match.end())
            return Finding("role_prefix", 1, "reject", span, "the text carries a speaker's label")
        start += len(line) + 1
    within = ROLE_WITHIN.search(utterance.text)
    if within is None:
        return None
    return Finding("role_prefix", 1, "reject", within.span(), "a second speaker's turn stands in the text")


def find_think_tag(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a tag of the reasoning in what is said aloud."""
    match = THINK_TAG.search(utterance.text)
    if match is None:
        return None
    return Finding("think_tag", 1, "reject", match.span(), "reasoning markup stands in the reply")


def find_broken_text(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find characters that broke between the model and here, or in the model itself."""
    match = BROKEN.search(utterance.text)
    if match is None:
        return None
    return Finding("broken_text", 1, "reject", match.span(), "characters that are broken, or written as codes")


def find_length(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find an utterance longer than people say in one go."""
    text = utterance.text
    factor = LATIN_FACTOR if language_of(text) == "en" else 1
    flagged, rejected = (limit * factor for limit in LONGEST[utterance.speaker])
    if len(text) <= flagged:
        return None
    severity: Severity = "reject" if len(text) > rejected else "flag"
    return Finding("length", 1, severity, (flagged, len(text)), f"{len(text)} characters in one utterance")


def find_repeat(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find an utterance that its speaker has said before, word for word; a counselor who does so is rejected."""
    said = _letters(utterance.text)
    if len(said) < SHORTEST_REPEAT:
        return None
    if not any(_letters(line.text) == said for line in before if line.speaker == utterance.speaker):
        return None
    severity: Severity = "reject" if utterance.speaker == "counselor" else "flag"
    return Finding("repeat", 1, severity, (0, len(utterance.text)), "said before in this session, word for word")


@lru_cache(maxsize=4096)
def _letters(text: str) -> str:
    return unicodedata.normalize("NFKC", "".join(filter(str.isalnum, text))).lower()
