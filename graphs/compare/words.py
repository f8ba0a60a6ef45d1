"""The words of a comparison's report, in Chinese and in English, read from words.yaml."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("words.yaml")
Say = Callable[..., str]
"""Returns a sentence or label by its key, with values filled in; a missing key raises."""


@cache
def load_words() -> dict[str, dict[str, str]]:
    """Return the words by language."""
    words: dict[str, dict[str, str]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return words


def speak(language: str) -> Say:
    """Return what says things in a language."""
    words = load_words()[language]

    def say(key: str, **values: Any) -> str:
        return words[key].format(**values)

    return say
