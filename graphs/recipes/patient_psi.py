"""A client made of a cognitive conceptualization diagram, in one of six styles; who heard only the talk rebuilds it.

PATIENT-Ψ, https://arxiv.org/abs/2405.19660. planner -> [client -> risk -> counselor] until the end -> assessor ->
critic. Where this differs: the diagram is written by a model alone, where psychologists finished the paper's; the
trainee is a model too; the session ends at its planned length, in the paper the person ends it; a line over its cap is
asked for once more and then cut at a sentence's end; one that keeps the diagram's terms ends the session rejected.
"""

from collections.abc import Mapping
from dataclasses import asdict
from random import Random
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from agents.brief import Brief
from agents.cast import Cast, Role
from agents.conceptualization import rebuild_diagram, write_diagram
from agents.counselor import build_thread
from agents.patient import STYLES, Part, TalkingStyle, speak
from agents.prompt import load_prompt
from agents.transcript import Utterance
from graphs.danger import DangerState, estimate_exchanges, look_back, risk
from graphs.meeting import find_end, say, session_critic
from graphs.recipe import Recipe
from graphs.state import Artefact
from graphs.turn import Update, current_exchange
from graphs.written import CriticSwitch
from taxonomy.plan import SessionPlan

MOST_EXCHANGES = 20
"""The paper has no end of its own; this is the longest session that this house plans."""
SHORTEST_TEXT = 20
"""Characters below which a text tells of nobody; own choice."""


class Switches(CriticSwitch):
    """The recipe's switches."""

    style: Literal["dealt"] | TalkingStyle = "dealt"
    """How the client talks, the same in each session of the run; `dealt` draws it by the session's seed."""
    exchanges: int = Field(default=MOST_EXCHANGES, ge=1, le=200)
    """Exchanges after which a session is cut off."""


class State(DangerState, total=False):
    """What this recipe carries beside the crisis branch; `cap` are the exchanges after which it is cut off."""

    style: Literal["dealt"] | TalkingStyle
    cap: int
    part: Part


def start(switches: Switches) -> Update:
    return {"style": switches.style, "cap": switches.exchanges, "whispers": [], "crisis": None}


def find_unfit(brief: Brief) -> str | None:
    length = len(brief.text.strip())
    return f"a text of {length} characters; {SHORTEST_TEXT} are needed" if length < SHORTEST_TEXT else None


async def planner(state: State, runtime: Runtime[Cast]) -> Update:
    plan, given = state["plan"], state["style"]
    diagram, call = await write_diagram(runtime.context, state["brief"], plan)
    deal = Random(f"patient_psi/{plan.seed}")
    dealt, place = deal.choice(STYLES), deal.randrange(len(diagram.situations))
    part = Part(diagram, diagram.situations[place], dealt if given == "dealt" else given)
    body = {"diagram": diagram.model_dump(), "situation": place, "style": part.style}
    return {"part": part, "artefacts": [Artefact("diagram", body, call)]}


async def client(state: State, runtime: Runtime[Cast]) -> Update:
    crisis, exchange, last = state["crisis"], current_exchange(state), find_last(state)
    since = crisis.since if crisis else None
    spoken = await speak(runtime.context, state["plan"], state["part"], state["transcript"], last, since)
    unsaid = [Artefact("draft", body, call, exchange) for body, call in spoken.list_unsaid()]
    said = say(state, spoken.line) | {"artefacts": unsaid}
    why = f"the client's line {exchange} speaks in the diagram's terms: {', '.join(spoken.terms)}"
    return said | ({"end_reason": "rejected", "reject_reasons": [why]} if spoken.terms else {})


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    cast = runtime.context
    head = load_prompt("patient_psi/counselor", cast.language)
    thread = [*cast.open_thread(head.render()), *build_thread(cast, state["transcript"], state["whispers"])]
    said = await cast.say("counselor", head.hash, thread)
    line = Utterance("counselor", said.text, said.reasoning, said.call)
    return say(state, line) | {"end_reason": find_end(state, find_last(state))}


def find_last(state: State) -> int:
    return min(state["cap"], state["plan"].exchanges)


async def assessor(state: State, runtime: Runtime[Cast]) -> Update:
    """Rebuild the diagram from the talk alone, and keep how far it agrees with the hidden one."""
    part = state["part"]
    drawn, recovery, call = await rebuild_diagram(runtime.context, state["transcript"], part.diagram, part.situation)
    made = [Artefact("rebuilt", drawn.model_dump(), call)] if drawn else []
    return {"artefacts": [*made, Artefact("recovery", asdict(recovery), call)]}


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_sequence([planner, client])
    for node in (risk, counselor, assessor):
        graph.add_node(node)
    graph.add_edge("__start__", "planner")
    graph.add_conditional_edges("client", lambda at: "__end__" if at["end_reason"] else "risk", ["risk", "__end__"])
    graph.add_edge("risk", "counselor")
    ways = ["client", "assessor"]
    graph.add_conditional_edges("counselor", lambda at: "assessor" if at["end_reason"] else "client", ways)
    graph.add_edge("assessor", "session_critic" if switches.critic == "on" else "__end__")
    if switches.critic == "on":
        graph.add_node(session_critic)
        look_back(graph)
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role; one client line in ten is asked for again, a guess of our own."""
    n, is_risky = min(switches.exchanges, estimate_exchanges(plan)), plan.risk != "none"
    judged = (switches.critic == "on") * (1 + is_risky)
    return {"planner": 1, "client": 1.1 * n, "risk": 2 * is_risky, "counselor": n, "assessor": 1, "critic": judged}


RECIPE = Recipe(
    name="patient_psi",
    summary="a client made of a hidden CBT diagram in one of six styles, and an assessor who rebuilds it from the talk",
    paper="https://arxiv.org/abs/2405.19660",
    units=("cell", "text"),
    heads={
        "planner": "patient_psi/planner", "client": "patient_psi/client", "risk": "risk/head",
        "counselor": "patient_psi/counselor", "assessor": "patient_psi/assessor", "critic": "critic/session_head",
    },
    blind_counselor=True,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=lambda switches: () if switches.critic == "on" else ("critic",),
    find_unfit=find_unfit,
)  # fmt: skip
