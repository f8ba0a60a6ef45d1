"""Client and counselor have a short talk; a professor scores all of it, and one that falls short is begun again.

AI PsyRoom, https://arxiv.org/abs/2506.06740 (PsyRoom A). intake -> [client -> counselor] x 5 -> professor -> restart
from the client's opening with the reasons, at most 3 tries -> settle on the first that passes, else on the best.
Where this differs: nine points instead of one number of 100, a client made for each session, and every try is kept: a
talk that never passes ends rejected instead of being lost.
"""

import operator
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Literal, NamedTuple

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast, Role
from agents.checks import check_utterance
from agents.client import speak
from agents.counselor import Whisper, build_thread
from agents.critic import Judgement, judge_session, render_rubric
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Utterance, count_exchanges
from graphs.nodes import intake
from graphs.recipe import Recipe
from graphs.state import Artefact, Found, Judged, SessionState
from graphs.turn import Update
from taxonomy.plan import SessionPlan

HEADS: Mapping[Role, str] = {
    "intake": "intake/head", "client": "client/head", "counselor": "psyroom/counselor", "critic": "critic/session_head",
}  # fmt: skip
ACCEPT = 8.5
"""Of 9 points: the released bar of 95 in 100 would be 8.55, and the scale goes in steps of half a point."""
MOST_TRIES = 3
"""The released loop gives a talk up after as many."""


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    exchanges: int = Field(default=5, ge=1, le=50)
    """Exchanges of a talk; 10 utterances as released."""


class Try(NamedTuple):
    """A whole talk and what the professor made of it; `points` is None where the verdict could not be read."""

    talk: list[Utterance]
    judgement: Judgement
    points: float | None


class State(SessionState, total=False):
    """What this recipe carries: the talk under way, which moves to the transcript only when it is settled on."""

    cap: int
    talk: list[Utterance]
    reasons: list[str]
    tries: Annotated[list[Try], operator.add]


def start(switches: Switches) -> Update:
    return {"cap": switches.exchanges, "talk": [], "reasons": [], "tries": []}


async def client(state: State, runtime: Runtime[Cast]) -> Update:
    plan = replace(state["plan"], exchanges=state["cap"])
    return {"talk": [*state["talk"], await speak(runtime.context, state["profile"], plan, state["talk"])]}


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    cast, cap = runtime.context, state["cap"]
    head, step = load_prompt("psyroom/counselor", cast.language), load_prompt("psyroom/step", cast.language)
    # The first half of a talk asks, the rest advises; in the last exchange the two part, whatever else is due.
    notes = {(cap + 1) // 2 + 1: step.render(step="advise"), cap: step.render(step="part")}
    lines = build_thread(cast, state["talk"], [Whisper(exchange, note) for exchange, note in notes.items()])
    said = await cast.say("counselor", head.hash, [Message("system", head.render(reasons=state["reasons"])), *lines])
    return {"talk": [*state["talk"], Utterance("counselor", said.text, said.reasoning, said.call)]}


async def professor(state: State, runtime: Runtime[Cast]) -> Update:
    talk, verdict = state["talk"], await judge_session(runtime.context, state["talk"], "psyroom")
    points = None if verdict.scores is None else sum(verdict.scores.values())
    body = {"try": len(state["tries"]) + 1, "points": points, "told": state["reasons"], "verdict": asdict(verdict)}
    made = Artefact("try", body | {"transcript": [asdict(line) for line in talk]}, verdict.call)
    return {"tries": [Try(talk, verdict, points)], "artefacts": [made]}


async def restart(state: State, runtime: Runtime[Cast]) -> Update:
    """Go back to the client's opening with the professor's words and the questions on which points were lost."""
    verdict, rubric = state["tries"][-1].judgement, render_rubric("psyroom", runtime.context.language)
    short = [item.question for item in rubric.items if (verdict.scores or {}).get(item.id, rubric.high) < rubric.high]
    return {"talk": state["talk"][:1], "reasons": [verdict.reason, *short] if verdict.reason else short}


async def settle(state: State) -> Update:
    talk, verdict, points = max(state["tries"], key=lambda tried: tried.points or 0)
    pairs = [(n, line, finding) for n, line in enumerate(talk) for finding in check_utterance(line, talk[:n])]
    found = [Found(n // 2 + 1, 0, line.speaker, finding) for n, line, finding in pairs]
    best = "none could be scored" if points is None else f"the best has {points:g}"
    why = f"no try of {len(state['tries'])} reached {ACCEPT:g} of 9 points; {best}"
    settled: Update = {"transcript": talk, "found": found, "judged": [Judged(0, 0, verdict)], "end_reason": "time"}
    return settled | ({} if (points or 0) >= ACCEPT else {"end_reason": "rejected", "reject_reasons": [why]})


def go_on_or_judge(state: State) -> Literal["client", "professor"]:
    return "professor" if count_exchanges(state["talk"]) >= state["cap"] else "client"


def restart_or_settle(state: State) -> Literal["restart", "settle"]:
    is_good = (state["tries"][-1].points or 0) >= ACCEPT
    return "settle" if is_good or len(state["tries"]) == MOST_TRIES else "restart"


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    for node in (intake, client, counselor, professor, restart, settle):
        graph.add_node(node)
    graph.add_edge("__start__", "intake")
    graph.add_edge("intake", "client")
    graph.add_edge("client", "counselor")
    graph.add_conditional_edges("counselor", go_on_or_judge)
    graph.add_conditional_edges("professor", restart_or_settle)
    graph.add_edge("restart", "counselor")
    graph.add_edge("settle", "__end__")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role if a talk takes two tries, a guess of our own; the second keeps the client's opening."""
    return {"intake": 1, "client": 2 * switches.exchanges - 1, "counselor": 2 * switches.exchanges, "critic": 2}


RECIPE = Recipe(
    name="psyroom",
    summary="short talks that a professor scores as a whole and has begun again until they are good enough",
    paper="https://arxiv.org/abs/2506.06740",
    units=("cell", "text"),
    heads=HEADS,
    blind_counselor=True,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
)
