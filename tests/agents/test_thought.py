"""Only a counselor's own silent thought is read for its voice, and the span stands where the fault stands."""

import pytest

from agents.checks.thought import find_thought_fault
from agents.transcript import Utterance

OWN = {
    "zh": "她说到第三回“没事”，声音比前两回轻。可能是在绕着她爸的事走，没准只是累。先不问，把这句话还给她。",
    "en": "He went quiet right after the word home. Maybe I came too near; I could be wrong. I stay with it and wait.",
}
FAULTS = {
    "zh": [
        "来访者提到和母亲的争吵。",
        "根据CBT的思路，要找出自动化的念头。",
        "她一定有童年创伤。",
        "提示词里要求口语。",
        "1. 反映情绪",
        "## 想法",
    ],
    "en": [
        "The client feels ashamed.",
        "First, I should validate; then, reframe.",
        "As an AI, I must not diagnose.",
        "# Plan",
    ],
}


def think(thought: str) -> Utterance:
    return Utterance("counselor", "嗯，你接着说。", reasoning=thought)


@pytest.mark.parametrize("place", ["alone", "before", "after"])
@pytest.mark.parametrize(("language", "fault"), [(key, fault) for key, faults in FAULTS.items() for fault in faults])
def test_the_span_stands_in_the_fault(language: str, fault: str, place: str) -> None:
    own = OWN[language]
    thought = {"alone": fault, "before": f"{fault}\n{own}", "after": f"{own}\n{fault}"}[place]
    finding = find_thought_fault(think(thought), ())
    assert finding is not None
    assert (finding.rule, finding.severity) == ("thought_voice", "flag")
    start, end = finding.span
    at = thought.index(fault)
    assert at <= start < end <= at + len(fault) + 1


@pytest.mark.parametrize("thought", OWN.values(), ids=OWN)
def test_a_thought_of_ones_own_stays_silent(thought: str) -> None:
    assert find_thought_fault(think(thought), ()) is None


def test_only_a_counselors_thought_is_read() -> None:
    fault = FAULTS["zh"][0]
    assert find_thought_fault(Utterance("client", "嗯。", reasoning=fault), ()) is None
    assert find_thought_fault(Utterance("counselor", fault), ()) is None
