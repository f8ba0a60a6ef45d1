"""The policy: a pure, versioned decision over a dialogue's findings and verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.checks.finding import Finding, Severity
from agents.critic import Judgement
from taxonomy.reading import read_yaml

Choice = Literal["accept", "reject", "person"]


class Policy(BaseModel):
    """The rules of one policy file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    reject_severities: list[Severity]
    """A finding of one of these severities on an utterance that stands rejects the dialogue."""
    unscored: Literal["person", "reject"]
    """What becomes of a dialogue with an unreadable verdict; it never passes on its own."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy decided, with its reasons; `policy` and `version` say which one."""

    policy: str
    version: int
    choice: Choice
    reasons: tuple[str, ...]


def load_policy(path: Path) -> Policy:
    """Read a policy file; raises InputError naming file and line."""
    return read_yaml(path, Policy)


def decide(policy: Policy, findings: Sequence[Finding], judgements: Sequence[Judgement]) -> Decision:
    """Decide on a finished dialogue from the findings and verdicts on what stands in it."""
    faults = [f"{f.rule}: {f.reason}" for f in findings if f.severity in policy.reject_severities]
    if faults:
        return Decision(policy.name, policy.version, "reject", tuple(faults))
    unread = [f"{j.rubric}: {j.unscored}" for j in judgements if j.scores is None]
    if unread:
        return Decision(policy.name, policy.version, policy.unscored, tuple(unread))
    return Decision(policy.name, policy.version, "accept", ())
