"""Judges a file of dialogues by the rules and a policy: a line of JSON for each finding and each decision."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.checks import check_dialogue
from agents.policy import Policy, decide
from agents.transcript import Utterance
from store.decontamination import Evaluation, find_overlap
from store.formats.dialogues import FileDialogue, read_dialogues

SHOWN = 3


class Summary:
    """Counts what was judged and found."""

    def __init__(self) -> None:
        self.dialogues = 0
        self.utterances: Counter[str] = Counter()
        self.findings: Counter[tuple[str, str]] = Counter()
        self.hit: Counter[str] = Counter()
        self.decisions: Counter[str] = Counter()
        self.overlaps: Counter[str] = Counter()
        self.skipped: list[str] = []

    def print(self) -> None:
        """Print the summary on stderr: stdout belongs to the findings."""
        spoken = ", ".join(f"{count} of the {speaker}" for speaker, count in sorted(self.utterances.items()))
        lines = [f"{self.dialogues} dialogues, {self.utterances.total()} utterances ({spoken or 'none'})"]
        if self.skipped:
            named = "; ".join(self.skipped[:SHOWN])
            more = f"; and {len(self.skipped) - SHOWN} more" if len(self.skipped) > SHOWN else ""
            lines.append(f"skipped {len(self.skipped)} rows: {named}{more}")
        if self.findings:
            lines.append(f"{'rule':<20}{'severity':<10}{'findings':>9}{'dialogues':>11}{'per 100 utterances':>20}")
        for (rule, severity), count in sorted(self.findings.items()):
            rate = 100 * count / self.utterances.total()
            lines.append(f"{rule:<20}{severity:<10}{count:>9}{self.hit[rule]:>11}{rate:>20.2f}")
        lines += [f"{count} dialogues hold a text of {file}" for file, count in sorted(self.overlaps.items())]
        if self.decisions:
            lines.append("the policy: " + ", ".join(f"{choice} {n}" for choice, n in sorted(self.decisions.items())))
        print("\n".join(lines), file=sys.stderr)


def judge_file(
    path: Path, policy: Policy | None, evaluation: Evaluation | None, summary: Summary
) -> Iterator[dict[str, Any]]:
    """Yield the findings on a file's dialogues, the evaluation texts in them, and what a policy would decide."""
    for row, lines in read_transcripts(path, summary):
        found = list(check_dialogue(lines))
        summary.dialogues += 1
        summary.utterances.update(line.speaker for line in lines)
        summary.findings.update((finding.rule, finding.severity) for _, finding in found)
        summary.hit.update({finding.rule for _, finding in found})
        for number, finding in found:
            yield {
                "id": row.id,
                "utterance": number,
                "speaker": lines[number].speaker,
                "rule": finding.rule,
                "version": finding.version,
                "severity": finding.severity,
                "span": list(finding.span),
                "reason": finding.reason,
            }
        overlap = find_overlap(evaluation, [line.text for line in lines]) if evaluation is not None else None
        if overlap is not None:
            summary.overlaps[overlap.file] += 1
            yield {"id": row.id, "overlap": asdict(overlap)}
        if policy is not None:
            decided = decide(policy, [finding for _, finding in found], [])
            summary.decisions[decided.choice] += 1
            yield {"id": row.id, "decision": decided.choice, "policy": policy.name, "reasons": list(decided.reasons)}


def read_transcripts(path: Path, summary: Summary) -> Iterator[tuple[FileDialogue, list[Utterance]]]:
    """Yield the dialogues of a file as every check and critic reads them; rows without one are counted."""
    for row in read_dialogues(path):
        if isinstance(row, FileDialogue):
            yield row, [Utterance(line.speaker, line.text, line.reasoning) for line in row.lines]
        else:
            summary.skipped.append(f"{row.file}:{row.row} {row.reason}")
