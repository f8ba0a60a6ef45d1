"""Deterministic checks: each looks at one utterance in its transcript and returns nothing or a finding."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import get_args

from agents.checks.care import (
    find_dependency,
    find_diagnosis,
    find_guarantee,
    find_medication,
    find_method_detail,
)
from agents.checks.craft import (
    find_advice_question,
    find_client_insight,
    find_data_question,
    find_duty_override,
    find_label_swap,
    find_narrated_progress,
    find_quick_comfort,
    find_risk_skated,
    find_side_taking,
)
from agents.checks.crisis import Placed, find_secrecy, find_unhandled_crisis
from agents.checks.evidence import find_neuro, find_stat_claim, find_vague_cite
from agents.checks.finding import Finding
from agents.checks.jargon import find_jargon, find_list_dump
from agents.checks.leak import find_reason_leak
from agents.checks.privacy import find_hotline, find_pii
from agents.checks.speech import (
    find_injection,
    find_language_mix,
    find_loop,
    find_role_swap,
    find_special_risk,
    find_template,
    find_truncation,
)
from agents.checks.structure import (
    find_broken_text,
    find_empty,
    find_length,
    find_repeat,
    find_role_prefix,
    find_think_tag,
)
from agents.checks.thought import find_thought_fault
from agents.transcript import Speaker, Utterance

Check = Callable[[Utterance, Sequence[Utterance]], Finding | None]
DialogueCheck = Callable[[Sequence[Utterance]], Placed | None]

CHECKS: tuple[Check, ...] = (
    find_empty,
    find_role_prefix,
    find_think_tag,
    find_broken_text,
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
    find_secrecy,
    find_hotline,
    find_pii,
    find_template,
    find_role_swap,
    find_language_mix,
    find_loop,
    find_truncation,
    find_special_risk,
    find_injection,
    find_label_swap,
    find_advice_question,
    find_quick_comfort,
    find_data_question,
    find_side_taking,
    find_duty_override,
    find_risk_skated,
    find_narrated_progress,
    find_client_insight,
    find_thought_fault,
)

DIALOGUE_CHECKS: tuple[DialogueCheck, ...] = (find_unhandled_crisis,)
"""Checks of a whole dialogue: what is missing stands in no utterance."""

LONGEST_SCANNED = 20_000
"""Characters beyond which an utterance is a finding in itself and is not scanned further."""


def check_utterance(utterance: Utterance, before: Sequence[Utterance]) -> list[Finding]:
    """Return the findings of all checks on an utterance, given the transcript before it."""
    if len(utterance.text) > LONGEST_SCANNED:
        size = len(utterance.text)
        return [Finding("oversized", 1, "reject", (LONGEST_SCANNED, size), f"{size} characters in one utterance")]
    return [finding for check in CHECKS if (finding := check(utterance, before)) is not None]


def load_checks() -> None:
    """Load the word lists now, so that no line of a run has to wait for them."""
    for speaker in get_args(Speaker):
        check_utterance(Utterance(speaker, "嗯，好。"), ())


def check_dialogue(transcript: Sequence[Utterance]) -> Iterator[tuple[int, Finding]]:
    """Yield (number of the utterance, finding) for a whole dialogue."""
    before: list[Utterance] = []
    for number, utterance in enumerate(transcript):
        for finding in check_utterance(utterance, before):
            yield number, finding
        before.append(utterance)
    yield from check_whole(transcript)


def check_whole(transcript: Sequence[Utterance]) -> list[Placed]:
    """Return (number of the utterance it hangs on, finding) for what only a whole dialogue shows."""
    # An oversized line is a finding in itself; it is cut here so that no check scans it whole.
    cut = [
        replace(line, text=line.text[:LONGEST_SCANNED]) if len(line.text) > LONGEST_SCANNED else line
        for line in transcript
    ]
    found = (check(cut) for check in DIALOGUE_CHECKS)
    return [placed for placed in found if placed is not None]
