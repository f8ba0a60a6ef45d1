"""Rubrics as data: items with anchors in two languages, per-item ranges, and flows of yes/no questions with jumps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.transcript import Language
from taxonomy.reading import WrongValue, read_yaml

Scope = Literal["turn", "session", "before_after", "reasoning"]
FOLDER = Path(__file__).parent / "rubrics"
END = "end"
"""Where a flow's jump leads when nothing more is asked."""

Text = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """What every part of a rubric has: no unknown key, and no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Both(Part):
    """A text in both languages."""

    zh: Text
    en: Text

    def tell(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Wording(Part):
    """An item's question and what it means, in one language."""

    question: Text
    definition: Text


class Anchor(Both):
    """What one score stands for."""

    score: float


class RubricItem(Part):
    """One narrow question; what it leaves out of its range it takes from the rubric."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{2,40}$")
    group: str = ""
    """The subscale or dimension it counts to."""
    low: float | None = None
    high: float | None = None
    step: float | None = Field(default=None, gt=0)
    reverse: bool = False
    """A high score speaks against its subscale; scores are stored as given, `sum_groups` turns them round."""
    anchors: list[Anchor] = []
    if_yes: str | None = None
    if_no: str | None = None
    fault: Literal["yes", "no"] | None = None
    """Which answer of a flow's question is a failing; None where neither is."""
    about: Literal["counselor", "client"] = "counselor"
    """Whose part an item of a session judges: one about the client is in no mean by which counselors are compared."""
    zh: Wording
    en: Wording


class Rubric(Part):
    """A scale as data: items, range, and where it comes from; `if_yes` and `if_no` make it a flow."""

    name: str
    version: int = Field(ge=1)
    source: Text
    scope: Scope
    low: float
    high: float
    step: float = Field(default=1, gt=0)
    note: Both | None = None
    """What to heed in this rubric alone; its prompt shows it above the items."""
    anchors: list[Anchor] = []
    items: list[RubricItem] = Field(min_length=1)

    @property
    def is_flow(self) -> bool:
        """Whether each answer decides what is asked next."""
        return self.items[0].if_yes is not None

    def range_of(self, item: RubricItem) -> tuple[float, float, float]:
        """Return the lowest score, the highest, and the step of an item."""
        low = self.low if item.low is None else item.low
        high = self.high if item.high is None else item.high
        return low, high, item.step or self.step

    @model_validator(mode="after")
    def _check_scale(self) -> "Rubric":
        _check_range(self.name, (self.low, self.high, self.step), self.anchors, "anchors")
        seen = {END}
        for number, item in enumerate(self.items):
            if item.id in seen:
                raise WrongValue(f"the id {item.id!r} is taken; choose another", "items", number, "id")
            seen.add(item.id)
            _check_range(item.id, self.range_of(item), item.anchors, "items", number)
        return self

    @model_validator(mode="after")
    def _check_flow(self) -> "Rubric":
        jumps: dict[str, tuple[str, str]] = {}
        targets = {END} | {item.id for item in self.items}
        for number, item in enumerate(self.items):
            place = ("items", number)
            if (item.if_yes is None) != (item.if_no is None) or (item.if_yes is not None) != self.is_flow:
                raise WrongValue(f"{item.id}: give if_yes and if_no to every item or to none", *place)
            if item.if_yes is None or item.if_no is None:
                if item.fault:
                    raise WrongValue(f"{item.id}: only a flow's item has a fault; remove it", *place)
                continue
            if self.range_of(item) != (0, 1, 1):
                raise WrongValue(f"{item.id}: a flow's answers are 0 and 1; set low, high and step so", *place)
            for key, target in (("if_yes", item.if_yes), ("if_no", item.if_no)):
                if target not in targets:
                    raise WrongValue(f"{item.id}: {key} leads to {target!r}, which is no item", *place, key)
            jumps[item.id] = (item.if_yes, item.if_no)
        if jumps:
            _check_jumps(jumps, self.items[0].id)
        return self


@dataclass(frozen=True, slots=True)
class RenderedItem:
    """An item in the language of the session; `range` is empty where the rubric's own holds."""

    id: str
    question: str
    definition: str
    range: tuple[float, ...] = ()
    anchors: tuple[tuple[float, str], ...] = ()
    if_yes: str = ""
    if_no: str = ""


