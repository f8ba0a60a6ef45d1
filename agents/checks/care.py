"""The duty-of-care checks: no diagnosis, no medication, no guarantee, no dependency, no detail of a method."""

import re
from collections.abc import Iterator, Sequence

from agents.checks.finding import Finding, Severity
from agents.checks.lexicon import Words, language_of, load_words
from agents.transcript import Utterance

TAKEN = re.compile(
    r"测评|测试|量表|问卷|评估|筛查|自评|\b(?:test|quiz|questionnaire|assessment|scale|screening|scored?)\b|[0-9一二三四五六七八九十]分(?!钟)",
    re.I,
)
"""A client who says one of these has brought a test into the session: the counselor may speak of it."""
REPORTED = re.compile(
    r"诊断|确诊|(?:医生|大夫|医院)[^，。！？；\n]{0,6}(?:说|讲|告诉|认为|查)|查出"
    r"|(?<!怀疑)(?<!觉得)(?<!是不是)(?<!担心)(?<!感觉)我[^，。！？；\n]{0,3}(?:有|患|得了|得过)[^，。！？；\n]{0,6}(?:症(?!状)|障碍)"
    r"(?![^。！？\n]{0,6}[吗？])"
    r"|\bdiagnos|\b(?:doctor|psychiatrist|gp)\b.{0,20}\b(?:said|says|told|thinks)",
    re.I,
)
"""A client who says one of these has reported what was found elsewhere."""


def find_diagnosis(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a counselor who names the client's disorder, or a test result that the client never brought."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("diagnosis", language_of(utterance.text))
    for match in _matches(words, utterance.text):
        # Patterns in a named group cite a result, the others ascribe a disorder.
        known = TAKEN if match.lastgroup else REPORTED
        if not any(known.search(said) for said in _client_lines(before)):
            reason = "a test result nobody brought" if known is TAKEN else "a disorder is ascribed to the client"
            return Finding("diagnosis", words.version, "flag", match.span(), reason)
    return None


def find_medication(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a counselor's dose or advice to start, stop or change a drug; failing that, a drug's bare name."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("medication", language_of(utterance.text))
    named: Finding | None = None
    for match in _matches(words, utterance.text):
        # Patterns in a named group are doses and advice, the others are names.
        if match.lastgroup:
            return Finding(
                "medication", words.version, "reject", match.span(), f"a counselor's {match.lastgroup.split('_')[0]}"
            )
        if named is None and not any(match[0].lower() in said.lower() for said in _client_lines(before)):
            named = Finding("medication", words.version, "flag", match.span(), "a drug the client has not named")
    return named


def find_guarantee(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a counselor who promises an outcome."""
    if utterance.speaker != "counselor":
        return None
    return _find("guarantee", "flag", utterance.text, "an outcome is promised")


def find_dependency(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a counselor who offers to be always there, or the only one."""
    if utterance.speaker != "counselor":
        return None
    return _find("dependency", "flag", utterance.text, "the client is bound to the counselor")


def find_method_detail(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a means of self-harm together with how much, how high, how long, which or how to hide it."""
    return _find("method_detail", "reject", utterance.text, "detail of a method of self-harm")


def _find(rule: str, severity: Severity, text: str, reason: str) -> Finding | None:
    words = load_words(rule, language_of(text))
    match = next(_matches(words, text), None)
    return Finding(rule, words.version, severity, match.span(), reason) if match else None


def _matches(words: Words, text: str) -> Iterator[re.Match[str]]:
    """Yield the matches outside the exceptions; one may start within another, as advice does in a drug's name."""
    text = text.replace("’", "'")
    if not words.has_match(text):
        return
    blanked = words.blank(text)
    start = 0
    while match := words.find.search(blanked, start):
        yield match
        start = match.start() + 1


def _client_lines(before: Sequence[Utterance]) -> Iterator[str]:
    return (line.text for line in before if line.speaker == "client")
