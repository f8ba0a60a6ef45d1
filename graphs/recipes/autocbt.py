"""One question, one answer that supervisors improve: the counselor drafts, a router picks whom to ask, it drafts again.

AutoCBT, https://arxiv.org/abs/2501.09426. counselor -> router -> [supervisors, in parallel -> counselor -> router]
until the router sends the draft to the user -> answer -> critic, on the first draft and on the last.
Where this differs: a route is a form, repaired once, and not names read out of a text; somebody is asked before the
user is answered; the critic reads the first and the last version, the paper's scorer reads all.
"""

import operator
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import BaseModel, ConfigDict, Field

from agents.brief import Brief
from agents.cast import Cast, Role
from agents.checks import check_utterance
from agents.checks.structure import find_length
from agents.critic import judge_turn
from agents.supervision import SUPERVISORS, USER, Advice, choose_route, give_advice, write_draft
from agents.transcript import Utterance
from graphs.recipe import Recipe
from graphs.state import Artefact, Attempt, EndReason, Found, Judged, SessionState
from graphs.turn import Update
from taxonomy.plan import SessionPlan

MOST_ROUTINGS = 6
"""The cap of the later code; with five supervisors asked once each, only asking them singly reaches it."""


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    routings: int = Field(default=MOST_ROUTINGS, ge=2, le=MOST_ROUTINGS)
    """Routings at most, the last one to the user."""


class State(SessionState, total=False):
    """What this recipe carries; `supervisor` is who is asked in one of the parallel branches."""

    cap: int
    supervisor: str
    drafts: Annotated[list[Utterance], operator.add]
    routings: Annotated[list[list[str]], operator.add]
    advice: Annotated[list[Advice], operator.add]


def start(switches: Switches) -> Update:
    return {"cap": switches.routings, "drafts": [], "routings": [], "advice": []}


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    draft = await write_draft(runtime.context, state["brief"].text, state["drafts"], state["advice"])
    made = Artefact("draft", {"version": len(state["drafts"]), "text": draft.text}, draft.call, 1)
    return {"drafts": [draft], "artefacts": [made]}


async def router(state: State, runtime: Runtime[Cast]) -> Update:
    number, asked = len(state["routings"]) + 1, [name for targets in state["routings"] for name in targets]
    left = tuple(name for name in SUPERVISORS if name not in asked)
    if left and number < state["cap"]:
        open, why = (*left, USER) if asked else left, "chosen"
        question, drafts = state["brief"].text, state["drafts"]
        targets, call = await choose_route(runtime.context, question, drafts, state["advice"], open)
    else:
        targets, call, why = [USER], None, "cap" if left else "nobody_left"
    made = Artefact("routing", {"routing": number, "targets": targets, "why": why}, call, 1)
    end: EndReason | None = None if targets != [USER] else "time" if why == "cap" else "closed"
    return {"routings": [targets], "artefacts": [made], "end_reason": end}


def consult_or_answer(state: State) -> list[Send] | Literal["answer"]:
    """Send the draft to each supervisor of the last routing at once, or on to the answer."""
    if state["end_reason"]:
        return "answer"
    given = {key: state[key] for key in ("brief", "drafts", "routings")}
    return [Send("supervisor", given | {"supervisor": name}) for name in state["routings"][-1]]


async def supervisor(state: State, runtime: Runtime[Cast]) -> Update:
    name, draft = state["supervisor"], state["drafts"][-1].text
    said = await give_advice(runtime.context, name, state["brief"].text, draft)
    advice = Advice(len(state["routings"]), name, said.text)
    return {"advice": [advice], "artefacts": [Artefact("advice", advice._asdict(), said.call, 1)]}


async def answer(state: State) -> Update:
    asked, final, version = Utterance("client", state["brief"].text), state["drafts"][-1], len(state["drafts"]) - 1
    found = [Found(1, 0, "client", finding) for finding in check_utterance(asked, [])]
    found += [Found(1, version, "counselor", finding) for finding in check_utterance(final, [asked])]
    return {"transcript": [asked, final], "attempts": [Attempt(1, version, final, is_chosen=True)], "found": found}


async def critic(state: State, runtime: Runtime[Cast]) -> Update:
    asked, drafts = state["transcript"][:1], state["drafts"]
    first, last = [await judge_turn(runtime.context, asked, drafts[n], "autocbt") for n in (0, -1)]
    made = Artefact("first_verdict", {"version": 0, "verdict": asdict(first)}, first.call, 1)
    return {"artefacts": [made], "judged": [Judged(1, len(drafts) - 1, last)]}


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    for node in (counselor, router, supervisor, answer, critic):
        graph.add_node(node)
    graph.add_edge("__start__", "counselor")
    graph.add_edge("counselor", "router")
    graph.add_conditional_edges("router", consult_or_answer, ["supervisor", "answer"])
    graph.add_edge("supervisor", "counselor")
    graph.add_edge("answer", "critic")
    graph.add_edge("critic", "__end__")
    return graph


def find_unfit(brief: Brief) -> str | None:
    found = find_length(Utterance("client", brief.text), [])
    return f"too long for one question: {found.reason}" if found and found.severity == "reject" else None


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role where all are asked, in two rounds if there may be so many."""
    rounds = min(2, switches.routings - 1)
    return {"counselor": rounds + 1, "planner": rounds, "adviser": len(SUPERVISORS), "critic": 2}


RECIPE = Recipe(
    name="autocbt",
    summary="one answer to one question, redrafted with the advice of CBT supervisors that a router picks",
    paper="https://arxiv.org/abs/2501.09426",
    units=("text",),
    heads={
        "counselor": "autocbt/counselor",
        "planner": "autocbt/router",
        "adviser": "autocbt/supervisor",
        "critic": "critic/turn_head",
    },
    blind_counselor=False,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_unfit=find_unfit,
)
