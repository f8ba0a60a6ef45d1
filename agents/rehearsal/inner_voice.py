"""Plays the inner voice: a thought in the first person before a reply, from the words the client used."""

from dataclasses import replace

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.counselor import choose_words
from agents.rehearsal.grammar import Draw
from agents.rehearsal.readers import ask_of, lines_of
from agents.rehearsal.signs import DANGER, has_any
from agents.rehearsal.thought import think
from agents.rehearsal.words import count_questions, is_minimal

SHORTEST = {"zh": 40, "en": 150}
TRIES = 12


def write_thought(asked: Asked, draw: Draw) -> str:
    """Return an OwnThought: a detail heard, one remembered, a guess, the need, and what the reply does."""
    opening, _, reasoning = ask_of(asked).strip().partition("\n\n")
    reply = opening.partition("\n")[2]
    heard = [line.strip() for line in lines_of(asked)]
    lived = replace(asked, others=[(line, "") for line in heard], own=lines_of(asked, "counselor"))
    is_danger = has_any(f"{reply} {reasoning}".lower(), DANGER)
    strategy = "crisis" if is_danger else "open" if count_questions(reply) else "restate"
    if strategy == "restate" and is_minimal(reply, asked.language):
        strategy = "minimal"
    for _ in range(TRIES):
        thought = think(lived, draw, choose_words(lived, draw), strategy)
        if len(thought) >= SHORTEST[asked.language]:
            break
    return orjson.dumps({"thought": thought}).decode()
