"""Reads a scenario blind: the options whose words it shares most, as the request itself names and defines them."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.sheet import FENCE
from agents.transcript import Language

OPTION = re.compile(r"^- (\w+)(?:：|: )(.+)$", re.MULTILINE)
WORD = re.compile(r"[a-z']{3,}")
HAN = re.compile(r"[\u4e00-\u9fff]+")
STEM = 6


def recover(asked: Asked, draw: Draw) -> str:
    """Return a Recovery as JSON."""
    request = "\n".join(asked.others[0]) if asked.others else ""
    lists, _, rest = request.partition(FENCE)
    told = "\n".join(line for line in rest.splitlines() if FENCE not in line)
    options = dict(OPTION.findall(lists))
    chosen = {field: list_names(asked, field) for field in ("first", "scene")}
    feelings = order_by_words(told, {name: options.get(name, name) for name in chosen["first"]}, asked.language)
    scenes = order_by_words(told, {name: options.get(name, name) for name in chosen["scene"]}, asked.language)
    return orjson.dumps({"first": feelings[0], "second": feelings[1], "scene": scenes[0]}).decode()


def list_names(asked: Asked, field: str) -> Sequence[str]:
    """Return what the form offers for a field."""
    names: Sequence[str] = asked.schema["properties"][field]["enum"]
    return names


def order_by_words(told: str, options: Mapping[str, str], language: Language) -> list[str]:
    """Return the options by how much of their wording stands in a text; words that few options have count more."""
    cut = {name: cut_words(text, language) for name, text in options.items()}
    held = Counter(word for words in cut.values() for word in words)
    weights = {word: math.log(1 + len(options) / count) for word, count in held.items()}
    said = cut_words(told, language)

    def weigh(name: str) -> float:
        total = sum(weights[word] for word in sorted(cut[name]))
        return sum(weights[word] for word in sorted(cut[name] & said)) / math.sqrt(total or 1)

    return sorted(options, key=lambda name: (-weigh(name), name))


def cut_words(text: str, language: Language) -> set[str]:
    """Return pairs of Chinese characters, or the beginnings of English words."""
    if language == "en":
        return {word[:STEM] for word in WORD.findall(text.lower())}
    return {run[place : place + 2] for run in HAN.findall(text) for place in range(len(run) - 1)}
