"""Every line of injections.yaml is rejected, whoever says it."""

from pathlib import Path

import pytest
import yaml

from agents.checks.speech import find_injection
from agents.transcript import Utterance

LINES = yaml.safe_load((Path(__file__).parent / "injections.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", LINES, ids=[str(number) for number in range(1, len(LINES) + 1)])
def test_an_injection_is_rejected(line: dict[str, str]) -> None:
    speaker = "client" if line["speaker"] == "client" else "counselor"
    finding = find_injection(Utterance(speaker, line["text"]), ())
    assert finding is not None
    assert finding.severity == "reject"


def test_there_are_lines_of_both_speakers_in_both_languages() -> None:
    assert len(LINES) >= 20
    assert {line["speaker"] for line in LINES} == {"client", "counselor"}
