"""Joins an utterance with all that hangs on it: thoughts, drafts, findings, verdicts, and what people said of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from store.judging import StoredDialogue
from store.records import FindingRecord, VerdictRecord
from store.review.passage import Passage, Place, show_passage

THOUGHTS = text('SELECT number, "text", problem FROM thoughts WHERE dialogue_id = :id')
ATTEMPTS = text(
    "SELECT a.exchange, a.attempt, a.is_chosen, k.content FROM attempts a JOIN calls k ON k.run_id = :run"
    " AND k.position = :position AND k.number = a.call_number WHERE a.dialogue_id = :id ORDER BY a.exchange, a.attempt"
)
EDITED = text("SELECT number FROM edits WHERE dialogue_id = :id")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a critic judged; `scores` by item, `unscored` says why there are none."""

    exchange: int
    rubric: str
    version: int
    model: str
    about: str
    scores: Mapping[str, float]
    quotes: Mapping[str, str]
    reason: str
    unscored: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A draft of a reply, with what was found on it and judged of it."""

    number: int
    passage: Passage
    is_chosen: bool
    findings: tuple[FindingRecord, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance with all that hangs on it; `raw` is its text without a mark, as an edit begins from it."""

    number: int
    exchange: int
    speaker: str
    raw: str
    passage: Passage
    reasoning: Passage | None
    thought: Passage | None
    problem: str
    stage: str
    findings: tuple[FindingRecord, ...]
    verdicts: tuple[Verdict, ...]
    attempts: tuple[Attempt, ...]
    said: tuple["Said", ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the log that this reviewer may see; `before` and `after` are the words of an edit."""

    id: int
    reviewer: str
    word: str
    reasons: tuple[str, ...]
    comment: str
    number: int | None
    scores: Mapping[str, float]
    other_id: str
    is_mine: bool
    is_undone: bool
    is_adjudication: bool
    at: float
    before: str
    after: str


def read_lines(
    db: Connection, dialogue: StoredDialogue, key: dict[str, Any], log: Sequence[Said], *, is_full: bool
) -> tuple[Line, ...]:
    """Return the utterances of a dialogue; the exchange of one is the reply that it leads to."""
    thoughts = {row["number"]: row for row in db.execute(THOUGHTS, key).mappings()}
    drafts: dict[int, list[RowMapping]] = {}
    for row in db.execute(ATTEMPTS, key).mappings():
        drafts.setdefault(row["exchange"], []).append(row)
    is_unseen = dialogue.is_edited and dialogue.checks is None
    edited = set(db.execute(EDITED, key).scalars()) if is_unseen else set()
    lines, exchange = [], 1
    for number, line in enumerate(dialogue.utterances):
        at = (exchange, dialogue.chosen.get(exchange, 0) if line.speaker == "counselor" else 0, line.speaker)
        found = tuple(f for f in dialogue.findings if (f.exchange, f.attempt, f.speaker) == at)
        # What was found on a line before it was edited lies elsewhere in its words.
        thought = thoughts.get(number)
        is_reply = line.speaker == "counselor"
        lines.append(
            Line(
                number=number,
                exchange=exchange,
                speaker=line.speaker,
                raw=line.text,
                passage=show_passage(
                    line.text, [place(f) for f in found] if number not in edited else (), is_full=is_full
                ),
                reasoning=show_passage(line.reasoning, is_full=is_full) if line.reasoning else None,
                thought=show_passage(thought["text"], is_full=is_full) if thought and thought["text"] else None,
                problem=(thought["problem"] or "") if thought else "",
                stage=line.stage or "",
                findings=found,
                verdicts=judged(dialogue.verdicts, exchange, at[1]) if is_reply else (),
                attempts=read_attempts(dialogue, drafts.get(exchange, ()), is_full=is_full) if is_reply else (),
                said=tuple(said for said in log if said.number == number),
            )
        )
        exchange += is_reply
    return tuple(lines)


def read_attempts(dialogue: StoredDialogue, rows: Sequence[RowMapping], *, is_full: bool) -> tuple[Attempt, ...]:
    """Return the drafts of a reply; none where the first one stood."""
    if len(rows) < 2:
        return ()
    return tuple(
        Attempt(
            number=row["attempt"],
            passage=show_passage(row["content"], is_full=is_full),
            is_chosen=bool(row["is_chosen"]),
            findings=tuple(
                f
                for f in dialogue.findings
                if (f.exchange, f.attempt, f.speaker) == (row["exchange"], row["attempt"], "counselor")
            ),
            verdicts=judged(dialogue.verdicts, row["exchange"], row["attempt"]),
        )
        for row in rows
    )


def judged(verdicts: Sequence[VerdictRecord], exchange: int, attempt: int) -> tuple[Verdict, ...]:
    """Return what critics judged of one draft, and of the thoughts beside its exchange."""
    return tuple(
        read_verdict(one)
        for one in verdicts
        if one.exchange == exchange and (one.attempt == attempt or one.about == "thought")
    )


def read_verdict(one: VerdictRecord) -> Verdict:
    """Return a verdict as it is shown."""
    return Verdict(
        one.exchange, one.rubric, one.version, one.model, one.about, one.scores or {}, one.quotes, one.reason,
        one.unscored,
    )  # fmt: skip


def place(found: FindingRecord) -> Place:
    """Return where a finding lies in its line."""
    return Place(*found.span, found.rule, found.severity, found.reason)


def read_said(row: RowMapping, reviewer: str, is_kept: bool) -> Said:
    """Return a line of the log; one that was taken back still stands in it."""
    return Said(
        id=row["id"],
        reviewer=row["reviewer"],
        word=row["verdict"],
        reasons=tuple(json.loads(row["reasons"])) if row["reasons"] else (),
        comment=row["comment"] or "",
        number=row["number"],
        scores=json.loads(row["scores"]) if row["scores"] else {},
        other_id=row["other_id"] or "",
        is_mine=row["reviewer"] == reviewer,
        is_undone=not is_kept and row["verdict"] != "undo",
        is_adjudication=bool(row["is_adjudication"]),
        at=row["created_at"],
        before=row["before"] or "",
        after=row["after"] or "",
    )
