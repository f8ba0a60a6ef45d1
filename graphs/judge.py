"""Judges dialogues by the rules: python -m graphs.judge FILE --rules-only; findings as JSON Lines on stdout."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agents.checks import check_dialogue
from agents.transcript import Utterance
from store.formats.dialogues import FileDialogue, read_dialogues
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError

SHOWN = 3


def build_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("graphs.judge", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="JSON or JSON Lines with a dialogue in each row")
    parser.add_argument("--rules-only", action="store_true", help="deterministic checks alone: no model is asked")
    return parser


class Summary:
    """Counts what was judged and found."""

    def __init__(self) -> None:
        self.dialogues = 0
        self.utterances: Counter[str] = Counter()
        self.findings: Counter[tuple[str, str]] = Counter()
        self.hit: Counter[str] = Counter()
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
        print("\n".join(lines), file=sys.stderr)


def judge_file(path: Path, summary: Summary) -> Iterator[dict[str, Any]]:
    """Yield the findings on the dialogues of a file."""
    for row in read_dialogues(path):
        if not isinstance(row, FileDialogue):
            summary.skipped.append(f"{row.file}:{row.row} {row.reason}")
            continue
        lines = [Utterance(line.speaker, line.text, line.reasoning) for line in row.lines]
        summary.dialogues += 1
        summary.utterances.update(line.speaker for line in lines)
        rules = set()
        for number, finding in check_dialogue(lines):
            rules.add(finding.rule)
            summary.findings[finding.rule, finding.severity] += 1
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
        summary.hit.update(rules)


def main() -> int:
    """Judge a file and print what was found."""
    flags = build_parser().parse_args()
    if not flags.rules_only:
        raise InputError("graphs.judge judges by rules so far; add --rules-only")
    summary = Summary()
    for finding in judge_file(flags.file, summary):
        print(json.dumps(finding, ensure_ascii=False))
    summary.print()
    if not summary.dialogues:
        raise InputError(f"{flags.file}: no row holds a dialogue")
    return 0


if __name__ == "__main__":
    run_main(main)