@dataclass(frozen=True, slots=True)
class RenderedRubric:
    """A rubric as its prompt sees it."""

    name: str
    low: float
    high: float
    items: tuple[RenderedItem, ...]
    scope: Scope = "session"
    step: float = 1
    note: str = ""
    anchors: tuple[tuple[float, str], ...] = ()
    is_flow: bool = False


@cache
def load_rubric(name: str) -> Rubric:
    """Return the rubric that ships under this name."""
    return read_yaml(FOLDER / f"{name}.yaml", Rubric)


def list_rubrics() -> list[str]:
    """Return the names of all rubrics that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def render_rubric(name: str, language: Language) -> RenderedRubric:
    """Return a rubric in one language."""
    rubric = load_rubric(name)
    items, own = [], (rubric.low, rubric.high, rubric.step)
    for item in rubric.items:
        wording = item.zh if language == "zh" else item.en
        of_item = rubric.range_of(item)
        range = () if of_item == own else tuple(trim(part) for part in of_item)
        anchors = _render_anchors(item.anchors, language)
        jumps = (item.if_yes or "", item.if_no or "")
        items.append(RenderedItem(item.id, wording.question, wording.definition, range, anchors, *jumps))
    low, high, step = (trim(part) for part in own)
    note, anchors = rubric.note.tell(language) if rubric.note else "", _render_anchors(rubric.anchors, language)
    return RenderedRubric(rubric.name, low, high, tuple(items), rubric.scope, step, note, anchors, rubric.is_flow)


def trim(number: float) -> float:
    """Return a whole number as one: prompts and records say 2 and not 2.0."""
    return int(number) if number == int(number) else number


def is_on_step(score: float, low: float, step: float) -> bool:
    """Tell whether a score is one that the scale has."""
    steps = (score - low) / step
    return abs(steps - round(steps)) < 1e-9


def walk_flow(rubric: Rubric, answers: Mapping[str, float]) -> list[str]:
    """Return the ids that a flow's answers lead along, up to its end or to the first that is not answered."""
    items = {item.id: item for item in rubric.items}
    path: list[str] = []
    at = rubric.items[0].id
    while at != END:
        path.append(at)
        if at not in answers:
            break
        at = (items[at].if_yes if answers[at] else items[at].if_no) or END
    return path


def sum_groups(rubric: Rubric, scores: Mapping[str, float]) -> dict[str, float]:
    """Return the sum of each group with reversed items turned round, before and after apart."""
    items = {item.id: item for item in rubric.items}
    sums: dict[str, float] = {}
    for key, score in scores.items():
        moment, dot, id = key.rpartition(".")
        low, high, _ = rubric.range_of(items[id])
        group = moment + dot + items[id].group
        sums[group] = trim(sums.get(group, 0) + (low + high - score if items[id].reverse else score))
    return sums


def _render_anchors(anchors: Sequence[Anchor], language: Language) -> tuple[tuple[float, str], ...]:
    return tuple((trim(anchor.score), anchor.tell(language)) for anchor in anchors)


def _check_range(name: str, range: tuple[float, float, float], anchors: Sequence[Anchor], *place: str | int) -> None:
    low, high, step = range
    if not low < high or not is_on_step(high, low, step):
        raise WrongValue(f"{name}: from {low:g} to {high:g} in steps of {step:g} is no scale; correct it", *place)
    for anchor in anchors:
        if not low <= anchor.score <= high or not is_on_step(anchor.score, low, step):
            raise WrongValue(f"{name}: the anchor {anchor.score:g} is no score of its scale; correct it", *place)


def _check_jumps(jumps: Mapping[str, tuple[str, str]], first: str) -> None:
    """Refuse a flow that can come back to a question, or that has one nobody comes to."""
    done: set[str] = set()

    def follow(at: str, path: tuple[str, ...]) -> None:
        if at in path:
            raise WrongValue(f"the flow loops: {' -> '.join((*path, at))}; let one of them lead on", "items")
        if at != END and at not in done:
            for target in jumps[at]:
                follow(target, (*path, at))
            done.add(at)

    follow(first, ())
    if lost := set(jumps) - done:
        raise WrongValue(f"no jump leads to {sorted(lost)}; add one or remove the item", "items")
