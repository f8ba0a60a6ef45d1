"""Six steps of problem solving, each with slots to fill: a reader keeps the slots, the counselor works by the step.

SuDoSys (PM+), https://arxiv.org/abs/2411.10681. intake -> [client -> risk -> stage -> counselor] until the last step
is done or the cap -> critic. The counselor sees the step, the slots, its own last line and the client's.
Where this differs: slots are read by a role of its own and the counselor answers in plain text, where one call gave
both as JSON; a step is left when its rule is met, not on the flag alone; a leave-taking follows the sixth step; a sign
of danger opens the crisis talk of this house, in which no step goes on; the client is this house's.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from agents.cast import Cast, Role
from agents.counselor import reply
from agents.intake import write_profile
from agents.problem_steps import Place, Slots, answer, find_advance, follow, read_step, take_up
from graphs.danger import CRISIS_EXCHANGES, DangerState, client, last_exchange, look_back, risk
from graphs.meeting import say, session_critic
from graphs.recipe import Recipe
from graphs.state import Artefact, EndReason
from graphs.turn import Update, current_exchange
from graphs.written import CriticSwitch
from taxonomy.plan import SessionPlan

MOST_EXCHANGES = 20
"""Turns of the published evaluation."""
MOST_LINES = 3
"""Turns after which the published code leaves a step."""
USUAL_EXCHANGES = 14
"""Exchanges of a whole session if each step is left half by its rule and half by the cap; only for estimates."""


class Switches(CriticSwitch):
    """The recipe's switches."""

    exchanges: int = Field(default=MOST_EXCHANGES, ge=1, le=200)
    """Exchanges after which a session is cut off."""
    turns: int = Field(default=MOST_LINES, ge=1, le=20)
    """The client's lines after which a step is left with what it has found."""


class State(DangerState, total=False):
    """What this recipe carries beside the crisis branch."""

    cap: int
    most_lines: int
    place: Place
    slots: Slots


def start(switches: Switches) -> Update:
    begun = {"place": Place(), "slots": Slots(), "whispers": [], "crisis": None}
    return {"cap": switches.exchanges, "most_lines": switches.turns, **begun}


async def intake(state: State, runtime: Runtime[Cast]) -> Update:
    """Write the profile; the steps and not the planned length tell the client when the end is near."""
    profile = await write_profile(runtime.context, state["brief"], state["plan"])
    return {"profile": profile, "plan": replace(state["plan"], exchanges=state["cap"])}


async def stage(state: State, runtime: Runtime[Cast]) -> Update:
    """Read what the step has found, and leave it when that is enough or it has lasted long enough."""
    place, exchange = state["place"], current_exchange(state)
    if place.step == "closing":
        return {}
    reading, call = await read_step(runtime.context, place.step, state["slots"], state["transcript"][-2:])
    slots, place = take_up(state["slots"], reading), replace(place, lines=place.lines + 1)
    body = {"step": place.step, "slots": slots.model_dump(), "finished": reading.finished}
    made = [Artefact("slots", body, call, exchange)]
    why = find_advance(place, slots, reading.finished, state["most_lines"])
    if why:
        after = follow(place.step)
        made.append(
            Artefact("advance", {"step": place.step, "to": after, "why": why, "lines": place.lines}, call, exchange)
        )
        place = Place(after)
    return {"slots": slots, "place": place, "artefacts": made}


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    """Answer within the step; in the last exchange the two part, whichever step they are in."""
    step, is_late = state["place"].step, current_exchange(state) >= state["cap"]
    line = await answer(runtime.context, "closing" if is_late else step, state["slots"], state["transcript"][-2:])
    end: EndReason | None = "closed" if step == "closing" else "time" if is_late else None
    return say(state, line) | {"end_reason": end}


async def crisis(state: State, runtime: Runtime[Cast]) -> Update:
    """Answer in the crisis talk, with the whole conversation; its end is its own."""
    danger, approach = state["crisis"], state["plan"].approach
    line = await reply(runtime.context, approach, state["transcript"], state["whispers"], "crisis")
    is_over = danger is not None and current_exchange(state) >= last_exchange(danger, 0)
    return say(state, line) | {"end_reason": "handed_over" if is_over else None}


def work_or_crisis(state: State) -> Literal["crisis", "stage"]:
    return "crisis" if state["crisis"] else "stage"


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_sequence([intake, client, risk])
    graph.add_sequence([stage, counselor])
    graph.add_node(crisis)
    graph.add_edge("__start__", "intake")
    graph.add_conditional_edges("risk", work_or_crisis)
    last = "session_critic" if switches.critic == "on" else "__end__"
    for node in ("counselor", "crisis"):
        graph.add_conditional_edges(node, lambda at: last if at["end_reason"] else "client", ["client", last])
    if switches.critic == "on":
        graph.add_node(session_critic)
        look_back(graph)
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role; a planned sign of danger usually comes up early, and the steps end there."""
    n, is_risky = min(switches.exchanges, USUAL_EXCHANGES), plan.risk != "none"
    read = min(n, CRISIS_EXCHANGES // 2) if is_risky else n - 1
    judged = (switches.critic == "on") * (1 + is_risky)
    return {"intake": 1, "client": n, "risk": 2 * is_risky, "stage": read, "counselor": n, "critic": judged}


RECIPE = Recipe(
    name="sudosys",
    summary="problem solving in six steps whose slots are read line by line and all that the counselor remembers",
    paper="https://arxiv.org/abs/2411.10681",
    units=("cell", "text"),
    heads={
        "intake": "intake/head", "client": "client/head", "risk": "risk/head", "stage": "sudosys/stage",
        "counselor": "sudosys/counselor", "critic": "critic/session_head",
    },
    blind_counselor=True,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=lambda switches: () if switches.critic == "on" else ("critic",),
)  # fmt: skip
