"""Reads what stands behind a model's lines in its sessions: drafts that were refused, and findings talk by talk."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from store.db import explained
from store.league.figures import BY_ORDER
from store.report.judged import is_standing, join_attempt
from store.tables import AttemptRow, DialogueRow, FindingRow


@dataclass(frozen=True, slots=True)
class Drafts:
    """One model's drafts in all its sessions that are stored, finished or not; all 0 where the recipe refuses none.

    A recipe with a critique of its own sends a draft back and lets only what passes stand, so that scores and findings
    are of mended lines, and of sessions in which mending helped. `first` and `first_refused` are of the drafts that
    nobody had criticised: they are the model's own.
    """

    kept: int
    refused: int
    first: int
    first_refused: int
    found: Mapping[str, Mapping[int, int]]
    """Findings on the counselor's lines that stand, by severity and place of a session that is done; none is absent."""

    @property
    def rate(self) -> float | None:
        """The drafts refused per 100 that were kept, which are the lines; None where none was kept."""
        return 100 * self.refused / self.kept if self.kept else None


def read_drafts(engine: Engine, run: int) -> Drafts:
    """Return what stands behind the lines of one model's sessions."""
    of_run = col(DialogueRow.run_id) == run
    drafts = (
        select(AttemptRow.attempt, AttemptRow.is_chosen, func.count())
        .join(DialogueRow, col(DialogueRow.id) == col(AttemptRow.dialogue_id))
        .where(of_run)
        .group_by(col(AttemptRow.attempt), col(AttemptRow.is_chosen))
    )
    findings = (
        select(FindingRow.severity, DialogueRow.position, func.count())
        .join(DialogueRow, col(DialogueRow.id) == col(FindingRow.dialogue_id))
        .outerjoin(AttemptRow, join_attempt(FindingRow))
        .where(
            of_run,
            DialogueRow.outcome == "done",
            FindingRow.speaker == "counselor",
            FindingRow.rule != BY_ORDER,
            is_standing(FindingRow),
        )
        .group_by(FindingRow.severity, col(DialogueRow.position))
    )
    counts: Counter[tuple[bool, bool]] = Counter()
    found: dict[str, dict[int, int]] = defaultdict(dict)
    with explained(engine), Session(engine) as db:
        for attempt, is_kept, count in db.exec(drafts):
            counts[attempt == 0, bool(is_kept)] += count
        for severity, position, count in db.exec(findings):
            found[severity][position] = count
    return Drafts(
        kept=counts[True, True] + counts[False, True],
        refused=counts[True, False] + counts[False, False],
        first=counts[True, True] + counts[True, False],
        first_refused=counts[True, False],
        found=dict(found),
    )
