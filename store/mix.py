"""A mix: which stored talks and general data a training set is drawn from, how much of each, and what never enters."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from store.licences import is_permissive, name_licence
from taxonomy.reading import WrongValue, read_yaml
from taxonomy.refusal import InputError, suggest

Reasoning = Literal["none", "raw", "normalised"]
Targets = Literal["all_turns", "per_turn", "last"]
Kind = Literal["talks", "preferences"]
Language = Literal["zh", "en"]
SPLITS = ("test", "validation", "train")
"""In the order in which what is near to two of them stays: what is held out is kept."""
SHIPPED = Path(__file__).parent.parent / "configs" / "mix"
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,60}$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Size = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Part(BaseModel):
    """What every part of a mix has: no unknown key, and no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ScoreRange(Part):
    """What critics gave the whole talk by a rubric: the mean of its items, on the rubric's own scale."""

    rubric: str
    at_least: float | None = None
    at_most: float | None = None


class StoreFilter(Part):
    """Which stored talks a source takes; an empty list asks nothing. Accepted they must be in any case."""

    run: list[int] = []
    recipe: list[str] = []
    model: list[str] = []
    """The counselor's, as the endpoint named it."""
    language: list[Language] = []
    emotion: list[str] = []
    scene: list[str] = []
    source: list[str] = []
    """Data sets that were brought in, by name."""
    standing: Literal["accepted", "reviewed"] = "accepted"
    """`reviewed`: a person has accepted it."""
    scores: list[ScoreRange] = []
    """All must hold; a talk without the score is left out."""
    without: list[str] = []
    """Rules of which no finding may stand in the talk."""
    rehearsal: bool | None = None
    """Only talks of the rehearsal model, or none of them; where nothing is said the mix's own `rehearsal` decides."""
    edited: bool | None = None
    exchanges_from: Annotated[int, Field(ge=0)] | None = None
    exchanges_to: Annotated[int, Field(ge=1)] | None = None


class Source(Part):
    """Where rows come from: the store, or files of general data. Counselling text enters through the store alone."""

    name: Name
    store: StoreFilter | None = None
    files: list[str] = []
    """General data in the `messages` shape, as JSON Lines, JSON or Parquet; a path is taken from the working folder."""
    licence: str | None = None
    """The files' licence."""
    language: Language | None = None
    """The files' language."""
    about: str = ""
    """What the files are and where they are from, for the card."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The share of the mix, beside the other weights."""
    count: Size | None = None
    """At most so many rows."""

    @model_validator(mode="after")
    def _check(self) -> "Source":
        if (self.store is None) == (not self.files):
            raise WrongValue(f"source {self.name!r}: give either store or files")
        if self.weight is not None and self.count is not None:
            raise WrongValue(f"source {self.name!r}: give a weight or a count, not both", "count")
        if self.store is not None:
            for key in ("licence", "language"):
                if getattr(self, key) is not None:
                    raise WrongValue(f"source {self.name!r}: {key} is that of files; remove it", key)
        elif not (self.licence and self.language and self.about):
            raise WrongValue(f"source {self.name!r}: files need licence, language and about, which the card tells")
        return self


class Caps(Part):
    """How many rows may share something; None is no cap."""

    cell: Size | None = None
    """Rows of one emotion in one scene."""
    seed: Size | None = None
    """Rows made from the same input."""
    opening: Size | None = None
    """Rows whose counselor begins with the same sentence."""


class Split(Part):
    """What share of the seeds goes where. A seed stands in one split alone, and in every mix in the same one."""

    by: Literal["seed", "case"] = "seed"
    """`case`: whatever was made of the same case, by its id in its data set, or of the same cell, stays together."""
    train: Share = 1.0
    validation: Share = 0.0
    test: Share = 0.0

    @model_validator(mode="after")
    def _check(self) -> "Split":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            raise WrongValue(f"the shares of split add up to {total:g}; make it 1", "train")
        return self


class Mix(Part):
    """A mix as its file says it."""

    name: Name
    version: Size
    kind: Kind = "talks"
    """`preferences`: pairs of a chosen and a rejected reply."""
    title: dict[Language, str] = {}
    """A line for the card, in each language."""
    licence: str
    """Under which the talks made here are given on; what others wrote keeps its own."""
    seed: int = 0
    """Of the draw: which rows are taken where there are more, and their order."""
    rows: Size | None = None
    """How many rows the weighted sources give together; as many as their shares allow where nothing is said."""
    sources: Annotated[list[Source], Field(min_length=1)]
    reasoning: Reasoning = "none"
    """`raw`: the model's own reasoning; `normalised`: the counselor's thought in its own voice."""
    targets: Targets = "all_turns"
    """Which replies are learned; `per_turn` makes a row of each, with no reasoning before it."""
    system: Literal["none", "sent"] = "none"
    """`sent`: with the system prompt under which the counselor answered first."""
    rehearsal: bool = False
    """Whether talks of the rehearsal model may enter."""
    review: bool = False
    """Whether every stored talk must have been accepted by a person."""
    caps: Caps = Caps()
    split: Split = Split()
    decontamination: list[str] = []
    """Files of evaluation questions; a talk that holds one stays out."""
    dedup: Literal["none", "exact", "near"] = "exact"
    licences: list[str] = []
    """Allowed beside permissive ones: non-commercial, copyleft and `unknown` are left out unless named."""
    longest: Size = 16_000
    """Characters of a row, what is carried of reasoning counted in."""

    @model_validator(mode="after")
    def _check(self) -> "Mix":
        twice = [name for name, count in Counter(source.name for source in self.sources).items() if count > 1]
        if twice:
            raise WrongValue(f"two sources are called {twice[0]!r}; give each its own name", "sources")
        weighted = [source for source in self.sources if source.weight is not None]
        if weighted and len(weighted) < len(self.sources):
            other = next(source.name for source in self.sources if source.weight is None)
            raise WrongValue(f"source {other!r} has no weight and others have; weigh all of them or none", "sources")
        if self.rows is not None and not weighted:
            raise WrongValue("rows is shared out by weights and no source has one; give weights, or counts", "rows")
        if self.kind == "preferences" and any(source.files for source in self.sources):
            raise WrongValue("preferences come from the store alone; remove the files", "sources")
        return self

    def allows(self, licence: str | None) -> bool:
        """Whether a row of this licence may leave."""
        name = name_licence(licence)
        return is_permissive(name) or name in {name_licence(each) for each in self.licences}


def find_mix(name: str) -> Path:
    """Return the file of a mix: a path, or the name of one in ./configs/mix or among those that are shipped."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return Path(name)
    folders = (Path("configs") / "mix", SHIPPED)
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    names = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    raise InputError(
        f"unknown mix {name!r}{suggest(name, names)}; choose one of {', '.join(names)} or name a .yaml file"
    )


def load_mix(path: Path) -> Mix:
    """Return the mix of a file; raises InputError with file and line of what is wrong in it."""
    return read_yaml(path, Mix)


def list_splits(mix: Mix) -> list[str]:
    """Return the splits that get something, in the order in which what is near to two of them stays."""
    return [name for name in SPLITS if getattr(mix.split, name) > 0]


def name_files(sources: Iterable[Source]) -> list[Path]:
    """Return the files of general data."""
    return [Path(file) for source in sources for file in source.files]
