"""Nodes that recipes with a profiled client share."""

from typing import Any

from langgraph.runtime import Runtime

from agents.cast import Cast
from agents.checks import check_utterance
from agents.client import speak
from agents.intake import write_profile
from graphs.state import Found, SessionState
from graphs.turn import current_exchange


async def intake(state: SessionState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Write the profile the client will play from."""
    return {"profile": await write_profile(runtime.context, state["brief"], state["plan"])}


async def client(state: SessionState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Say the client's next line."""
    return await say_line(state, runtime.context)


async def say_line(state: SessionState, cast: Cast, danger_since: int | None = None) -> dict[str, Any]:
    """Return the client's next line; after `danger_since`, the exchange of a sign, nobody hurries it to an end."""
    transcript, exchange = state["transcript"], current_exchange(state)
    line = await speak(cast, state["profile"], state["plan"], transcript, danger_since)
    found = [Found(exchange, 0, "client", f) for f in check_utterance(line, transcript)]
    return {"transcript": [line], "found": found}
