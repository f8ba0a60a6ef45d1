"""The words of a report in Chinese and in English, read from words.yaml."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("words.yaml")


@cache
def load_words() -> dict[str, dict[str, dict[str, str]]]:
    """Return the words by language and part."""
    words: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return words


class Words:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._words = load_words()[language]

    def say(self, key: str, **values: Any) -> str:
        """Return a sentence or label with values filled in; a missing key raises."""
        return self._words["page"][key].format(**values)

    def name(self, id: str) -> str:
        """Return the word for an outcome, standing, ending or the like; what is not known by name is its own word."""
        return self._words["names"].get(id, id.replace("_", " "))

    def feature(self, id: str) -> str:
        """Return the words for a style or diversity feature."""
        return self._words["features"][id]

    def number(self, value: float) -> str:
        """Return a number of an axis: thousands set apart, no zeros after the point."""
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"
