"""Question sets: what several models are asked in writing, once each, read from YAML and held to its schema."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.risk import Kind
from agents.transcript import Language
from taxonomy.reading import WrongValue, read_yaml
from taxonomy.refusal import InputError
from taxonomy.source import show_path

Life = Literal["study", "work", "life"]
LIVES: tuple[Life, ...] = ("study", "work", "life")
"""The life scenes of the taxonomy."""
MOST_TEXT = 2_000
"""Characters of a question; a longer one is a story and no question."""


class Part(BaseModel):
    """What every part of a set has: no unknown key, and no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Question(Part):
    """One thing that somebody asks in writing."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{2,40}$")
    life: Life
    scene: str = Field(default="", pattern=r"^([SWL][0-9]{2})?$")
    """The sub-scene of the taxonomy, where there is one."""
    kind: Literal["asks", "tells"]
    """`asks` is a plain question as question sets hold it, `tells` a scene that is told."""
    text: Annotated[str, Field(min_length=4, max_length=MOST_TEXT)]
    risk: Kind = "none"
    """The danger in it, if any: its answers are held to the rules of a crisis."""
    language: Language | None = None
    """Filled from the set; a file says it once, at its head."""

    @property
    def key(self) -> str:
        """What names it among all sets: two languages may share an id."""
        return f"{self.id}.{self.language}"


class QuestionSet(Part):
    """A file of questions in one language."""

    version: int = Field(ge=1)
    language: Language
    source: Annotated[str, Field(min_length=1)]
    questions: tuple[Question, ...]

    @model_validator(mode="after")
    def check_ids(self) -> "QuestionSet":
        """Hold ids to be unique, and the language to stand at the head alone; a set without a question is none."""
        if not self.questions:
            raise WrongValue("there is no question; write one or more", "questions")
        seen: set[str] = set()
        for number, question in enumerate(self.questions):
            if question.id in seen:
                raise WrongValue(f"the id {question.id!r} is taken; choose another", "questions", number, "id")
            if question.language is not None:
                raise WrongValue("the language stands at the head of the file; remove it", "questions", number)
            seen.add(question.id)
        return self


def load_question_set(path: Path) -> QuestionSet:
    """Return the set in a file; raises InputError naming file and line."""
    return read_yaml(path, QuestionSet)


def load_questions(paths: Sequence[Path], language: Language | None) -> list[Question]:
    """Return the questions of some files in order, of one language where it is named.

    Raises InputError for an id that two files of a language share, and where no question is left.
    """
    found: dict[str, tuple[Question, Path]] = {}
    for path in paths:
        asked = load_question_set(path)
        if language is not None and asked.language != language:
            continue
        for question in asked.questions:
            named = question.model_copy(update={"language": asked.language})
            if named.key in found:
                other = show_path(found[named.key][1])
                raise InputError(f"{show_path(path)}: the id {question.id!r} stands in {other} too; choose another")
            found[named.key] = (named, path)
    if not found:
        raise InputError(f"--questions: none of these files is in {language!r}; name one that is")
    return [question for question, _ in found.values()]
