"""The phrase banks of one language, loaded once: sections of `name = line`, and topics."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from agents.rehearsal.grammar import Bank, Node, parse_line, walk
from agents.rehearsal.words import cut_clauses
from agents.transcript import Language

Section = dict[str, Bank]


@dataclass(frozen=True, slots=True)
class Topic:
    """A concern a client may bring: the words it is known by, and what can be told about it."""

    words: tuple[str, ...]
    banks: Section


@dataclass(frozen=True, slots=True)
class Phrases:
    """Everything one language can say."""

    counselor: Section
    crisis: Section
    thought: Section
    doing: Section
    client: Section
    intake: Section
    feelings: Section
    topics: tuple[Topic, ...]


@cache
def load_phrases(language: Language) -> Phrases:
    """Return the banks of a language."""
    path = Path(__file__).parent / f"phrases.{language}.yaml"
    text = path.read_text(encoding="utf-8")
    loaded: dict[str, str] = yaml.safe_load(text)
    topics = loaded.pop("topics")
    sections = {name: _read_section(block) for name, block in loaded.items()}
    return Phrases(**sections, topics=_read_topics(topics))


@cache
def list_fillers(language: Language) -> frozenset[str]:
    """Return the pieces of the client's talk that carry no content: nobody takes them up."""
    told = ("day", "drift", "body")
    phrases = load_phrases(language)
    talk = [bank for name, bank in phrases.client.items() if name not in told]
    return frozenset(
        clause
        for bank in (*talk, phrases.intake["surface"])
        for line in bank.lines
        for literal in walk(line)
        for clause in cut_clauses(literal, language)
    )


def _read_section(block: str) -> Section:
    lines: dict[str, list[Node]] = {}
    for line in block.splitlines():
        name, _, text = line.partition(" = ")
        lines.setdefault(name, []).append(parse_line(text))
    return {name: Bank(roots) for name, roots in lines.items()}


def _read_topics(block: str) -> tuple[Topic, ...]:
    topics = []
    for entry in block.split("words = ")[1:]:
        words, _, rest = entry.partition("\n")
        separator = ", " if ", " in words else " "
        topics.append(Topic(tuple(words.lower().split(separator)), _read_section(rest)))
    return tuple(topics)
