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
    transcript, exchange = state["transcript"], current_exchange(state)
    line = await speak(runtime.context, state["profile"], state["plan"], transcript)
    found = [Found(exchange, 0, "client", f) for f in check_utterance(line, transcript)]
    return {"transcript": [line], "found": found}
