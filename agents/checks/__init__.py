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


def check_utterance(utterance: Utterance, before: Sequence[Utterance]) -> list[Finding]:
    """Return the findings of all checks on an utterance, given the transcript before it."""
    found = (check(utterance, before) for check in CHECKS)
    return [finding for finding in found if finding is not None]
