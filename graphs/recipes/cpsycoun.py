"""A counselling report is first read into a memo, and the memo leads the writing of the talk, stage by stage.

CPsyCoun, https://arxiv.org/abs/2405.16433. report -> planner: memo -> writer: a talk in four stages -> critic.
Where this differs: every line carries its stage, so that their order is checked; line length and mentions of the
sources are checked with one repair, where people looked for them; the critic of this house judges the 14 criteria.
"""

from collections.abc import Container, Mapping
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime

from agents.brief import Brief
from agents.cast import Cast, Role
from agents.memo import Memo, StagedScript, find_talk_fault
from agents.message import Message
from agents.prompt import Prompt, load_prompt
from agents.script import Script
from agents.transcript import Utterance
from graphs.recipe import Recipe
from graphs.state import Artefact, SessionState
from graphs.turn import Update
from graphs.written import CriticSwitch, end_with_critic, say_all
from store.formats.seeds import IDS
from taxonomy.plan import SessionPlan

EXCHANGES = (5, 15)
"""Rounds of a talk that the published prompt asks for."""
SHORTEST_REPORT = 80
"""Characters below which a report tells of no case; own choice."""
RUBRIC = "cpsycoun_dialogue"
"""The 14 criteria by which the paper compares its two ways of writing a talk."""


class Switches(CriticSwitch):
    """The recipe's switches."""

    memo: Literal["on", "off"] = "on"
    """Whether a memo is made first; off is the baseline: one call that plays both parts, without stages."""


class State(SessionState, total=False):
    """What this recipe carries beside the shared state."""

    memo: Memo | None


def start(switches: Switches) -> Update:
    return {"memo": None}


def read_report(brief: Brief) -> str:
    """Return the parts of a report in their order, each under its name."""
    parts = {name: text for name, text in brief.fields.items() if text and name not in IDS}
    return "\n".join(f"{name}: {text}" for name, text in parts.items()) if len(parts) > 1 else brief.text


def find_unfit(brief: Brief) -> str | None:
    """Return why a row cannot be written back into a talk."""
    length = len(read_report(brief))
    return f"a report of {length} characters; {SHORTEST_REPORT} are needed" if length < SHORTEST_REPORT else None


async def planner(state: State, runtime: Runtime[Cast]) -> Update:
    cast = runtime.context
    head = load_prompt("cpsycoun/planner", cast.language)
    memo, call = await cast.fill("planner", head.hash, open_thread(cast, head, state), Memo)
    return {"memo": memo, "artefacts": [Artefact("memo", memo.model_dump(), call)]}


async def writer(state: State, runtime: Runtime[Cast]) -> Update:
    cast, memo = runtime.context, state["memo"]
    head = load_prompt("cpsycoun/writer" if memo else "cpsycoun/role_play", cast.language)
    thread = open_thread(cast, head, state)
    if memo:
        thread.append(Message("user", load_prompt("cpsycoun/memo", cast.language).render(memo=memo)))

    def find_fault(talk: StagedScript | Script) -> str | None:
        return find_talk_fault(talk, cast.language, *EXCHANGES)

    form: type[StagedScript | Script] = StagedScript if memo else Script
    talk, call = await cast.fill("writer", head.hash, thread, form, find_fault)
    stages = [line.stage for line in talk.turns] if isinstance(talk, StagedScript) else [None] * len(talk.turns)
    return say_all(
        [
            Utterance(line.speaker, line.text.strip(), call=call, stage=stage)
            for line, stage in zip(talk.turns, stages, strict=True)
        ]
    )


def open_thread(cast: Cast, head: Prompt, state: State) -> list[Message]:
    """Return what planner and writer both begin with: their instructions and the report."""
    report = load_prompt("cpsycoun/report", cast.language).render(report=read_report(state["brief"]))
    return [*cast.open_thread(head.render()), Message("user", report)]


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    if switches.memo == "on":
        graph.add_node(planner)
        graph.add_edge("__start__", "planner")
        graph.add_edge("planner", "writer")
    else:
        graph.add_edge("__start__", "writer")
    graph.add_node(writer)
    end_with_critic(graph, "writer", switches, RUBRIC)
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role for one talk."""
    idle = find_idle(switches)
    return {role: 0 if role in idle else 1 for role in RECIPE.roles}


def find_idle(switches: Switches) -> Container[Role]:
    told: dict[Role, str] = {"planner": switches.memo, "critic": switches.critic}
    return [role for role, switch in told.items() if switch == "off"]


RECIPE = Recipe(
    name="cpsycoun",
    summary="a counselling report becomes a memo, and the memo a talk in four stages",
    paper="https://arxiv.org/abs/2405.16433",
    units=("text",),
    heads={"planner": "cpsycoun/planner", "writer": "cpsycoun/writer", "critic": "critic/session_head"},
    blind_counselor=False,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=find_idle,
    find_unfit=find_unfit,
)
