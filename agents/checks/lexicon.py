"""Loads the checks' word lists: versioned YAML with patterns and their exceptions in both languages."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.checks.screen import Screen, build_screen, compile_pattern, list_likely
from agents.transcript import Language
from taxonomy.reading import read_yaml

HAN = re.compile(r"[\u4e00-\u9fff]+")
FOLDER = Path(__file__).parent / "lexicons"


class Patterns(BaseModel):
    """One language: regular expressions that find, and those that take a find back when they overlap or stand near."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    find: list[str] = Field(default_factory=list)
    except_: list[str] = Field(default_factory=list, alias="except")


class Lexicon(BaseModel):
    """A rule's word list. The version changes with every change of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1)
    source: str
    zh: Patterns
    en: Patterns


@dataclass(frozen=True, slots=True)
class Words:
    """A rule's list in one language, ready to search; `except_` is taken out of a text before `find` looks."""

    version: int
    patterns: str
    exceptions: str
    flags: re.RegexFlag
    screen: Screen
    number: int
    """The list's number in the screen, which is that of all lists."""

    @property
    def find(self) -> re.Pattern[str]:
        """All patterns as one; a list that is empty in a language finds nothing."""
        return compile_pattern(self.patterns or r"(?!)", self.flags)

    @property
    def except_(self) -> re.Pattern[str] | None:
        """All exceptions as one."""
        return compile_pattern(self.exceptions, self.flags) if self.exceptions else None

    def search(self, text: str, within: str = "") -> re.Match[str] | None:
        """Return the first match that stands outside the exceptions; `within` is the whole that a text is cut from."""
        # Most texts hold none, and need no blanking.
        return self.find.search(self.blank(text)) if self.has_match(text, within) else None

    def search_all(self, text: str) -> list[re.Match[str]]:
        """Return all matches that stand outside the exceptions."""
        return list(self.find.finditer(self.blank(text))) if self.has_match(text) else []

    def has_match(self, text: str, within: str = "") -> bool:
        """Tell whether a pattern matches a text, exceptions or not."""
        # What is likely in the whole has been listed for other checks already.
        for part in list_likely(self.screen, within or text).get(self.number, ()):
            if compile_pattern(part, self.flags).search(text):
                return True
        return False

    def blank(self, text: str) -> str:
        """Return the text with its exceptions blanked out, places kept."""
        exceptions = self.except_
        return exceptions.sub(lambda match: "\x00" * len(match[0]), text) if exceptions else text


@cache
def load_words(name: str, language: Language) -> Words:
    """Return the list of this name (lexicons/<name>.yaml) in a language."""
    return _load_lists()[name, language]


@cache
def _load_lists() -> dict[tuple[str, Language], Words]:
    """Return all lists; they share a screen, so that a text is looked through once for all of them."""
    lexicons: dict[str, Lexicon] = {path.stem: read_yaml(path, Lexicon) for path in sorted(FOLDER.glob("*.yaml"))}
    keys = [(name, language) for name in lexicons for language in get_args(Language)]
    screen = build_screen(getattr(lexicons[name], language).find for name, language in keys)
    lists = {}
    for number, (name, language) in enumerate(keys):
        patterns: Patterns = getattr(lexicons[name], language)
        find, except_ = ("|".join(f"(?:{part})" for part in parts) for parts in (patterns.find, patterns.except_))
        flags = re.IGNORECASE if language == "en" else re.NOFLAG
        lists[name, language] = Words(lexicons[name].version, find, except_, flags, screen, number)
    return lists


@lru_cache(maxsize=4096)
def language_of(text: str) -> Language:
    """Return zh where a fifth of the letters are Chinese, else en."""
    chinese = sum(map(len, HAN.findall(text)))
    # Where a fifth of all characters are, letters need no counting.
    return "zh" if chinese * 5 >= len(text) or chinese * 5 >= sum(map(str.isalpha, text)) else "en"
