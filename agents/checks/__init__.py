"""Deterministic checks: each looks at one utterance in its transcript and returns nothing or a finding."""

from collections.abc import Callable, Sequence

from agents.checks.finding import Finding
from agents.checks.structure import (
    find_empty,
    find_length,
    find_repeat,
    find_role_prefix,
    find_think_tag,
)
from agents.transcript import Utterance

Check = Callable[[Utterance, Sequence[Utterance]], Finding | None]

CHECKS: tuple[Check, ...] = (find_empty, find_role_prefix, find_think_tag, find_length, find_repeat)


LONGEST_SCANNED = 20_000
"""Characters beyond which an utterance is a finding in itself and is not scanned further."""


def check_utterance(utterance: Utterance, before: Sequence[Utterance]) -> list[Finding]:
    """Return the findings of all checks on an utterance, given the transcript before it."""
    if len(utterance.text) > LONGEST_SCANNED:
        size = len(utterance.text)
        return [Finding("oversized", 1, "reject", (LONGEST_SCANNED, size), f"{size} characters in one utterance")]
    found = (check(utterance, before) for check in CHECKS)
    return [finding for finding in found if finding is not None]
