"""What a check reports: the rule and its version, how grave it is, where it stands and why."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["flag", "reject"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect; `span` is (start, end) in characters of the utterance's text."""

    rule: str
    version: int
    severity: Severity
    span: tuple[int, int]
    reason: str
