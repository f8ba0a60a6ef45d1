"""Prompts: Markdown files in two languages with a small header, rendered strictly; model text goes in as data only."""

from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from agents.transcript import Language
from taxonomy.refusal import Refusal

FOLDER = Path(__file__).parent / "prompts"
ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)


class PromptError(Refusal):
    """A prompt is missing, or was not given a value it needs."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text in one language; `hash` (12 bytes) is stored with every call it leads."""

    id: str
    language: Language
    version: int
    source: str
    text: str
    hash: bytes

    def render(self, **variables: Any) -> str:
        """Return the text with its values; raises PromptError for one that is missing."""
        try:
            if all(isinstance(value, str) for value in variables.values()):
                return _render(self.text, tuple(variables.items()))
            return _compile(self.text).render(variables).strip()
        except TemplateError as error:
            raise PromptError(f"prompt {self.id!r} in {self.language!r}: {error}") from None


@lru_cache(maxsize=4096)
def _render(text: str, variables: tuple[tuple[str, str], ...]) -> str:
    """Return a head that every turn of a session sends again."""
    return _compile(text).render(variables).strip()


@cache
def _compile(text: str) -> Template:
    return ENVIRONMENT.from_string(text)


@cache
def load_prompt(id: str, language: Language) -> Prompt:
    """Return a prompt by id (folder/name); raises PromptError naming the file to add or mend."""
    path = FOLDER / f"{id}.{language}.md"
    shown = f"agents/prompts/{id}.{language}.md"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PromptError(f"no prompt {id!r} in {language!r}: add {shown}") from None
    before, _, rest = data.decode("utf-8").partition("---\n")
    header, mark, text = rest.partition("\n---\n")
    fields = yaml.safe_load(header) if mark and not before else None
    if not isinstance(fields, dict) or set(fields) != {"version", "source"}:
        raise PromptError(f"{shown}: begin with '---', version: and source: lines, and '---'")
    hashed = blake2b(data, digest_size=12).digest()
    return Prompt(id, language, int(fields["version"]), str(fields["source"]), text, hashed)


def list_prompts() -> list[str]:
    """Return the ids of all prompts, from whichever language there is."""
    files = FOLDER.rglob("*.md")
    return sorted({path.relative_to(FOLDER).as_posix().rsplit(".", 2)[0] for path in files})


def list_variables(id: str, language: Language) -> set[str]:
    """Return the names of the values that a prompt needs."""
    return meta.find_undeclared_variables(ENVIRONMENT.parse(load_prompt(id, language).text))
