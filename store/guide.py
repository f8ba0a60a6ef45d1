"""What reviewers judge by: the versioned reasons and rating scales, and the text of the guide."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from taxonomy.refusal import InputError, suggest

PATH = Path(__file__).parent / "review" / "guide.yaml"
Language = Literal["zh", "en"]
Words = Annotated[str, Field(min_length=1)]


class Entry(BaseModel):
    """A reason in both languages, each with a sentence on what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: Words
    en: Words
    definition_zh: Words
    definition_en: Words

    def label(self, language: str) -> str:
        """Return its short name."""
        return self.zh if language == "zh" else self.en

    def definition(self, language: str) -> str:
        """Return the sentence on what it means."""
        return self.definition_zh if language == "zh" else self.definition_en


class Scale(Entry):
    """A rating scale with its ends, both of which may be given."""

    lowest: int = 1
    highest: int = 5

    @model_validator(mode="after")
    def check_ends(self) -> Self:
        """Raise ValueError where there is nothing between the ends."""
        if self.lowest >= self.highest:
            raise ValueError(f"lowest {self.lowest} is not below highest {self.highest}")
        return self


class Section(BaseModel):
    """A part of the guide that reviewers read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Words
    paragraphs: tuple[Words, ...]


class Guide(BaseModel):
    """A version of the reasons, the scales and the text about them; a verdict names the version it was given by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1)]
    reasons: dict[str, Entry]
    scales: dict[str, Scale]
    text_zh: tuple[Section, ...] = ()
    text_en: tuple[Section, ...] = ()

    @property
    def text(self) -> dict[str, tuple[Section, ...]]:
        """The text by language."""
        return {"zh": self.text_zh, "en": self.text_en}

    def check_reasons(self, ids: list[str]) -> None:
        """Raise InputError for an id that is no reason of this version."""
        for id in ids:
            if id not in self.reasons:
                known = ", ".join(self.reasons)
                raise InputError(f"unknown reason {id[:40]!r}{suggest(id[:40], self.reasons)}; there are {known}")

    def check_scores(self, scores: dict[str, float]) -> None:
        """Raise InputError for a scale that is not of this version, or a score off its scale."""
        for id, score in scores.items():
            scale = self.scales.get(id)
            if scale is None:
                known = ", ".join(self.scales)
                raise InputError(f"unknown scale {id[:40]!r}{suggest(id[:40], self.scales)}; there are {known}")
            if score != int(score) or not scale.lowest <= score <= scale.highest:
                raise InputError(f"{id}: give a whole number from {scale.lowest} to {scale.highest}")


def read_guide(path: Path) -> Guide:
    """Return the guide of a file; raises InputError that names the first thing wrong in it."""
    try:
        return Guide.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {place}: {first['msg']}") from None
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None


@cache
def load_guide() -> Guide:
    """Return the guide that is shipped."""
    return read_guide(PATH)
