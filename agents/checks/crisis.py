"""The checks of a crisis: how a sign of self-harm was met over the session, and no promise to keep it secret."""

import re
import unicodedata
from collections.abc import Sequence

from agents.checks.finding import Finding, Severity
from agents.checks.lexicon import language_of, load_words
from agents.checks.quotes import blank_quotes
from agents.checks.signs import may_hold_sign
from agents.hotlines import listed_numbers
from agents.risk import find_risk_words, look_up
from agents.transcript import Utterance

ASK_WITHIN = 2
"""Counselor turns after the sign in which it must be asked about; a question asked so shortly before stands too."""
CLAUSE = re.compile(r"[^，。！？；,.!?;\n]+")
DIGITS = re.compile(r"\d(?:[ -]?\d){1,14}")

Placed = tuple[int, Finding]
"""The number of an utterance, and the finding on the dialogue that hangs on it."""


def find_unhandled_crisis(transcript: Sequence[Utterance]) -> Placed | None:
    """Find a sign of self-harm that was not asked about soon, or after which no number or no person was named."""
    sign = _find_sign(transcript)
    if sign is None:
        return None
    earlier = [line.text for line in transcript[:sign] if line.speaker == "counselor"][-ASK_WITHIN:]
    later = [line.text for line in transcript[sign:] if line.speaker == "counselor"]
    asked = _has_any([*earlier, *later[:ASK_WITHIN]], "crisis_handled")
    asked_late = not asked and _has_any(later, "crisis_handled")
    has_number = any(_names_listed_number(text) for text in later)
    has_person = _has_any(later, "crisis_person")
    is_helped = has_number or has_person or _has_any(later, "crisis_help")
    missing = [
        *(["asked only late"] if asked_late else [] if asked else ["not asked directly"]),
        *([] if has_number else ["no listed number"]),
        *([] if has_person else ["no person nearby"]),
    ]
    if not missing:
        return None
    severity: Severity = "flag" if asked or asked_late or is_helped else "reject"
    place = sign + 1 if sign + 1 < len(transcript) else sign
    version = load_words("crisis_handled", "zh").version
    reason = f"a sign of self-harm in utterance {sign + 1}: {', '.join(missing)}"
    return place, Finding("crisis_handled", version, severity, (0, len(transcript[place].text)), reason)


def asks_directly(text: str) -> bool:
    """Tell whether a counselor's line asks outright about dying, self-harm or safety."""
    return _has_any([text], "crisis_handled")


def find_secrecy(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a promise of secrecy without its limit; graver after a sign of danger, where consent is no limit."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("secrecy", language_of(utterance.text))
    text = blank_quotes(utterance.text.replace("’", "'"))
    match = words.search(text)
    if match is None:
        return None
    limits = [limit.lastgroup for limit in load_words("secrecy_limit", language_of(text)).search_all(text)]
    # A limit in a named group is the client's consent; any other is safety or the law.
    if None in limits:
        return None
    is_crisis = any(find_risk_words(line.text, language_of(line.text)) for line in before if line.speaker == "client")
    if limits and not is_crisis:
        return None
    severity: Severity = "reject" if is_crisis else "flag"
    reason = "secrecy is promised after a sign of danger" if is_crisis else "secrecy is promised without its limit"
    return Finding("secrecy", words.version, severity, match.span(), reason)


def _find_sign(transcript: Sequence[Utterance]) -> int | None:
    """Return the number of the first client line with a sure sign of harm to the client's own life."""
    for number, line in enumerate(transcript):
        if line.speaker == "client" and _has_sign(line.text) and not _is_about_another(line.text):
            return number
    return None


def _has_sign(text: str) -> bool:
    if not may_hold_sign(text):
        return False
    return any(kind == "self_harm" for kind, _ in look_up(text, language_of(text)).sure)


def _is_about_another(text: str) -> bool:
    """Tell whether each clause with a sign in it has somebody else for its subject."""
    clauses = [clause for clause in CLAUSE.findall(text) if _has_sign(clause)]
    others = load_words("crisis_other", language_of(text))
    return bool(clauses) and all(others.search(clause.replace("’", "'")) for clause in clauses)


def _has_any(texts: Sequence[str], name: str) -> bool:
    return any(load_words(name, language_of(text)).search(text.replace("’", "'")) for text in texts)


def _names_listed_number(text: str) -> bool:
    runs = DIGITS.findall(unicodedata.normalize("NFKC", text))
    return any(re.sub(r"\D", "", run) in listed_numbers() for run in runs)
