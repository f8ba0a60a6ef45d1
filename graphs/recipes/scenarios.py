"""From cells to scenarios: two are written for a cell, checked, and read back by one who does not know the cell.

The house's own method. writer, twice -> checks -> assessor: feeling among the first two, and scene -> the better one is
kept. What PsyRoom's seed list leaves out is what this is for: a feeling and a scene that are each meant, one event with
a time and another person, and a written reason for each that is dropped. The runner looks for near copies at the end.
"""

from collections.abc import Container, Mapping
from dataclasses import asdict
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast, Role
from agents.recovery import recover
from agents.scenario import tell_scenario, write_scenario
from agents.scenario_checks import check_scenario
from agents.scenario_choice import Candidate, choose, word_misses
from graphs.recipe import Recipe
from graphs.state import Artefact, Found, SessionState
from graphs.turn import Update
from taxonomy.plan import SessionPlan

CANDIDATES = 2
"""Scenarios written for a cell; own choice. Of 480 cells 57 may fail, and the 423 scenarios of PsyRoom still hold."""
SHARE_CHECKED = 0.95
"""Of the candidates, those that reach the assessor; on the rehearsal model."""


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    candidates: int = Field(default=CANDIDATES, ge=1, le=4)
    """Scenarios written for a cell, each shown those before it."""
    recovery: Literal["on", "off"] = "on"
    """Whether the label-blind assessor has to find the cell again."""


class State(SessionState, total=False):
    """What this recipe carries beside the shared state."""

    wanted: int
    is_blind: bool
    candidates: list[Candidate]


def start(switches: Switches) -> Update:
    return {"wanted": switches.candidates, "is_blind": switches.recovery == "on", "candidates": []}


async def writer(state: State, runtime: Runtime[Cast]) -> Update:
    cast, plan, earlier = runtime.context, state["plan"], state["candidates"]
    written, call = await write_scenario(cast, state["brief"], plan, [each.scenario for each in earlier])
    told = tell_scenario(written, plan, cast.language)
    findings = check_scenario(written, told, state["brief"], plan, cast.language)
    body = {"candidate": len(earlier) + 1, **written.model_dump(), "text": told}
    made = Artefact("candidate", body | {"findings": [asdict(finding) for finding in findings]}, call)
    return {"candidates": [*earlier, Candidate(written, told, call, findings)], "artefacts": [made]}


async def assessor(state: State, runtime: Runtime[Cast]) -> Update:
    *before, last = state["candidates"]
    reading = await recover(runtime.context, state["brief"], state["plan"], last.told)
    body = {"candidate": len(before) + 1, **asdict(reading), "is_recovered": reading.is_recovered}
    made = Artefact("recovery", body, reading.call)
    return {"candidates": [*before, last._replace(reading=reading)], "artefacts": [made]}


async def settle(state: State) -> Update:
    """Keep the better of those that pass; without one the cell has no scenario, and each says why."""
    candidates, plan = state["candidates"], state["plan"]
    place = choose(candidates, state["is_blind"])
    if place is None or plan.cell is None:
        return {"end_reason": "rejected", "reject_reasons": word_misses(candidates, state["is_blind"])}
    best = candidates[place]
    meant = {**plan.cell._asdict(), "risk": plan.risk, "age": plan.age, "gender": plan.gender}
    body = meant | {"candidate": place + 1, **best.scenario.model_dump(), "text": best.told}
    found = [Found(0, 0, "client", finding) for finding in best.findings]
    return {"artefacts": [Artefact("scenario", body, best.call)], "found": found}


def assess_or_go_on(state: State) -> Literal["assessor", "writer", "settle"]:
    is_sound = not state["candidates"][-1].faults
    return "assessor" if is_sound and state["is_blind"] else go_on_or_settle(state)


def go_on_or_settle(state: State) -> Literal["writer", "settle"]:
    return "writer" if len(state["candidates"]) < state["wanted"] else "settle"


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_node(writer)
    graph.add_node(settle)
    graph.add_edge("__start__", "writer")
    if switches.recovery == "on":
        graph.add_node(assessor)
        graph.add_conditional_edges("writer", assess_or_go_on)
        graph.add_conditional_edges("assessor", go_on_or_settle)
    else:
        graph.add_conditional_edges("writer", go_on_or_settle)
    graph.add_edge("settle", "__end__")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role for one cell."""
    n = switches.candidates
    return {"writer": n, "assessor": SHARE_CHECKED * n if switches.recovery == "on" else 0}


def find_idle(switches: Switches) -> Container[Role]:
    return () if switches.recovery == "on" else ("assessor",)


RECIPE = Recipe(
    name="scenarios",
    summary="a cell becomes a concrete scenario that someone who does not know the cell can read it from",
    paper="own method; docs/papers.md",
    units=("cell",),
    heads={"writer": "scenarios/writer", "assessor": "scenarios/assessor"},
    blind_counselor=False,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    makes="scenario",
    find_idle=find_idle,
)
