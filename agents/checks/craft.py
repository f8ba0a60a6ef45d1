"""The checks of craft: turns that sound kind and fail the client, which a critic that reads one line overlooks."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from agents.checks.finding import Finding, Severity
from agents.checks.lexicon import language_of, load_words
from agents.checks.quotes import blank_quotes
from agents.checks.signs import may_hold_sign
from agents.hotlines import lines_for
from agents.risk import find_risk_words
from agents.transcript import Language, Speaker, Utterance

ADDRESSED = re.compile(
    r"(?:你|您)(?:的|地|得|现在|此刻|目前|当时|最近|内心|心里|心中|是|很|非常|特别|十分|感到|感觉|感受到|觉得|正|正在|经历|"
    r"确实|真的|一直|有些|有点|那么|这么|如此|其实|已经|也|都|又|充满|充满了|陷入|处于|因此|心情|情绪|为此|对此|种|这|那|着|"
    r"了|一|些|在|变得|更加|更|越来越|极度|巨大的|很大的|太|挺|好){0,6}$"
    r"|\byou(?:r|.re| are| were| feel| felt|.ve been| have been| must be| must feel)(?: feeling)?"
    r"(?: so| very| really| quite| deeply| incredibly| just| also| still| a lot of| the| this){0,3}"
    r"(?: and [a-z]{3,12})? ?$",
    re.IGNORECASE,
)
"""What stands before a feeling that is ascribed to the client."""
ADDRESS_REACH = 32
VOICED_WITHIN = 3
"""Client lines in which a duty counts as voiced just now."""
HEAVY_REACH = 80
"""Characters at the end of a line, in which its weight lies."""
ASKED_WITHIN = 2
"""Counselor lines whose direct question still stands while the client answers it."""


def find_label_swap(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a feeling that the counselor ascribes to the client as certain, though no client line has named it."""
    lines = [line.text for line in before if line.speaker == "client"]
    if utterance.speaker != "counselor" or not lines:
        return None
    text = blank_quotes(utterance.text)
    words = load_words("label_swap", language_of(text))
    if not words.has_match(text) or not any(_is_addressed(match) for match in words.find.finditer(text)):
        return None
    for match in words.search_all(text):
        if _is_addressed(match) and not any(match.lastgroup in _voiced(line) for line in lines):
            reason = f"no line of the client names {match[0]!r} or a word like it"
            return Finding("label_swap", words.version, "flag", match.span(), reason)
    return None


def find_advice_question(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find advice that is dressed as a question: saying yes to it means to comply."""
    return _find_in(utterance, "advice_question", "counselor", "a question whose yes is compliance")


def find_quick_comfort(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find reassurance right after the client has spoken of a death, a loss or tears."""
    finding = _find_in(utterance, "quick_comfort", "counselor", "reassurance right after the heaviest line")
    return finding if finding and _has_words(_last_words(before), "quick_comfort_heavy") else None


def find_data_question(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a question for numbers right after strong affect."""
    finding = _find_in(utterance, "data_question", "counselor", "a question for numbers on top of strong affect")
    return finding if finding and _has_words(_last_words(before), "data_question_affect") else None


def find_side_taking(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a judgement on a person who is not there."""
    return _find_in(utterance, "side_taking", "counselor", "judges a person who is not there")


def find_duty_override(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a call to oneself that passes over the family duty which the client has just voiced."""
    finding = _find_in(utterance, "duty_override", "counselor", "passes over a duty that the client has voiced")
    voiced = [line.text for line in before if line.speaker == "client"][-VOICED_WITHIN:]
    return finding if finding and any(_has_words(line, "duty_override_voiced") for line in voiced) else None


def find_risk_skated(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a reply to talk of dying that neither asks directly nor names a line of help."""
    if utterance.speaker != "counselor":
        return None
    last = _last_line(before)
    sign = _find_sign(last)
    if sign is None:
        return None
    replies = [line.text for line in before if line.speaker == "counselor"][-ASKED_WITHIN:]
    if any(_asks_directly(text) for text in (utterance.text, *replies)):
        return None
    # A word list takes a friend's death for the client's, and a reply may stay with it in words of its own.
    is_plain = _has_words(last, "risk_skated_voiced") and not _has_words(utterance.text, "risk_skated_touched")
    version = load_words("risk_skated", language_of(utterance.text)).version
    reason = f"the client said {sign!r}; the reply neither asks directly nor names a line of help"
    return Finding("risk_skated", version, "reject" if is_plain else "flag", (0, len(utterance.text)), reason)


def find_narrated_progress(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a change that the counselor claims and the client has not told of."""
    finding = _find_in(utterance, "narrated_progress", "counselor", "claims a change that only the client can tell of")
    told = (line.text for line in before if line.speaker == "client")
    return finding if finding and not any(_has_words(line, "narrated_progress_told") for line in told) else None


def find_client_insight(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a client who does the counselor's work: an insight in a counselor's vocabulary."""
    return _find_in(utterance, "client_insight", "client", "the client explains itself in a counselor's words")


def _find_in(
    utterance: Utterance, rule: str, speaker: Speaker, reason: str, severity: Severity = "flag"
) -> Finding | None:
    """Search a speaker's own words, quotes left aside, for a rule's list."""
    if utterance.speaker != speaker:
        return None
    words = load_words(rule, language_of(utterance.text))
    match = words.search(blank_quotes(utterance.text))
    return Finding(rule, words.version, severity, match.span(), reason) if match else None


def _has_words(text: str, name: str) -> bool:
    return bool(text) and load_words(name, language_of(text)).search(text) is not None


def _is_addressed(feeling: re.Match[str]) -> bool:
    lead = feeling.string[max(0, feeling.start() - ADDRESS_REACH) : feeling.start()]
    return ("你" in lead or "您" in lead or "you" in lead.lower()) and ADDRESSED.search(lead) is not None


@lru_cache(maxsize=4096)
def _voiced(line: str) -> frozenset[str | None]:
    """Return the families of feeling that a client's line voices, by name or in plain words."""
    lists = [load_words(name, language_of(line)) for name in ("label_swap", "label_swap_voiced")]
    found = (words.find.finditer(line) for words in lists if words.has_match(line))
    return frozenset(match.lastgroup for matches in found for match in matches)


def _last_line(before: Sequence[Utterance]) -> str:
    """Return what the client has just said; empty where the counselor spoke last."""
    return before[-1].text if before and before[-1].speaker == "client" else ""


def _last_words(before: Sequence[Utterance]) -> str:
    """Return the end of what the client has just said: in a long letter, tears far above are not the heavy line."""
    return _last_line(before)[-HEAVY_REACH:]


@lru_cache(maxsize=512)
def _find_sign(line: str) -> str | None:
    """Return the first sign of self-harm in a line that goes to the risk agent."""
    # The fitted model behind the list is asked only where one of its words stands.
    if not may_hold_sign(line):
        return None
    return next((word for kind, word in find_risk_words(line, language_of(line)) if kind == "self_harm"), None)


def _asks_directly(text: str) -> bool:
    language = language_of(text)
    if load_words("risk_skated", language).search(text):
        return True
    plain = text.replace("-", "").replace(" ", "")
    return any(number in plain for number in _numbers(language))


@cache
def _numbers(language: Language) -> tuple[str, ...]:
    return tuple(line.number.replace("-", "").replace(" ", "") for line in lines_for(language))
