"""A technique and a plan first, then the whole talk: CBT with a form, a thought that returns and an attitude.

CACTUS, https://arxiv.org/abs/2407.03103. intake -> planner -> writer (one call) -> CTRS and PANAS; its evaluation
session, mode=session: intake -> client -> planner -> [counselor -> client] until the end -> CTRS and PANAS. Where this
differs: the intake is written here, not from PatternReframe; the attitude comes from the plan; the client opens; the
session ends at its planned length or the cap, not on a marker; nothing is filtered by score; the scales are this
house's wording, and PANAS reads the client's first and last third.
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast, Role
from agents.intake_form import Manner, list_sections
from agents.message import Message
from agents.prompt import load_prompt
from agents.script import write_script
from agents.transcript import Utterance
from graphs.cbt import MOST_EXCHANGES, CbtState, client, critic, find_end, intake, planner, say, word_history
from graphs.recipe import Recipe
from graphs.turn import Update
from graphs.written import say_all
from taxonomy.plan import SessionPlan

FEWEST_EXCHANGES, MOST_WRITTEN = 10, 17
"""The published talks hold 21 to 35 utterances."""
RUBRICS = ("ctrs", "panas")


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    mode: Literal["script", "session"] = "script"
    """Whether one writer writes the talk, or client and counselor have it in turns."""
    exchanges: int = Field(default=MOST_EXCHANGES, ge=1, le=200)
    """Exchanges after which a session in turns is cut off."""
    attitude: Literal["planned"] | Manner = "planned"
    """The client's attitude, the same in each session of the run; `planned` deals it by the plan."""
    critic: Literal["on", "off"] = "on"
    """Whether CTRS and PANAS are scored at the end."""


class State(CbtState, total=False):
    """What this recipe carries beside the planned session."""

    is_script: bool
    has_critic: bool


def start(switches: Switches) -> Update:
    given = {} if switches.attitude == "planned" else {"manner": switches.attitude}
    is_script, has_critic = switches.mode == "script", switches.critic == "on"
    return {"cap": switches.exchanges, "is_script": is_script, "has_critic": has_critic, **given}


async def writer(state: State, runtime: Runtime[Cast]) -> Update:
    cast, plan = runtime.context, state["cbt_plan"].model_dump()
    head = load_prompt("cactus/writer", cast.language)
    form = list_sections(state["form"], cast.language)
    n = max(FEWEST_EXCHANGES, min(state["plan"].exchanges, MOST_WRITTEN))
    ask = load_prompt("cactus/writer_ask", cast.language)
    asked = Message("user", ask.render(sections=form, manner=state["manner"], exchanges=n, **plan))
    thread = [*cast.open_thread(head.render()), asked]
    lines, _ = await write_script(cast, "writer", head.hash, thread, FEWEST_EXCHANGES)
    return say_all(lines)


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    cast, form, plan = runtime.context, state["form"], state["cbt_plan"].model_dump()
    head = load_prompt("cactus/answer", cast.language)
    known = cast.open_thread(head.render(demographics=form.demographics, reason=form.reason, **plan))
    said = await cast.say("counselor", head.hash, [*known, *word_history(state)])
    line = Utterance("counselor", said.text, said.reasoning, said.call)
    return say(state, line) | {"end_reason": find_end(state, cast.language)}


def plan_or_meet(state: State) -> Literal["planner", "client"]:
    return "planner" if state["is_script"] else "client"


def plan_or_answer(state: State) -> Literal["planner", "counselor"]:
    return "counselor" if "cbt_plan" in state else "planner"


def write_or_answer(state: State) -> Literal["writer", "counselor"]:
    return "writer" if state["is_script"] else "counselor"


def go_on_or_end(state: State) -> Literal["client", "critic", "__end__"]:
    if not state["end_reason"]:
        return "client"
    return "critic" if state["has_critic"] else "__end__"


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    for node in (intake, planner, writer, client, counselor):
        graph.add_node(node)
    graph.add_node("critic", partial(critic, RUBRICS))
    graph.add_edge("__start__", "intake")
    graph.add_conditional_edges("intake", plan_or_meet)
    graph.add_conditional_edges("client", plan_or_answer)
    graph.add_conditional_edges("planner", write_or_answer)
    graph.add_conditional_edges("writer", go_on_or_end, ["critic", "__end__"])
    graph.add_conditional_edges("counselor", go_on_or_end)
    graph.add_edge("critic", "__end__")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role; PANAS takes two."""
    n = min(switches.exchanges, plan.exchanges)
    said: Mapping[Role, float] = {"writer": 1} if switches.mode == "script" else {"client": n, "counselor": n}
    return {"intake": 1, "planner": 1, **said, "critic": 3 if switches.critic == "on" else 0}


def find_idle(switches: Switches) -> set[Role]:
    idle: set[Role] = {"client", "counselor"} if switches.mode == "script" else {"writer"}
    return idle if switches.critic == "on" else idle | {"critic"}


RECIPE = Recipe(
    name="cactus",
    summary="an intake form, a CBT technique and a plan, then one call writes the talk (or two play it)",
    paper="https://arxiv.org/abs/2407.03103",
    units=("cell", "text"),
    heads={
        "intake": "cbt/intake", "planner": "cbt/planner", "writer": "cactus/writer", "client": "cbt/client",
        "counselor": "cactus/answer", "critic": "critic/session_head",
    },
    blind_counselor=False,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=find_idle,
)  # fmt: skip
