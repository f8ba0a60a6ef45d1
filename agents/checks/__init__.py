"""Deterministic checks: each looks at one utterance in its transcript and returns nothing or a finding."""

from collections.abc import Callable, Iterator, Sequence

from agents.checks.care import (
    find_dependency,
    find_diagnosis,
    find_guarantee,
    find_medication,
    find_method_detail,
)
from agents.checks.evidence import find_neuro, find_stat_claim, find_vague_cite
from agents.checks.finding import Finding
from agents.checks.jargon import find_jargon, find_list_dump
from agents.checks.leak import find_reason_leak
from agents.checks.privacy import find_hotline, find_pii
from agents.checks.structure import (
    find_empty,
    find_length,
    find_repeat,
    find_role_prefix,
    find_think_tag,
)
from agents.transcript import Utterance

Check = Callable[[Utterance, Sequence[Utterance]], Finding | None]

CHECKS: tuple[Check, ...] = (
    find_empty,
    find_role_prefix,
    find_think_tag,
    find_length,
    find_repeat,
    find_stat_claim,
    find_vague_cite,
    find_neuro,
    find_jargon,
    find_list_dump,
    find_reason_leak,
    find_diagnosis,
    find_medication,
    find_guarantee,
    find_dependency,
    find_method_detail,
    find_hotline,
    find_pii,
)


LONGEST_SCANNED = 20_000
"""Characters beyond which an utterance is a finding in itself and is not scanned further."""


def check_utterance(utterance: Utterance, before: Sequence[Utterance]) -> list[Finding]:
    """Return the findings of all checks on an utterance, given the transcript before it."""
    if len(utterance.text) > LONGEST_SCANNED:
        size = len(utterance.text)
        return [Finding("oversized", 1, "reject", (LONGEST_SCANNED, size), f"{size} characters in one utterance")]
    found = (check(utterance, before) for check in CHECKS)
    return [finding for finding in found if finding is not None]


def check_dialogue(transcript: Sequence[Utterance]) -> Iterator[tuple[int, Finding]]:
    """Yield (number of the utterance, finding) for a whole dialogue."""
    before: list[Utterance] = []
    for number, utterance in enumerate(transcript):
        for finding in check_utterance(utterance, before):
            yield number, finding
        before.append(utterance)
