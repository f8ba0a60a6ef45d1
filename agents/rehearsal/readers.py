"""Plays those who read along: the stage's move, the memory, the danger in what the client said."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.crisis import HINTS
from agents.rehearsal.grammar import Draw
from agents.rehearsal.words import CLAUSE, cut_clauses, is_minimal
from agents.transcript import LABELS

MOVES = ("stay", "advance", "step_back", "end")
REASONS = {
    "zh": {
        "stay": "这一段还没说透",
        "advance": "来访者把事情说清了，可以往前",
        "step_back": "来访者退了，先退一步",
        "end": "双方都收住了",
    },
    "en": {
        "stay": "this is not told out yet",
        "advance": "the concern is on the table",
        "step_back": "the client drew back",
        "end": "both have come to rest",
    },
}
ACTIVE = {
    "zh": ("想过死", "不想活", "自杀", "一死了之", "死了算"),
    "en": ("kill myself", "wanting to die", "of dying", "suicid", "ending it"),
}
BY_OTHERS = {"zh": ("打我", "动过一回手", "掐我", "家暴"), "en": ("hits me", "hit me", "chok")}


def lines_of(asked: Asked, speaker: str = "client") -> list[str]:
    """Return what one speaker said, from the labelled parts of the transcript."""
    label = LABELS[asked.language][speaker]  # type: ignore[index]
    return [
        part[len(label) :]
        for line, notes in asked.others
        for part in (line, *notes.split("\n\n"))
        if part.startswith(label)
    ]


def ask_of(asked: Asked) -> str:
    """Return the parts after the transcript: the question itself."""
    labels = tuple(LABELS[asked.language].values())
    parts = [part for line, notes in asked.others for part in (line, *notes.split("\n\n"))]
    while parts and not parts[-1].startswith(labels):
        parts.pop()
    whole = "\n\n".join("\n\n".join(pair) for pair in asked.others)
    return whole[len("\n\n".join(parts)) :] if parts else whole


def decide_stage(asked: Asked, draw: Draw) -> str:
    """Return a StageDecision among the moves the question names."""
    ask = ask_of(asked)
    moves = [move for move in MOVES if re.search(rf"\b{move}\b", ask)] or ["stay"]
    client = lines_of(asked)
    tired = len(client) > 1 and all(is_minimal(line, asked.language) for line in client[-2:])
    move = "stay"
    if "end" in moves:
        move = "end" if draw.chance(0.5) else "stay"
    elif "step_back" in moves and tired and draw.chance(0.5):
        move = "step_back"
    elif "advance" in moves and draw.chance(0.42):
        move = "advance"
    if move not in moves:
        move = moves[0]
    return orjson.dumps({"move": move, "reason": REASONS[asked.language][move]}).decode()


def remember(asked: Asked, draw: Draw) -> str:
    """Return a Memory of what the client said, in its own words."""
    lines = lines_of(asked)
    facts: list[str] = []
    for line in lines:
        facts += [clause for clause in cut_clauses(line, asked.language)[:1] if clause not in facts]
    last = cut_clauses(lines[-1], asked.language) if lines else ()
    empty = "还不清楚" if asked.language == "zh" else "not clear yet"
    memory = {
        "facts": facts[:6],
        "affect": last[-1] if last else empty,
        "goals": [],
        "open_ends": facts[6:8],
    }
    return orjson.dumps(memory).decode()


def read_risk(asked: Asked, draw: Draw) -> str:
    """Return a RiskReading of the client's latest lines, with its own words as the quote."""
    language = asked.language
    for line in reversed(lines_of(asked)[-2:]):
        clauses = CLAUSE[language].split(line)
        for signs, kind, level in (
            (ACTIVE, "self_harm", "active"),
            (HINTS, "self_harm", "passive"),
            (BY_OTHERS, "harm_by_others", "active"),
        ):
            for clause in clauses:
                if any(sign in clause.lower() for sign in signs[language]):
                    return orjson.dumps({"kind": kind, "level": level, "quote": clause}).decode()
    return orjson.dumps({"kind": "none", "level": "none", "quote": ""}).decode()


def fill_form(schema: Mapping[str, Any], draw: Draw) -> object:
    """Return a value that satisfies a plain JSON schema, for a form nobody here knows."""
    if "enum" in schema:
        return draw.pick(list(schema["enum"]))
    kind = schema.get("type")
    if kind == "object":
        return {name: fill_form(part, draw) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [fill_form(schema.get("items", {}), draw)]
    plain: Sequence[tuple[str, object]] = (
        ("integer", 1),
        ("number", 1.0),
        ("boolean", True),
        ("null", None),
    )
    return dict(plain).get(str(kind), "rehearsal")
