"""Plays those who read along: the stage's move, the memory, the danger in what the client said."""

import re
from collections.abc import Sequence

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.crisis import HINTS
from agents.rehearsal.grammar import Draw
from agents.rehearsal.replies import DANGER
from agents.rehearsal.signs import has_any
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
    "en": ("kill myself", "wanting to die", "of dying", "suicid", " ending it"),
}
PLAN = {
    "zh": ("遗书", "攒了药", "东西备好", "日子定了", "今晚就"),
    "en": ("wrote a note", "saved up", "picked a day", "tonight's the night", "it's all ready"),
}
IN_PROGRESS = {
    "zh": ("已经吃了", "在楼顶", "刚划了", "刚割"),
    "en": ("already taken", "on the roof", "just cut"),
}
LOW = {
    "zh": ("没意思", "没有希望", "受不了"),
    "en": ("hopeless", "pointless", "hate myself"),
}
"""Words that are a sign only where several lines hold one."""
LOW_LINES = 3
TOGETHER = ("合在一起", "as a whole")
YES = {
    "zh": re.compile(r"^[….]*(?:有|想过|是|嗯)"),
    "en": re.compile(r"^[….]*(?:yes|yeah|i have|i mean, yes)", re.IGNORECASE),
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
    told = lines_of(asked)
    for line in reversed(told[-2:]):
        clauses = CLAUSE[language].split(line)
        for signs, kind, level in (
            (IN_PROGRESS, "self_harm", "in_progress"),
            (PLAN, "self_harm", "plan"),
            (ACTIVE, "self_harm", "active"),
            (HINTS, "self_harm", "passive"),
            (BY_OTHERS, "harm_by_others", "active"),
        ):
            for clause in clauses:
                if any(sign in clause.lower() for sign in signs[language]):
                    return word_risk(kind, level, clause)
    return read_together(asked, told)


def read_together(asked: Asked, told: Sequence[str]) -> str:
    """Return the reading where no line is a sign by itself: a yes to a direct question, or several low lines."""
    if has_any(ask_of(asked), TOGETHER):
        questions = lines_of(asked, "counselor")
        was_asked = bool(questions) and has_any(questions[-1].lower(), DANGER[asked.language][0][1])
        if was_asked and YES[asked.language].match(told[-1]):
            return word_risk("self_harm", "active", told[-1])
        low = [line for line in told if has_any(line.lower(), LOW[asked.language])]
        if len(low) >= LOW_LINES:
            return word_risk("self_harm", "passive", low[-1])
    return word_risk("none", "none", "")


def word_risk(kind: str, level: str, quote: str) -> str:
    """Return a RiskReading as JSON."""
    return orjson.dumps({"kind": kind, "level": level, "quote": quote}).decode()
