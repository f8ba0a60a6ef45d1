"""The taxonomy as data: feelings, scenes, the cells where they meet, outcomes and risk tiers."""

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from taxonomy.reading import WrongValue, read_yaml, suggest


def _match(pattern: str, wanted: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{wanted} is wanted")
        return text

    return check


Risk = Literal["none", "passive", "active"]
Id = Annotated[str, AfterValidator(_match(r"[a-z][a-z0-9_]*", "a name like 'self_blame'"))]
Code = Annotated[str, AfterValidator(_match(r"[A-Z][0-9]{2}", "a code like 'S01'"))]
Line = Annotated[str, AfterValidator(_match(r"\S(.*\S)?", "one line of text"))]
Age = Annotated[int, Field(ge=10, le=100)]


class Entry(BaseModel):
    """What every entry has: a label, and one line that says what it is, in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    zh: Line
    en: Line
    definition_zh: Line
    definition_en: Line


class Family(Entry):
    """A family of feelings."""

    id: Id


class SubEmotion(Entry):
    """A feeling that a client could name."""

    id: Id
    family: Id
    anchor: Line
    """The nearest label of a published scheme."""
    cells: dict[Id, tuple[Code, ...]]
    """The scenes it comes up in, by life scene."""


class LifeScene(Entry):
    """A part of life that sub-scenes belong to."""

    id: Id


class SubScene(Entry):
    """Where a feeling comes up, and how old a client there can be."""

    code: Code
    id: Id
    life: Id
    ages: tuple[Age, Age]
    """The youngest and the oldest client."""


class Outcome(Entry):
    """How a client feels at the end of a session."""

    id: Id


class RiskTier(Entry):
    """How much danger a session holds, and the share of sessions planned with it."""

    id: Risk
    share: Annotated[float, Field(ge=0, le=1)]


class Cell(NamedTuple):
    """A feeling in a scene: the smallest thing that is planned for."""

    emotion: str
    scene: str


class Taxonomy(BaseModel):
    """The whole map; what one part names in another is known to be there."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: Annotated[int, Field(ge=1)]
    families: Annotated[tuple[Family, ...], Field(min_length=1)]
    emotions: Annotated[tuple[SubEmotion, ...], Field(min_length=1)]
    lives: Annotated[tuple[LifeScene, ...], Field(min_length=1)]
    scenes: Annotated[tuple[SubScene, ...], Field(min_length=1)]
    outcomes: tuple[Outcome, ...]
    risk_tiers: tuple[RiskTier, ...]

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell, in the order of the file."""
        return tuple(Cell(e.id, code) for e in self.emotions for codes in e.cells.values() for code in codes)

    @cached_property
    def _by_id(self) -> dict[str, SubEmotion]:
        return {emotion.id: emotion for emotion in self.emotions}

    @cached_property
    def _by_code(self) -> dict[str, SubScene]:
        return {scene.code: scene for scene in self.scenes}

    def family(self, id: str) -> Family:
        return {family.id: family for family in self.families}[id]

    def emotion(self, id: str) -> SubEmotion:
        return self._by_id[id]

    def life(self, id: str) -> LifeScene:
        return {life.id: life for life in self.lives}[id]

    def scene(self, code: str) -> SubScene:
        return self._by_code[code]

    def risk_tier(self, id: Risk) -> RiskTier:
        return {tier.id: tier for tier in self.risk_tiers}[id]

    @model_validator(mode="after")
    def validate_entries(self) -> Self:
        for section in ("families", "emotions", "lives", "scenes", "outcomes", "risk_tiers"):
            for name in ("id", "code", "zh", "en"):
                values = [getattr(entry, name, None) for entry in getattr(self, section)]
                for index, value in enumerate(values):
                    if value is not None and value in values[:index]:
                        first = f"first at {section}[{values.index(value)}]"
                        problem = f"{name} {value!r} stands twice ({first}); change one"
                        raise WrongValue(problem, section, index, name)
        return self

    @model_validator(mode="after")
    def validate_scenes(self) -> Self:
        lives = [life.id for life in self.lives]
        for index, scene in enumerate(self.scenes):
            _check_known("life scene", scene.life, lives, "scenes", index, "life")
            if scene.ages[0] > scene.ages[1]:
                problem = f"ages of {scene.code}: {list(scene.ages)}; write the youngest first"
                raise WrongValue(problem, "scenes", index, "ages")
        return self

    @model_validator(mode="after")
    def validate_emotions(self) -> Self:
        lives, families = [life.id for life in self.lives], [family.id for family in self.families]
        for index, emotion in enumerate(self.emotions):
            loc = ("emotions", index)
            _check_known("family", emotion.family, families, *loc, "family")
            if not any(emotion.cells.values()):
                problem = f"{emotion.id!r} has no cells; name the scenes it comes up in"
                raise WrongValue(problem, *loc, "cells")
            for life, codes in emotion.cells.items():
                _check_known("life scene", life, lives, *loc, "cells", life)
                for at, code in enumerate(codes):
                    self._check_cell(emotion.id, life, code, *loc, "cells", life, at)
                    if code in codes[:at]:
                        problem = f"the cell {emotion.id!r} x {code!r} stands twice; remove one"
                        raise WrongValue(problem, *loc, "cells", life, at)
        return self

    def _check_cell(self, emotion: str, life: str, code: str, *loc: str | int) -> None:
        here = [scene.code for scene in self.scenes if scene.life == life]
        if code in self._by_code and code not in here:
            belongs = self._by_code[code].life
            raise WrongValue(f"scene {code!r} belongs to {belongs!r}, not {life!r}; move it", *loc)
        _check_known(f"scene in a cell of {emotion!r}:", code, here, *loc)

    @model_validator(mode="after")
    def validate_risk_tiers(self) -> Self:
        missing = {"none", "passive", "active"} - {tier.id for tier in self.risk_tiers}
        if missing:
            raise WrongValue(f"risk tier {min(missing)!r} is missing; add it", "risk_tiers")
        total = sum(tier.share for tier in self.risk_tiers)
        if abs(total - 1) > 1e-6:
            problem = f"the shares of the risk tiers add up to {total:g}; make them add up to 1"
            raise WrongValue(problem, "risk_tiers")
        return self


def load_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy file; raises InputError naming file and line."""
    return read_yaml(path, Taxonomy)


def _check_known(what: str, value: str, known: Iterable[str], *loc: str | int) -> None:
    choices = list(known)
    if value not in choices:
        near = suggest(value, choices)
        raise WrongValue(f"unknown {what} {value!r}{near}; choose one of {', '.join(choices)}", *loc)
