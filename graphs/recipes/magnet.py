"""Five specialists draft, a selector chooses the technique, a merger speaks: one CBT plan guides the session.

MAGneT, https://arxiv.org/abs/2509.04183. intake -> [client -> (planner, once) -> five drafts | selector -> merger]
until the end -> CTRS, WAI, PANAS. Where this differs: the intake is written here, the client opens, the session ends at
its planned length or the cap, not on a marker (none fired in the published set), the selector works beside the drafts,
and the scales are this house's wording; PANAS reads the client's first and last third.
"""

import operator
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal, get_args

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast, Role
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Utterance
from graphs.cbt import MOST_EXCHANGES, CbtState, client, critic, find_end, intake, planner, say, word_history
from graphs.recipe import Recipe
from graphs.state import Artefact
from graphs.turn import Update, current_exchange
from taxonomy.plan import SessionPlan

TurnTechnique = Literal["reflection", "questioning", "providing_solutions", "normalization", "psychoeducation"]
SPECIALISTS: tuple[TurnTechnique, ...] = get_args(TurnTechnique)
RUBRICS = ("ctrs", "wai", "panas")


class TurnChoice(BaseModel):
    """What the selector answers."""

    model_config = ConfigDict(extra="forbid")

    techniques: Annotated[list[TurnTechnique], Field(min_length=1, max_length=len(SPECIALISTS))]


class Switches(BaseModel):
    """The recipe's switches; the paper's ablations are plan, technique, and both."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    exchanges: int = Field(default=MOST_EXCHANGES, ge=1, le=200)
    """Exchanges after which the session is cut off."""
    plan: Literal["on", "off"] = "on"
    """Whether a CBT plan is made."""
    technique: Literal["on", "off"] = "on"
    """Whether the technique of each turn is chosen."""
    critic: Literal["on", "off"] = "on"
    """Whether CTRS, WAI and PANAS are scored at the end."""


class State(CbtState, total=False):
    """What this recipe carries beside the planned session: the drafts and the choice of the exchange under way."""

    drafts: Annotated[dict[TurnTechnique, str], operator.or_]
    techniques: list[TurnTechnique]


def start(switches: Switches) -> Update:
    return {"cap": switches.exchanges, "drafts": {}, "techniques": []}


async def specialist(technique: TurnTechnique, state: State, runtime: Runtime[Cast]) -> Update:
    cast, form = runtime.context, state["form"]
    head = load_prompt("magnet/specialist", cast.language)
    note = load_prompt("magnet/specialist_note", cast.language).render(technique=technique)
    thread = cast.open_thread(head.render(demographics=form.demographics, reason=form.reason))
    said = await cast.say("adviser", head.hash, [*thread, *word_history(state), Message("user", note)])
    made = Artefact("draft", {"technique": technique, "text": said.text}, said.call, current_exchange(state))
    return {"drafts": {technique: said.text}, "artefacts": [made]}


async def selector(state: State, runtime: Runtime[Cast]) -> Update:
    cast, plan = runtime.context, state.get("cbt_plan")
    head, ask = load_prompt("magnet/selector", cast.language), load_prompt("magnet/selector_ask", cast.language)
    opened = cast.open_thread(head.render(plan=plan.plan if plan else ""))
    thread = [*opened, *word_history(state), cast.ask_last(ask.render())]
    choice, call = await cast.fill("planner", head.hash, thread, TurnChoice)
    chosen = [name for name in SPECIALISTS if name in choice.techniques]
    return {"techniques": chosen, "artefacts": [Artefact("techniques", chosen, call, current_exchange(state))]}


async def merger(state: State, runtime: Runtime[Cast]) -> Update:
    cast = runtime.context
    head = load_prompt("magnet/merger", cast.language)
    drafts = [(name, state["drafts"][name]) for name in SPECIALISTS]
    ask = load_prompt("magnet/merger_ask", cast.language).render(drafts=drafts, techniques=state["techniques"])
    said = await cast.say("counselor", head.hash, [*cast.open_thread(head.render()), cast.ask_last(ask)])
    line = Utterance("counselor", said.text, said.reasoning, said.call)
    return say(state, line) | {"end_reason": find_end(state, cast.language)}


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    beside: list[str] = [*SPECIALISTS, *(["selector"] if switches.technique == "on" else [])]
    first = ["planner"] if switches.plan == "on" else beside
    last = "critic" if switches.critic == "on" else "__end__"
    graph = StateGraph(State, context_schema=Cast)
    graph.add_sequence([intake, client])
    graph.add_node(merger)
    for technique in SPECIALISTS:
        graph.add_node(technique, partial(specialist, technique))
    graph.add_edge("__start__", "intake")
    ways = [*beside, *(name for name in first if name not in beside)]
    graph.add_conditional_edges("client", lambda state: beside if state["transcript"][1:] else first, ways)
    if switches.plan == "on":
        graph.add_node(planner)
        graph.add_conditional_edges("planner", lambda _: beside, beside)
    if switches.technique == "on":
        graph.add_node(selector)
    graph.add_edge(beside, "merger")
    graph.add_conditional_edges("merger", lambda state: last if state["end_reason"] else "client", ["client", last])
    if switches.critic == "on":
        graph.add_node("critic", partial(critic, RUBRICS))
        graph.add_edge("critic", "__end__")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role; PANAS takes two."""
    n = min(switches.exchanges, plan.exchanges)
    decided = (switches.plan == "on") + n * (switches.technique == "on")
    scored = (len(RUBRICS) + 1) * (switches.critic == "on")
    return {"intake": 1, "planner": decided, "client": n, "adviser": 5 * n, "counselor": n, "critic": scored}


def find_idle(switches: Switches) -> list[Role]:
    idle: list[Role] = [] if "on" in (switches.plan, switches.technique) else ["planner"]
    return idle if switches.critic == "on" else [*idle, "critic"]


RECIPE = Recipe(
    name="magnet",
    summary="five specialists draft each reply, a selector chooses, a merger speaks, under one CBT plan",
    paper="https://arxiv.org/abs/2509.04183",
    units=("cell", "text"),
    heads={
        "intake": "cbt/intake", "planner": "cbt/planner", "client": "cbt/client", "adviser": "magnet/specialist",
        "counselor": "magnet/merger", "critic": "critic/session_head",
    },
    blind_counselor=True,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=find_idle,
)  # fmt: skip
