"""The register checks: a counselor who talks like a consultant's slides, in their words or in their lists."""

from collections.abc import Sequence

from agents.checks.evidence import client_words
from agents.checks.finding import Finding, Severity
from agents.checks.lexicon import language_of, load_words
from agents.transcript import Utterance


def find_jargon(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find words of management and physics that the client has not used."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("jargon", language_of(utterance.text))
    matches = words.search_all(utterance.text)
    if not matches:
        return None
    said = client_words(before)
    for match in matches:
        if match[0].lower() not in said:
            return Finding("jargon", words.version, "reject", match.span(), f"jargon: {match[0]}")
    return None


def find_list_dump(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find advice served as a list; two markers are on the way, three are a list."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("list_dump", language_of(utterance.text))
    matches = words.search_all(utterance.text)
    # A numbered marker counts once, for people repeat themselves; a bullet has no other sign than its place.
    markers = {m[0] if any(char.isalnum() for char in m[0]) else m.start() for m in matches}
    # "First ... secondly" is how a counselor talks, too: spoken order makes a list from the third word on.
    spoken = all(match.groupdict().get("spoken") for match in matches)
    if len(markers) < (3 if spoken else 2):
        return None
    severity: Severity = "reject" if len(markers) > 2 else "flag"
    span = (matches[0].start(), matches[-1].end())
    return Finding("list_dump", words.version, severity, span, f"{len(markers)} list markers")
