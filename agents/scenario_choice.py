"""Which of the scenarios written for a cell is kept, and why the others are not."""

from collections.abc import Sequence
from typing import NamedTuple

from agents.checks.finding import Finding
from agents.recovery import Reading
from agents.scenario import Scenario


class Candidate(NamedTuple):
    """A written scenario and what became of it; `reading` is None where no assessor read it."""

    scenario: Scenario
    told: str
    call: int
    findings: Sequence[Finding]
    reading: Reading | None = None

    @property
    def faults(self) -> list[str]:
        """Why it fails the checks; empty where it passes."""
        return [f"{found.rule}: {found.reason}" for found in self.findings if found.severity == "reject"]

    def why_not(self, is_blind: bool) -> str | None:
        """Return why it cannot be kept, or None; where it is read blind, one that was not read fails."""
        if self.faults or not is_blind:
            return "; ".join(self.faults) or None
        reading = self.reading or Reading(problem="not read")
        return None if reading.is_recovered else reading.word_miss()


def choose(candidates: Sequence[Candidate], is_blind: bool) -> int | None:
    """Return the place of the best that can be kept, or None.

    Found at the first guess goes before found at the second, then fewer findings, then the earlier one.
    """
    able = [place for place, each in enumerate(candidates) if each.why_not(is_blind) is None]
    return min(able, key=lambda place: (*rank(candidates[place]), place), default=None)


def rank(candidate: Candidate) -> tuple[int, int]:
    """Return what candidates are put in order by, the best first."""
    return candidate.reading.rank if candidate.reading else 0, len(candidate.findings)


def word_misses(candidates: Sequence[Candidate], is_blind: bool) -> list[str]:
    """Return for each candidate why it is not kept."""
    return [f"candidate {number}: {each.why_not(is_blind)}" for number, each in enumerate(candidates, 1)]
