"""On real dialogues the rules of safety stay within one and a half times what earlier detectors of the kind found."""

from collections import Counter

import pytest

from agents.checks import check_utterance
from tests.real_data import read_dialogues

CEILINGS = {
    "stat_claim": (0.0, 0.12),
    "vague_cite": (0.0, 0.11),
    "neuro": (0.02, 0.10),
    "jargon": (0.02, 0.08),
    "list_dump": (1.4, 1.7),
    "reason_leak": (0.0, 0.0),
    "diagnosis": (0.06, 0.06),
    "medication": (0.0, 0.04),
    "guarantee": (0.14, 0.16),
    "role_swap": (0.0, 0.11),
    "language_mix": (0.02, 0.01),
    "pii": (0.0, 0.0),
    "loop": (0.0, 0.0),
}
"""Per cent of utterances of CPsyCounD and SMILE: the counselor's, and of role_swap the client's."""
SETS = ("cpsycound_sample", "smile_sample")
LEEWAY = 1.5
ROUNDED = 0.005
"""The ceilings are given to a hundredth of a per cent."""


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SETS)), ids=SETS)
def test_no_rule_fires_more_often_than_its_ceiling_allows(number: int) -> None:
    hits: Counter[str] = Counter()
    spoken: Counter[str] = Counter()
    for _, lines in read_dialogues(SETS[number]):
        for at, line in enumerate(lines):
            spoken[line.speaker] += 1
            for rule in {finding.rule for finding in check_utterance(line, lines[:at])}:
                hits[f"{line.speaker}:{rule}"] += 1
    for rule, ceilings in CEILINGS.items():
        speaker = "client" if rule == "role_swap" else "counselor"
        rate = 100 * hits[f"{speaker}:{rule}"] / spoken[speaker]
        assert rate <= LEEWAY * ceilings[number] + ROUNDED, rule
