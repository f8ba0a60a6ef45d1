"""What the graphs hand over to be kept: a finished session in plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["talk", "scenario", "treatment_plan"]
"""What a run of a recipe leaves: a talk of client and counselor, or something that is made for one or of one."""


@dataclass(frozen=True, slots=True)
class SeedRecord:
    """A unit of input; a text says its file and row. With an `id` it is stored already."""

    kind: str
    emotion: str | None = None
    scene: str | None = None
    text: str | None = None
    file: str | None = None
    row: int | None = None
    row_id: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class UtteranceRecord:
    """One line of the transcript."""

    speaker: str
    text: str
    reasoning: str
    stage: str | None
    call_number: int | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """A judged draft; its words stand in its call."""

    exchange: int
    attempt: int
    call_number: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ArtefactRecord:
    """What a method made beside the talk; exchange 0 is before it or about all of it."""

    kind: str
    exchange: int
    body: object
    call_number: int | None


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A finding and the line it is about."""

    exchange: int
    attempt: int
    speaker: str
    rule: str
    version: int
    severity: str
    span: tuple[int, int]
    reason: str


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict; `scores` is None when it is unscored. Exchange 0 is the whole session."""

    exchange: int
    attempt: int
    rubric: str
    version: int
    scores: dict[str, float] | None
    quotes: dict[str, str]
    reason: str
    unscored: str
    call_number: int | None
    model: str = ""
    about: str = "line"
    """`line`, or `thought` for a verdict on the inner voice, whose attempts are its writings."""
    repeat: int = 0
    """Which time the same critic judged the same, from 0."""
    judged_in: int | None = None
    """The run that asked; None where it was the dialogue's own. The call stands with the dialogue's either way."""


@dataclass(frozen=True, slots=True)
class ThoughtRecord:
    """A counselor's thought in its own voice; `number` is the utterance's, without a text there is a `problem`."""

    number: int
    text: str
    problem: str
    version: int
    model: str
    call_number: int | None
    judged_in: int | None = None


@dataclass(frozen=True, slots=True)
class DisagreementRecord:
    """How far the verdicts on the same lie apart on an item."""

    exchange: int
    rubric: str
    version: int
    item: str
    spread: float
    verdicts: int


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A policy's decision; `body` is the whole policy as JSON."""

    policy: str
    version: int
    choice: str
    reasons: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True)
class DialogueRecord:
    """A whole session with its outcome."""

    run_id: int
    position: int
    seed: SeedRecord
    recipe: str
    language: str
    outcome: str
    plan: dict[str, object]
    risk_tier: str
    is_crisis: bool
    is_rehearsal: bool
    reason: str | None = None
    error_kind: str | None = None
    end_reason: str | None = None
    profile: dict[str, object] | None = None
    utterances: list[UtteranceRecord] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    findings: list[FindingRecord] = field(default_factory=list)
    verdicts: list[VerdictRecord] = field(default_factory=list)
    disagreements: list[DisagreementRecord] = field(default_factory=list)
    thoughts: list[ThoughtRecord] = field(default_factory=list)
    artefacts: list[ArtefactRecord] = field(default_factory=list)
    checks: str | None = None
    """The version of the checks that have seen it."""
    kind: Kind = "talk"
    parent_id: str | None = None
    """The stored dialogue it was made from, where there is one."""
    request_id: int | None = None
    """The line of the reviewers' log that asked for it."""
    decision: DecisionRecord | None = None
    bands: Sequence[int] = ()
    """What it is found under as a near copy, where it is done; see store.near."""

    @property
    def id(self) -> str:
        """The dialogue's id."""
        return f"{self.run_id}/{self.position}"

    @property
    def exchanges(self) -> int:
        """Complete exchanges."""
        return sum(line.speaker == "counselor" for line in self.utterances)
