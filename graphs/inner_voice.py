"""The step that writes the counselor's own thought beside a line that was said, while the session goes on."""

from collections.abc import Callable
from typing import Any, Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from agents.cast import Cast, Role
from agents.inner_voice import Thought, write_thought
from agents.transcript import count_exchanges
from graphs.state import Judged
from graphs.turn import TurnState, Update
from taxonomy.plan import SessionPlan

AGAIN = 0.1
"""The share of thoughts that are written twice, as an estimate takes it."""


class InnerVoice(BaseModel):
    """The switch of a recipe that can give its counselor an inner voice."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    inner_voice: Literal["off", "on"] = "off"
    """Write the thought before each reply anew, in the counselor's own voice, beside the model's reasoning."""


async def inner_voice(state: TurnState, runtime: Runtime[Cast]) -> Update:
    """Write the thought before the line that was just said."""
    *before, line = state["transcript"]
    thought = await write_thought(runtime.context, before, line)
    exchange = count_exchanges(state["transcript"])
    return {"thoughts": [thought], "judged": list_judged(thought, exchange)}


def list_judged(thought: Thought, exchange: int) -> list[Judged]:
    """Return the verdicts on each writing of a thought."""
    return [Judged(exchange, writing, each, about="thought") for writing, each in enumerate(thought.judgements)]


def think_beside(graph: StateGraph[Any, Cast, Any, Any], go_on: Callable[[Any], str], switches: InnerVoice) -> None:
    """Go on after the turn critic, and with the switch on let the inner voice run beside what follows a said line."""
    graph.add_conditional_edges("turn_critic", go_on)
    if switches.inner_voice == "on":
        graph.add_node(inner_voice)
        graph.add_conditional_edges("turn_critic", think_or_not)


def think_or_not(state: TurnState) -> Literal["inner_voice", "__end__"]:
    """Route a line that was said to the inner voice; one that was sent back needs no thought."""
    return "__end__" if state["faults"] else "inner_voice"


def count_thoughts(plan: SessionPlan, switches: InnerVoice) -> float:
    """Return how many thoughts a plan takes: each is written once and judged once, now and then twice."""
    return (1 + AGAIN) * plan.exchanges if switches.inner_voice == "on" else 0


def find_idle(switches: InnerVoice) -> tuple[Role, ...]:
    """Return the roles that nobody plays with these switches."""
    return () if switches.inner_voice == "on" else ("inner_voice",)
