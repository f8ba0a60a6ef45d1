"""Turns a page's values into HTML in the reader's language and theme; every text is escaped by Jinja."""

import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from store.review.passage import show

HERE = Path(__file__).parent
LANGUAGES = ("zh", "en")
THEMES = ("auto", "light", "dark")


class Words:
    """The words of the page in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._words = load_words()[language]

    def say(self, key: str, **values: Any) -> str:
        """Return a sentence or label with values filled in; a missing key raises."""
        return self._words["page"][key].format(**values)

    def name(self, id: str) -> str:
        """Return the word for an id that the store knows; one without a word is shown as it is."""
        return show(self._words["names"].get(id, str(id).replace("_", " ")))

    def script(self) -> Mapping[str, str]:
        """Return what the scripts of the page say."""
        return self._words["script"]


@cache
def load_words() -> dict[str, dict[str, dict[str, str]]]:
    """Return the words by language and part."""
    words: dict[str, dict[str, dict[str, str]]] = yaml.safe_load((HERE / "words.yaml").read_text(encoding="utf-8"))
    return words


@cache
def load_templates() -> Environment:
    """Return the templates; a value that is missing raises."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(["html.j2"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["show"] = show_any
    made.filters["when"] = lambda at: time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    return made


def show_any(value: object) -> str:
    """Return any value as text without a hidden character."""
    return show(str(value))


def choose_language(request: Request) -> str:
    """Return the page's language: what the reader chose, else what the browser asks for first, else Chinese."""
    chosen = request.cookies.get("page_language", "")
    if chosen in LANGUAGES:
        return chosen
    asked = (part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(","))
    return next((language for language in asked if language in LANGUAGES), "zh")


def choose_theme(request: Request) -> str:
    """Return `light`, `dark`, or `auto` for what the system says."""
    chosen = request.cookies.get("page_theme", "")
    return chosen if chosen in THEMES else "auto"


def render(
    request: Request, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """Return a page; what it needs and is not given raises."""
    words = Words(choose_language(request))
    shown = {"reviewer": "", "csrf": "", "filter": None} | values
    body = (
        load_templates()
        .get_template(name)
        .render(request=request, words=words, say=words.say, name=words.name, theme=choose_theme(request), **shown)
    )
    # A lone surrogate cannot be sent; no text of the store holds one, but a URL may.
    return HTMLResponse(body.encode("utf-8", "replace"), status_code=status, headers=dict(headers or {}))
