"""Tops up the cells until each has N dialogues, by handing positions of the plan out as cells turn out to need them.

A cell is filled when N of its dialogues are accepted or wait for a person. Its attempts are the positions of the plan
that hold it, taken in order and at most 3 N in a run; one that lacks dialogues after that has given up. Sessions that
failed on the way are no fault of a fill that every cell came out of whole.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from graphs.config import RunConfig
from graphs.job import Job
from graphs.units import CellUnits
from store.coverage import CellCount, count_cells
from store.db import Database, open_db
from store.errors import StoreError
from store.records import DialogueRecord
from store.runs import Run, Unfinished, done_positions
from store.standing import standing_of
from taxonomy.refusal import InputError
from taxonomy.schema import Cell

TRIES = 3
"""Sessions a run may take for each dialogue that is wanted of a cell."""


@dataclass(slots=True)
class Need:
    """Where a cell stands; `block` is the first block of the plan that was not looked at for it."""

    held: int
    tried: int
    block: int
    in_flight: int = 0
    is_queued: bool = False


class Filling:
    """What each cell still needs, and the positions of the plan that may bring it.

    Iterating hands positions out. It ends when every need is met or in flight; a session that comes to nothing brings
    its need back before its own worker asks again, so no worker waits for another.
    """

    def __init__(
        self,
        units: CellUnits,
        wanted: int,
        counts: Mapping[Cell, CellCount],
        *,
        first: int = 0,
        stored: Collection[int] = (),
    ) -> None:
        self.wanted = wanted
        self.counts = {cell: counts.get(cell, CellCount()) for cell in units.cells}
        self._units = units
        self._first = first
        self._stored = stored
        self._blocks: dict[int, dict[Cell, int]] = {}
        block = first // len(units.cells)
        self._needs = {cell: Need(count.held, count.own, block) for cell, count in self.counts.items()}
        self._queue: list[tuple[int, Cell]] = []
        self._in_flight: dict[int, Cell] = {}
        for cell in self._needs:
            self._offer(cell)

    @property
    def tries(self) -> int:
        """Sessions that a run may take for one cell."""
        return TRIES * self.wanted

    @property
    def left(self) -> int:
        """Sessions to come if all of them are kept."""
        lacking = (min(self.wanted - need.held, self.tries - need.tried) for need in self._needs.values())
        return sum(max(sessions, 0) for sessions in lacking)

    @property
    def most(self) -> int:
        """Sessions to come if none of them is kept."""
        open_needs = (need for need in self._needs.values() if need.held < self.wanted)
        return sum(max(self.tries - need.tried, 0) for need in open_needs)

    @property
    def missing(self) -> int:
        """Dialogues that are missing over all cells, those of cells that gave up included."""
        return sum(max(self.wanted - need.held, 0) for need in self._needs.values())

    def list_lost(self) -> list[Cell]:
        """Return the cells that gave up."""
        return [cell for cell, need in self._needs.items() if need.held < self.wanted and need.tried >= self.tries]

    def reserve(self, first: int) -> int:
        """Return how many positions a run from `first` on may come to use; runs that start meanwhile go behind them."""
        cells = len(self.counts)
        # A block that is entered half-way holds only some of the cells.
        return (-(-first // cells) + self.tries) * cells - first

    def __iter__(self) -> Iterator[int]:
        while self._queue:
            position, cell = heappop(self._queue)
            need = self._needs[cell]
            need.is_queued = False
            need.in_flight += 1
            self._in_flight[position] = cell
            self._offer(cell)
            yield position

    def settle(self, record: DialogueRecord) -> None:
        """Take note of how a session ended."""
        cell = self._in_flight.pop(record.position)
        need = self._needs[cell]
        need.in_flight -= 1
        need.tried += 1
        choice = record.decision.choice if record.decision is not None else None
        standing = standing_of(record.outcome, choice, is_crisis=record.is_crisis)  # type: ignore[arg-type]
        need.held += standing != "rejected"
        self._offer(cell)

    def _offer(self, cell: Cell) -> None:
        """Queue a cell's next position where it needs one more session and may have it."""
        need = self._needs[cell]
        is_needed = need.held + need.in_flight < self.wanted and need.tried + need.in_flight < self.tries
        if is_needed and not need.is_queued:
            need.is_queued = True
            # The lowest position goes first, so that the plan is walked in order and a resumed run takes up again
            # what was in flight.
            heappush(self._queue, (self._find_next(cell, need), cell))

    def _find_next(self, cell: Cell, need: Need) -> int:
        while True:
            position = self._lay(need.block)[cell]
            need.block += 1
            if position >= self._first and position not in self._stored:
                return position

    def _lay(self, block: int) -> dict[Cell, int]:
        if block not in self._blocks:
            self._blocks[block] = self._units.find_positions(block)
        return self._blocks[block]


def check_fill(config: RunConfig) -> None:
    """Raise InputError where --fill stands beside a setting that it leaves no room for."""
    if config.fill is None:
        return
    if config.count is not None:
        raise InputError(f"--fill {config.fill} plans as many sessions as the cells need; leave out --count")
    if config.seeds is not None:
        raise InputError(f"--fill {config.fill} tops up the cells of the taxonomy; leave out --seeds")


def measure_gap(job: Job) -> Filling:
    """Return what a fill would have to do, from the database as it stands; one that does not exist yet is empty."""
    config = job.config
    try:
        database = open_db(config.db, create=False, synchronous=config.synchronous)
    except StoreError as error:
        if "does not exist" in str(error) or "is empty" in str(error):
            return Filling(cells_of(job), config.fill or 0, {})
        raise
    counts = count_for(job, database)
    database.dispose()
    return Filling(cells_of(job), config.fill or 0, counts)


def open_filling(job: Job, database: Database, run: Run) -> Filling:
    """Return where a run's fill stands, whoever brought it there."""
    counts, stored = count_for(job, database, run.id), done_positions(database, run.id)
    return Filling(cells_of(job), job.config.fill or 0, counts, first=run.first_position, stored=stored)


def word_unfinished(job: Job, database: Database, run: Unfinished) -> str:
    """Return in words how far an unfinished run is; what a fill is missing where it works on this job's cells."""
    if run.fill is None:
        return f"run {run.id} has {run.done} of {run.count} sessions"
    told = f"run {run.id} fills every cell to {run.fill} and has {run.done} sessions"
    if not isinstance(job.units, CellUnits) or run.source != job.units.source:
        return told
    language = run.language or job.units.language
    counts = count_cells(database, run.recipe, language, is_rehearsal=run.is_rehearsal, run_id=run.id)
    return f"{told}, {Filling(job.units, run.fill, counts).missing} missing"


def count_for(job: Job, database: Database, run_id: int | None = None) -> dict[Cell, CellCount]:
    """Return the counts of what this job's dialogues are filled up with."""
    language = cells_of(job).language
    return count_cells(database, job.recipe.name, language, is_rehearsal=job.is_rehearsal, run_id=run_id)


def cells_of(job: Job) -> CellUnits:
    """Return the job's units, which are cells."""
    if not isinstance(job.units, CellUnits):
        raise TypeError(f"a fill runs on cells, not on {type(job.units).__name__}")
    return job.units
