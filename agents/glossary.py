"""The terms of counselling that come out the same in every translation, and which of them a text holds or lacks."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agents.transcript import Language
from taxonomy.reading import read_yaml

HYPHEN = re.compile(r"\\[ -]")


class Term(BaseModel):
    """One term; `en` are its forms, the first the one that is written."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    en: Annotated[tuple[str, ...], Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]
    one_way: bool = False
    """Whether the Chinese word says more than the term, so that nothing is asked of a translation from Chinese."""

    def word(self, language: Language) -> str:
        """Return the term as it is written in a language."""
        return self.zh if language == "zh" else self.en[0]

    def stands_in(self, text: str, language: Language) -> bool:
        """Tell whether a text of this language holds the term in any form."""
        return self.zh in text if language == "zh" else bool(re.search(_spell(self.en), text, re.IGNORECASE))


class Glossary(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    terms: tuple[Term, ...]


@cache
def load_glossary() -> Glossary:
    """Return the terms that ship with this package."""
    return read_yaml(Path(__file__).parent / "glossary.yaml", Glossary)


def find_terms(text: str, language: Language) -> list[Term]:
    """Return the terms that a text holds, in the order of the glossary; one within a longer one is not counted."""
    named = dict(_list_forms(language))
    found = {named[_plain(match[match.lastgroup or 0])] for match in _compile(language).finditer(text)}
    return [term for term in load_glossary().terms if term in found and not (language == "zh" and term.one_way)]


def find_missing(terms: Sequence[Term], translation: str, language: Language) -> list[Term]:
    """Return which of the source's terms the translation into this language does not hold."""
    return [term for term in terms if not term.stands_in(translation, language)]


def _list_forms(language: Language) -> Iterator[tuple[str, Term]]:
    for term in load_glossary().terms:
        for form in (term.zh,) if language == "zh" else term.en:
            yield _plain(form), term


@cache
def _compile(language: Language) -> re.Pattern[str]:
    """Return the pattern that finds every form, the longest first."""
    forms = sorted((form for form, _ in _list_forms(language)), key=len, reverse=True)
    if language == "zh":
        return re.compile(f"(?P<form>{'|'.join(map(re.escape, forms))})")
    return re.compile(_spell(forms), re.IGNORECASE)


def _spell(forms: Sequence[str]) -> str:
    """Return the pattern of English words: a hyphen may be a blank, a plural may follow."""
    spelled = "|".join(HYPHEN.sub(r"[\\s-]+", re.escape(form)) for form in forms)
    return rf"(?<![A-Za-z])(?P<form>{spelled})(?:e?s)?(?![A-Za-z])"


def _plain(form: str) -> str:
    return " ".join(form.lower().replace("-", " ").split())
