"""The units of input of a run: for each position in the plan a session plan, a brief, a language and a source."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agents.brief import Brief, brief_cell
from agents.checks.lexicon import language_of
from agents.transcript import Language
from store.formats.seeds import SeedFile, SeedText
from store.records import SeedRecord
from taxonomy.plan import Planner, SessionPlan
from taxonomy.refusal import InputError
from taxonomy.schema import Cell, Taxonomy
from taxonomy.source import digest_file


@dataclass(frozen=True, slots=True)
class Unit:
    """One session's input; `parent_id` is the stored dialogue it was made from."""

    plan: SessionPlan
    brief: Brief
    language: Language
    seed: SeedRecord
    parent_id: str | None = None


class Units(Protocol):
    """All units of a run, by position."""

    source: str
    """What identifies the input: file name and digest."""

    def size(self) -> int | None:
        """Return how many there are, or None where the plan has no end."""

    def round(self) -> int:
        """Return how many sessions run when no count is given: one for each cell, or each row."""

    def unit(self, position: int) -> Unit:
        """Return the unit at a position of the plan."""


class CellUnits:
    """The cells of a taxonomy, dealt by its planner for as long as wanted."""

    def __init__(self, taxonomy: Taxonomy, path: Path, seed: int, language: Language) -> None:
        self.source = f"{path.name} {digest_file(path)}"
        self.cells = taxonomy.cells
        self.language: Language = language
        self._taxonomy = taxonomy
        self._planner = Planner(taxonomy, seed)

    def size(self) -> None:
        return None

    def round(self) -> int:
        return len(self.cells)

    def unit(self, position: int) -> Unit:
        plan = self._planner.session(position)
        assert plan.cell is not None
        seed = SeedRecord("cell", emotion=plan.cell.emotion, scene=plan.cell.scene)
        return Unit(plan, brief_cell(self._taxonomy, plan, self.language), self.language, seed)

    def find_positions(self, block: int) -> dict[Cell, int]:
        """Return where each cell stands in a block of the plan."""
        first = block * len(self.cells)
        plans = (self._planner.session(position) for position in range(first, first + len(self.cells)))
        return {plan.cell: plan.position for plan in plans if plan.cell is not None}


class TextUnits:
    """The rows of a file, each a text of its own; the persona around it is drawn from the plan."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        path: Path,
        field: str | None,
        seed: int,
        language: Language | None,
        find_unfit: Callable[[Brief], str | None] = lambda _: None,
    ) -> None:
        self.source = f"{path.name} {digest_file(path)}"
        self.rows = SeedFile(path, field, lambda row: find_unfit(brief_row(row)))
        self.skipped = self.rows.skipped
        if not self.rows:
            first = f"; first: {self.skipped[0].reason}" if self.skipped else ""
            raise InputError(f"{path}: no row holds a text{first}")
        self._planner = Planner(taxonomy, seed)
        self._language = language

    def size(self) -> int:
        return len(self.rows)

    def round(self) -> int:
        return len(self.rows)

    def unit(self, position: int) -> Unit:
        row = self.rows.read(position)
        plan = self._planner.session_for_text(position)
        seed = SeedRecord("text", text=row.text, file=row.file, row=row.row, row_id=row.row_id)
        return Unit(plan, brief_row(row), self._language or language_of(row.text), seed)


def brief_row(row: SeedText) -> Brief:
    """Put a row of a file into a recipe's words."""
    return Brief(row.text, fields=row.fields)


def list_plans(units: Units, positions: range) -> Iterator[SessionPlan]:
    """Yield the plans at some positions."""
    for position in positions:
        yield units.unit(position).plan
