"""The policy: a versioned file that turns findings and verdicts into accept, reject, or a person who must look."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.checks.finding import Finding, Severity
from agents.critic import Judgement, load_rubric
from agents.rubric import list_rubrics
from taxonomy.reading import WrongValue, read_yaml
from taxonomy.refusal import suggest

Choice = Literal["accept", "reject", "person"]
ANY = "any"
"""Stands for every item of a rubric."""


class Part(BaseModel):
    """What every part of a policy has: no unknown key, and no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Threshold(Part):
    """A score that is too low; of several verdicts the lowest counts."""

    rubric: str
    item: str
    """An item of the rubric, or `any`."""
    below: float


class Grounds(Part):
    """What is enough for one decision; each ground is enough by itself."""

    severities: list[Severity] = []
    """A finding of this severity on what stands in the dialogue."""
    rules: dict[str, Annotated[int, Field(ge=1)]] = {}
    """So many findings of a rule, whatever their severity."""
    faults: dict[str, list[str]] = {}
    """By rubric, the items whose fault counts: a no on a yes/no scale, or the answer that a flow names; or `any`."""
    scores: list[Threshold] = []
    """Scores that are too low."""
    unscored: bool = False
    """A verdict that could not be read: it is no zero and no pass."""
    spread: dict[str, float] = {}
    """By rubric, how far verdicts on the same may lie apart on an item; from here on it is a ground."""

    @model_validator(mode="after")
    def _check_names(self) -> "Grounds":
        known = list_rubrics()
        for key, names in (("faults", list(self.faults)), ("spread", list(self.spread))):
            for name in names:
                _check_known(name, known, "rubric", key, name)
        for number, threshold in enumerate(self.scores):
            _check_known(threshold.rubric, known, "rubric", "scores", number, "rubric")
            items = [item.id for item in load_rubric(threshold.rubric).items]
            _check_known(threshold.item, [*items, ANY], "item", "scores", number, "item")
        for name, chosen in self.faults.items():
            items = [item.id for item in load_rubric(name).items]
            for number, item in enumerate(chosen):
                _check_known(item, [*items, ANY], "item", "faults", name, number)
        return self


def _check_known(name: str, known: Sequence[str], what: str, *place: str | int) -> None:
    if name not in known:
        raise WrongValue(f"unknown {what} {name!r}{suggest(name, known)}; choose one of {', '.join(known)}", *place)


class Policy(Part):
    """The rules of one policy file: grounds to reject come before grounds for a person; without either it accepts."""

    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    reject: Grounds = Grounds()
    person: Grounds = Grounds()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy decided, with its reasons; `policy` and `version` say which one, `body` is all of it as JSON."""

    policy: str
    version: int
    choice: Choice
    reasons: tuple[str, ...]
    body: str


Spreads = Mapping[tuple[str, str], float]
"""How far verdicts on the same lie apart, by rubric and item."""


def load_policy(path: Path) -> Policy:
    """Read a policy file; raises InputError naming file and line."""
    return read_yaml(path, Policy)


def decide(
    policy: Policy, findings: Sequence[Finding], judgements: Sequence[Judgement], spreads: Spreads | None = None
) -> Decision:
    """Decide on a finished dialogue from the findings and verdicts on what stands in it."""
    choices: tuple[tuple[Choice, Grounds], ...] = (("reject", policy.reject), ("person", policy.person))
    for choice, grounds in choices:
        if reasons := list_reasons(grounds, findings, judgements, spreads or {}):
            return Decision(policy.name, policy.version, choice, tuple(reasons), policy.model_dump_json())
    return Decision(policy.name, policy.version, "accept", (), policy.model_dump_json())


def list_reasons(
    grounds: Grounds, findings: Sequence[Finding], judgements: Sequence[Judgement], spreads: Spreads
) -> list[str]:
    """Return each ground that holds, once, in words."""
    counts = Counter(found.rule for found in findings)
    reasons = [
        f"{found.rule}: {found.reason}"
        for found in findings
        if found.severity in grounds.severities
        or counts[found.rule] >= grounds.rules.get(found.rule, len(findings) + 1)
    ]
    for judged in judgements:
        if judged.scores is None:
            reasons += [f"{judged.rubric}: {judged.unscored}"] if grounds.unscored else []
            continue
        counted = grounds.faults.get(judged.rubric, ())
        reasons += [
            f"{judged.rubric}: {item} is a fault" for item in judged.list_faults() if item in counted or ANY in counted
        ]
        for threshold in grounds.scores:
            if threshold.rubric == judged.rubric:
                reasons += [
                    f"{judged.rubric}: {item} {score:g} is below {threshold.below:g}"
                    for item, score in judged.scores.items()
                    if threshold.item in (item, ANY) and score < threshold.below
                ]
    reasons += [
        f"{rubric}: verdicts on {item} lie {apart:g} apart"
        for (rubric, item), apart in sorted(spreads.items())
        if apart >= grounds.spread.get(rubric, apart + 1)
    ]
    return list(dict.fromkeys(reasons))
