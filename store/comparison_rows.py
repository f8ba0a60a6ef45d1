"""What is kept of one question of a comparison, and how it becomes rows and is read from them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from store.clean import clean_text
from store.comparison_tables import ComparisonAnswerRow, ComparisonPairRow, ComparisonVerdictRow
from store.records import FindingRecord, VerdictRecord


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One model's answer, or why there is none."""

    model: str
    text: str | None
    reasoning: str
    failure: str
    findings: tuple[FindingRecord, ...]
    checks: str
    call_number: int | None


@dataclass(frozen=True, slots=True)
class PairRecord:
    """The judge's word on two answers in one order; `choice` is None where it is unscored."""

    first: str
    second: str
    judge: str
    choice: str | None
    reason: str
    unscored: str
    call_number: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """All that is kept of one question: answers, verdicts by model, and preferences in both orders."""

    answers: tuple[AnswerRecord, ...]
    verdicts: Mapping[str, tuple[VerdictRecord, ...]]
    pairs: tuple[PairRecord, ...]


def answer_values(answer: AnswerRecord) -> dict[str, Any]:
    """Return the row of an answer, but for its place."""
    findings = [
        [each.rule, each.version, each.severity, list(each.span), clean_text(each.reason)] for each in answer.findings
    ]
    return {
        "model": answer.model,
        "text": clean_text(answer.text) if answer.text is not None else None,
        "reasoning": clean_text(answer.reasoning) or None,
        "failure": clean_text(answer.failure) or None,
        "findings": json.dumps(findings, ensure_ascii=False),
        "checks": answer.checks,
        "call_number": answer.call_number,
    }


def verdict_values(model: str, verdict: VerdictRecord) -> dict[str, Any]:
    """Return the row of a verdict, but for its place."""
    return {
        "model": model,
        "rubric": verdict.rubric,
        "version": verdict.version,
        "judge": verdict.model,
        "scores": json.dumps(verdict.scores) if verdict.scores is not None else None,
        "quotes": clean_text(json.dumps(verdict.quotes, ensure_ascii=False)) if verdict.quotes else None,
        "reason": clean_text(verdict.reason) or None,
        "unscored": clean_text(verdict.unscored) or None,
        "call_number": verdict.call_number,
    }


def pair_values(pair: PairRecord) -> dict[str, Any]:
    """Return the row of a preference, but for its place."""
    return {
        "first": pair.first,
        "second": pair.second,
        "judge": pair.judge,
        "choice": pair.choice,
        "reason": clean_text(pair.reason) or None,
        "unscored": clean_text(pair.unscored) or None,
        "call_number": pair.call_number,
    }


def read_answer(row: ComparisonAnswerRow) -> AnswerRecord:
    """Return an answer; what was found in it is about the counselor's only line."""
    findings = tuple(
        FindingRecord(1, 0, "counselor", rule, version, severity, (span[0], span[1]), reason)
        for rule, version, severity, span, reason in json.loads(row.findings)
    )
    return AnswerRecord(
        row.model, row.text, row.reasoning or "", row.failure or "", findings, row.checks, row.call_number
    )


def read_verdict(row: ComparisonVerdictRow) -> VerdictRecord:
    """Return a verdict on an answer."""
    scores = json.loads(row.scores) if row.scores else None
    quotes = json.loads(row.quotes) if row.quotes else {}
    return VerdictRecord(
        1, 0, row.rubric, row.version, scores, quotes, row.reason or "", row.unscored or "", row.call_number, row.judge
    )  # fmt: skip


def read_pair(row: ComparisonPairRow) -> PairRecord:
    """Return a preference."""
    return PairRecord(
        row.first, row.second, row.judge, row.choice, row.reason or "", row.unscored or "", row.call_number
    )
