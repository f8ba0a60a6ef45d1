"""What every page of somebody who is logged in is given: who it is, the filter in its URL, the names of its cells."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from store.filters import Filter
from store.guide import load_guide
from store.matching import read_map
from store.review.gate import csrf_token, current_reviewer
from store.review.rendering import Words, render
from taxonomy.schema import Entry

Reviewer = Annotated[str, Depends(current_reviewer)]

NAMED = ("language", "outcome", "standing", "sort", "rubric")
"""Keys whose values have words."""


def show_page(request: Request, reviewer: str, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page for a reviewer."""
    return render(request, name, status=status, reviewer=reviewer, csrf=csrf_token(request), **values)


def tell_filter(asked: Filter, words: Words) -> str:
    """Return a filter in words, as a heading or a hint."""
    return " · ".join(f"{words.say(f'field_{key}')}: {name_value(key, value, words)}" for key, value in asked.pairs())


def name_value(key: str, value: str, words: Words) -> str:
    """Return the words for a value of a filter."""
    if key in ("emotion", "family", "scene", "life"):
        return entry_labels(words.language).get(value, value)
    if value in ("yes", "no"):
        return words.say(value)
    return words.name(value) if key in NAMED else value


@cache
def entry_labels(language: str) -> Mapping[str, str]:
    """Return the label of each feeling, family, scene and life by its id or code."""
    plan = read_map()
    named: dict[str, Entry] = {entry.id: entry for entry in plan.families}
    named |= {entry.id: entry for entry in plan.emotions} | {entry.id: entry for entry in plan.lives}
    named |= {scene.code: scene for scene in plan.scenes}
    return {id: entry.zh if language == "zh" else entry.en for id, entry in named.items()}


def name_cell(emotion: str | None, scene: str | None, language: str) -> str:
    """Return the name of a cell; what the shipped map does not hold is called by its id."""
    labels = entry_labels(language)
    return " × ".join(labels.get(id, id) for id in (emotion, scene) if id)


def reason_labels(language: str) -> dict[str, str]:
    """Return the label of each reason."""
    return {id: reason.label(language) for id, reason in load_guide().reasons.items()}
