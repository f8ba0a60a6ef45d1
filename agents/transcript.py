"""The one shape every role, check and critic reads: a list of utterances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agents.message import Message

Speaker = Literal["client", "counselor"]
Language = Literal["zh", "en"]

LABELS: dict[Language, dict[Speaker, str]] = {
    "zh": {"client": "来访者：", "counselor": "咨询师："},
    "en": {"client": "Client: ", "counselor": "Counselor: "},
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """One speaker's message; `call` is the number of the call that wrote it, within its session."""

    speaker: Speaker
    text: str
    reasoning: str = ""
    call: int | None = None
    stage: str | None = None


def label_utterances(transcript: Sequence[Utterance], language: Language) -> list[Message]:
    """Return one user part an utterance, as the reading roles (stage, memory, risk, critic) see the session."""
    labels = LABELS[language]
    return [Message("user", labels[line.speaker] + line.text) for line in transcript]


def count_exchanges(transcript: Sequence[Utterance]) -> int:
    """Return how many exchanges (client, then counselor) are complete."""
    return sum(line.speaker == "counselor" for line in transcript)
