"""The words of a comparison's report, in Chinese and in English, read from words.yaml."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import store.review
from agents.rubric import load_rubric

PATH = Path(__file__).with_name("words.yaml")
NAMES = Path(store.review.__file__).with_name("words.yaml")
"""The review page's words, which has names for rules and for the items of some rubrics."""
LANGUAGES = {"zh": "language_zh", "en": "language_en"}
Say = Callable[..., str]
"""Returns a sentence or label by its key, with values filled in; a missing key raises."""


@cache
def load_words() -> dict[str, dict[str, str]]:
    """Return the words by language."""
    words: dict[str, dict[str, str]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return words


def speak(language: str) -> Say:
    """Return what says things in a language."""
    words = load_words()[language] | {"language": language}

    def say(key: str, **values: Any) -> str:
        return words[key].format(**values)

    return say


@cache
def load_names() -> dict[str, str]:
    """Return the Chinese names by which the review page calls what the store knows by an id."""
    names: dict[str, str] = yaml.safe_load(NAMES.read_text(encoding="utf-8"))["zh"]["names"]
    return names


def name_rule(rule: str, say: Say) -> str:
    """Return what a rule is called: in Chinese as the review page calls it, where it does; else by its id."""
    return load_names().get(rule, rule) if say("language") == "zh" else rule


def name_item(rubric: str, item: str, say: Say) -> str:
    """Return what an item of a rubric is called: in Chinese as on the review page, or else by its own question."""
    held = {each.id: each.zh.question for each in load_rubric(rubric).items}
    if say("language") != "zh" or item not in held:
        return item.replace("_", " ")
    # Names for some of a rubric's items beside questions for the others would read as two scales.
    return load_names()[item] if held.keys() <= load_names().keys() else held[item]
