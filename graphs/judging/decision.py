"""Decides again on a stored dialogue from all that is known of it, and tells where people said otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.checks.finding import Finding, Severity
from agents.critic import Judgement, load_rubric
from agents.policy import Decision, Policy, decide
from agents.rubric import list_rubrics
from graphs.record import list_disagreements, record_decision, widest
from graphs.state import Judged
from store.judging import StoredDialogue
from store.records import DecisionRecord, DisagreementRecord, FindingRecord, VerdictRecord
from store.standing import STANDING_OF


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A dialogue on which people decided one thing and the policy would decide the other; people's word stands."""

    id: str
    people: str
    choice: str
    reasons: tuple[str, ...]


def choose_policy(dialogue: StoredDialogue, named: Policy | None, default: Policy) -> Policy:
    """Return the policy that was named, else the one that decided on this dialogue before, else the default."""
    if named is not None:
        return named
    if dialogue.decision is not None and dialogue.decision.body is not None:
        return Policy.model_validate_json(dialogue.decision.body)
    return default


def decide_again(
    dialogue: StoredDialogue, policy: Policy, findings: Sequence[FindingRecord], verdicts: Sequence[VerdictRecord]
) -> tuple[Decision, list[DisagreementRecord]]:
    """Return what a policy says of these findings and verdicts, and how far the verdicts lie apart."""
    judged = [
        read_verdict(verdict)
        for verdict in keep_newest(verdicts)
        if verdict.about == "line" and dialogue.stands(verdict.exchange, verdict.attempt)
    ]
    standing = [
        read_finding(found) for found in findings if dialogue.stands(found.exchange, found.attempt, found.speaker)
    ]
    apart = list_disagreements(judged, {(one.exchange, one.attempt) for one in judged})
    return decide(policy, standing, [one.judgement for one in judged], widest(apart)), apart


def keep_newest(verdicts: Sequence[VerdictRecord]) -> list[VerdictRecord]:
    """Return the verdicts of each known rubric's newest version: scores of two versions are not compared."""
    newest: dict[str, int] = {}
    known = list_rubrics()
    verdicts = [verdict for verdict in verdicts if verdict.rubric in known]
    for verdict in verdicts:
        newest[verdict.rubric] = max(verdict.version, newest.get(verdict.rubric, 0))
    return [verdict for verdict in verdicts if verdict.version == newest[verdict.rubric]]


def change_of(dialogue: StoredDialogue, decided: Decision) -> DecisionRecord | None:
    """Return the decision to store, or None where it is the one that stands already or nothing is to be decided."""
    if dialogue.outcome != "done":
        return None
    last = dialogue.decision
    if last is not None and (last.choice, last.reasons, last.body) == (decided.choice, decided.reasons, decided.body):
        return None
    return record_decision(decided)


def find_contradiction(dialogue: StoredDialogue, decided: Decision) -> Contradiction | None:
    """Return where people have accepted what the policy rejects, or the other way round."""
    people = dialogue.people
    if (people, decided.choice) in (("accept", "reject"), ("reject", "accept")) and people is not None:
        return Contradiction(dialogue.id, STANDING_OF[people], decided.choice, decided.reasons)
    return None


def read_finding(record: FindingRecord) -> Finding:
    """Return a stored finding as the policy reads it."""
    severity: Severity = "reject" if record.severity == "reject" else "flag"
    return Finding(record.rule, record.version, severity, record.span, record.reason)


def read_verdict(record: VerdictRecord) -> Judged:
    """Return a stored verdict as the policy reads it."""
    return Judged(
        record.exchange,
        record.attempt,
        Judgement(
            record.rubric, record.version, load_rubric(record.rubric).scope, record.scores, record.quotes,
            record.reason, record.call_number, record.unscored, record.model,
        ),
    )  # fmt: skip
