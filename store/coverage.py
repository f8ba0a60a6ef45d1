"""Counts what is kept of each cell, by standing: what a fill tops up, and where the map is thin."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from store.db import explained
from store.standing import Standing, standing_of
from taxonomy.schema import Cell

STANDING_COLUMNS = (
    "d.outcome, d.people, d.is_crisis, d.is_edited, CASE WHEN d.checks IS NULL THEN 0 ELSE 1 END AS is_checked,"
    " (SELECT choice FROM decisions WHERE dialogue_id = d.id ORDER BY id + 0 DESC LIMIT 1) AS choice"
)
"""What decides the standing of a dialogue `d`."""
# Dialogues of a kind are counted together, so a table of any size comes back as a few rows a cell.
# PostgreSQL has no statistics of a table that grew within the last minute. It would then loop over a join with grouped
# rows, and walk all ids for the newest one; `id + 0` leaves it nothing but the index on dialogue_id.
COUNT = text(
    "SELECT s.emotion, s.scene, kinds.* FROM ("
    f"SELECT d.seed_id, CASE WHEN d.run_id = :run_id THEN 1 ELSE 0 END AS is_own, {STANDING_COLUMNS},"
    " count(*) AS dialogues FROM dialogues d"
    " WHERE d.recipe = :recipe AND d.language = :language AND d.is_rehearsal = :is_rehearsal"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    ") kinds JOIN seeds s ON s.id = kinds.seed_id WHERE s.emotion IS NOT NULL"
)


@dataclass(slots=True)
class CellCount:
    """The dialogues of a cell by standing; `own` are those of the run that asks, whatever became of them."""

    accepted: int = 0
    waiting: int = 0
    rejected: int = 0
    own: int = 0

    @property
    def held(self) -> int:
        """Dialogues that count as filled: those that wait may still be accepted."""
        return self.accepted + self.waiting


def count_cells(
    engine: Engine, recipe: str, language: str, *, is_rehearsal: bool, run_id: int | None = None
) -> dict[Cell, CellCount]:
    """Return the counts of every cell that has a dialogue of this recipe and language, rehearsal or not."""
    asked = {"run_id": run_id, "recipe": recipe, "language": language, "is_rehearsal": is_rehearsal}
    counts: dict[Cell, CellCount] = {}
    with explained(engine), engine.connect() as db:
        for row in db.execute(COUNT, asked):
            standing = read_standing(row)
            count = counts.setdefault(Cell(row.emotion, row.scene), CellCount())
            count.accepted += row.dialogues * (standing == "accepted")
            count.waiting += row.dialogues * (standing == "waiting")
            count.rejected += row.dialogues * (standing == "rejected")
            count.own += row.dialogues * row.is_own
    return counts


def read_standing(row: Any) -> Standing:
    """Return the standing of a row that was asked for STANDING_COLUMNS."""
    is_edited = bool(row.is_edited)
    return standing_of(
        row.outcome,
        row.choice,
        row.people,
        is_crisis=bool(row.is_crisis),
        is_edited=is_edited,
        is_seen=not is_edited or bool(row.is_checked),
    )
