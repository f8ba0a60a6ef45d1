"""What recipes share whose talk is written in one go: its lines are checked one by one, and a critic may follow."""

from collections.abc import Sequence
from typing import Any, Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.checks import check_utterance
from agents.critic import judge_session
from agents.transcript import Utterance, count_exchanges
from graphs.state import Found, Judged, SessionState
from graphs.turn import Update


class CriticSwitch(BaseModel):
    """The switch that every such recipe has."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    critic: Literal["on", "off"] = "on"
    """Whether the critic judges the finished talk."""


def say_all(lines: Sequence[Utterance]) -> Update:
    """Return the whole talk with what the checks find in each line."""
    found = [
        Found(count_exchanges(lines[:number]) + 1, 0, line.speaker, finding)
        for number, line in enumerate(lines)
        for finding in check_utterance(line, lines[:number])
    ]
    return {"transcript": list(lines), "found": found, "end_reason": "closed"}


def end_with_critic(graph: StateGraph[Any, Cast, Any, Any], last: str, switches: CriticSwitch, rubric: str) -> None:
    """Let the critic judge by a rubric after the last node; where it is switched off, end there."""

    async def session_critic(state: SessionState, runtime: Runtime[Cast]) -> Update:
        judgement = await judge_session(runtime.context, state["transcript"], rubric)
        return {"judged": [Judged(0, 0, judgement)]}

    if switches.critic == "off":
        graph.add_edge(last, "__end__")
        return
    graph.add_node(session_critic)
    graph.add_edge(last, "session_critic")
    graph.add_edge("session_critic", "__end__")
