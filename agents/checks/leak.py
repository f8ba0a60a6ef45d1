"""The leak check: a reply that shows the model at work, thinking about "the user" or naming what it is."""

from collections.abc import Sequence

from agents.checks.evidence import client_words
from agents.checks.finding import Finding
from agents.checks.lexicon import language_of, load_words
from agents.transcript import Utterance

PEOPLE = ("用户", "来访者", "求助者", "user")


def find_reason_leak(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find reasoning about the reply in the reply; where the client speaks of users or clients, so may the reply."""
    if utterance.speaker != "counselor":
        return None
    words = load_words("reason_leak", language_of(utterance.text))
    matches = words.search_all(utterance.text)
    if not matches:
        return None
    said = client_words(before)
    theirs = [word for word in PEOPLE if word in said]
    for match in matches:
        if not any(word in match[0].lower() for word in theirs):
            reason = f"the reply thinks aloud: {match[0].strip()}"
            return Finding("reason_leak", words.version, "reject", match.span(), reason)
    return None
