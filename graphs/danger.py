"""Signs of danger in a session: the risk node that notices them and the crisis branch that answers."""

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from agents.cast import Cast
from agents.counselor import Whisper
from agents.risk import (
    Kind,
    Level,
    find_risk_words,
    higher_level,
    read_risk,
    word_crisis,
)
from graphs.turn import TurnState, current_exchange, write_draft

CRISIS_EXCHANGES = 7
"""Exchanges a crisis talk goes on at least after the first sign: it runs slowly, one question a line."""


@dataclass(frozen=True, slots=True)
class Crisis:
    """Danger that has come up: what kind, how grave, and since which exchange."""

    kind: Kind
    level: Level
    since: int


class DangerState(TurnState, total=False):
    """What the crisis branch carries."""

    crisis: Crisis | None


async def risk(state: DangerState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Look for signs in the client's last line; a new or graver one opens the crisis talk."""
    cast, transcript, crisis = runtime.context, state["transcript"], state["crisis"]
    words = find_risk_words(transcript[-1].text, cast.language)
    if not words:
        return {}
    reading = await read_risk(cast, transcript, words)
    known = crisis.level if crisis else "none"
    level = higher_level(reading.level, known)
    if level == known:
        return {}
    exchange = current_exchange(state)
    since = crisis.since if crisis else exchange
    whisper = Whisper(exchange, word_crisis(cast, reading.kind, level))
    return {"crisis": Crisis(reading.kind, level, since), "whispers": [whisper]}


async def crisis(state: DangerState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Answer under the crisis whisper; there is no way back to ordinary work in the same meeting."""
    return await write_draft(state, runtime.context, "crisis")
