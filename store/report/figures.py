"""The plain figures of a report: what the text, the page and the JSON all show."""

from dataclasses import dataclass, field

from store.diversity import Figures
from store.repetition import Recurrence
from store.report.style import Style


@dataclass(frozen=True, slots=True)
class Asked:
    """Which dialogues are asked for; None is all of them."""

    run: int | None = None
    recipe: str | None = None
    language: str | None = None
    with_rehearsal: bool = False

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out by run, recipe or language."""
        return self.run is None and self.recipe is None and self.language is None


@dataclass(slots=True)
class Tally:
    """Dialogues by standing; `failed` are those of the rejected ones that no session came out of."""

    accepted: int = 0
    waiting: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.accepted + self.waiting + self.rejected + self.failed

    def add(self, outcome: str, standing: str) -> None:
        """Count one dialogue; what failed and was not accepted by a person counts as failed alone."""
        name = "failed" if outcome == "failed" and standing == "rejected" else standing
        setattr(self, name, getattr(self, name) + 1)


@dataclass(frozen=True, slots=True)
class Selection:
    """What the figures are of."""

    asked: Asked
    dialogues: int
    rehearsal: int
    left_out: int
    runs: int

    @property
    def is_rehearsal_only(self) -> bool:
        """Whether every dialogue is the rehearsal model's."""
        return self.dialogues > 0 and self.rehearsal == self.dialogues


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the dialogues lie on the map: cells by (emotion, scene), and how evenly what is accepted falls on them."""

    cells: dict[tuple[str, str], Tally]
    planned: int
    accepted_cells: int
    waiting_cells: int
    empty_cells: int
    evenness: float
    outside: int
    without_cell: int


@dataclass(frozen=True, slots=True)
class ItemScores:
    """The scores of one rubric item by one judge: how often each was given, and what sums them up."""

    item: str
    scored: int
    mean: float
    median: float
    counts: dict[float, int]


@dataclass(frozen=True, slots=True)
class JudgedRubric:
    """One version of a rubric as one judge used it; `repeats` are further verdicts on the same, left out here."""

    rubric: str
    version: int
    judge: str
    verdicts: int
    unscored: int
    repeats: int
    items: list[ItemScores]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule fires on lines that stand; `rate` is of 100 utterances of that speaker."""

    rule: str
    version: int
    severity: str
    speaker: str
    findings: int
    dialogues: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What calls took: `cached` of `cacheable` prompt tokens came from a cache, where the endpoint tells."""

    purpose: str
    currency: str
    calls: int
    unpriced: int
    price: float
    prompt_tokens: int
    completion_tokens: int
    cacheable: int
    cached: int

    @property
    def cache_share(self) -> float | None:
        """The share of prompt tokens that came from a cache; None where no endpoint tells."""
        return self.cached / self.cacheable if self.cacheable else None


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long things are: each length with how often it occurs."""

    counts: dict[int, int]
    mean: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said in one language, in dialogues that ended and were not rejected; texts are read from a sample."""

    language: str
    dialogues: int
    read: int
    exchanges: Lengths | None
    counselor: Lengths | None
    client: Lengths | None
    openings: list[Recurrence]
    sentences: list[Recurrence]
    diversity: Figures | None
    style: Style | None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a store."""

    selection: Selection
    standings: dict[tuple[str, str], int]
    coverage: Coverage
    recipes: dict[str, Tally]
    models: dict[str, Tally]
    reasons: dict[tuple[str, str], int]
    stops: dict[str, int]
    errors: dict[str, int]
    endings: dict[tuple[str, str], int]
    rubrics: list[JudgedRubric]
    rules: list[RuleCount]
    costs: list[Cost]
    spoken: list[Spoken] = field(default_factory=list)

    @property
    def total(self) -> Tally:
        """All dialogues by standing."""
        total = Tally()
        for tally in self.recipes.values():
            for name in ("accepted", "waiting", "rejected", "failed"):
                setattr(total, name, getattr(total, name) + getattr(tally, name))
        return total
