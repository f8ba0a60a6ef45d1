"""An outline comes first, and the talk grows from it in three stages; then each reply gets the thought behind it.

CATCH (SoulChat-R1), https://arxiv.org/abs/2509.25733. text -> profile -> goal -> resources -> solution -> writers of
target, working and ending -> for each reply: memory, plan and strategy, each with its check -> fusion -> critic.
Where this differs: a check that fails has its part written again at most twice, where the paper goes on until it
passes; the plan is held to the stage by code; the thought is fused by the inner voice of this house and judged; how the
client leaves is drawn by the plan, so that not every meeting ends in praise and homework.
"""

from collections.abc import Container, Mapping
from functools import partial
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import Field

from agents.brief import Brief
from agents.cast import Cast, Role
from agents.outline import PARTS, STAGES, Outline, Part, Stage, share_exchanges, write_part, write_stage
from agents.planned_thought import MOST_TRIES, Try, plan_thought
from agents.transcript import Utterance, count_exchanges
from graphs.inner_voice import AGAIN, list_judged
from graphs.recipe import Recipe
from graphs.state import Artefact, SessionState
from graphs.turn import Update
from graphs.written import CriticSwitch, end_with_critic, say_all
from taxonomy.plan import SessionPlan

MOST_EXCHANGES = 20
"""The house's longest planned meeting; the paper's own length is not known here."""
SHORTEST_TEXT = 40
"""Characters below which a person's text tells of nothing to outline; own choice."""
TRIES = sum(0.5**missed for missed in range(MOST_TRIES))
"""Writings of a part, as an estimate takes it: as if every check were a coin."""


class Switches(CriticSwitch):
    """The recipe's switches."""

    exchanges: int = Field(default=MOST_EXCHANGES, ge=3, le=50)
    """Exchanges of a talk at most; the plan draws 8 to 20."""
    thought: Literal["on", "off"] = "on"
    """Whether each reply gets its planning thought; off is the paper's ablation, the talk alone."""


class State(SessionState, total=False):
    """What this recipe carries: the talk as it grows; `reply` is the line that a branch thinks about."""

    cap: int
    outline: Outline
    talk: list[Utterance]
    reply: int


def start(switches: Switches) -> Update:
    return {"cap": switches.exchanges, "outline": {}, "talk": []}


def find_unfit(brief: Brief) -> str | None:
    """Return why a text cannot be outlined."""
    length = len(brief.text)
    return f"a text of {length} characters; {SHORTEST_TEXT} are needed" if length < SHORTEST_TEXT else None


async def planner(part: Part, state: State, runtime: Runtime[Cast]) -> Update:
    """Write one part of the outline; it sees the former ones."""
    body, call = await write_part(runtime.context, state["brief"].text, state["outline"], part)
    made = Artefact(part, body.model_dump(), call)
    return {"outline": {**state["outline"], part: body}, "artefacts": [made]}


async def writer(stage: Stage, state: State, runtime: Runtime[Cast]) -> Update:
    """Go on with the talk for one stage."""
    plan, text, outline = state["plan"], state["brief"].text, state["outline"]
    exchanges = share_exchanges(min(state["cap"], plan.exchanges))[stage]
    lines = await write_stage(runtime.context, text, outline, stage, state["talk"], exchanges, plan.ending)
    talk = [*state["talk"], *lines]
    return {"talk": talk} | (say_all(talk) if stage == STAGES[-1] else {})


def think_about_each(state: State) -> list[Send]:
    """Send each reply of the finished talk to a branch of its own."""
    given = {key: state[key] for key in ("outline", "transcript")}
    replies = [number for number, line in enumerate(state["transcript"]) if line.speaker == "counselor"]
    return [Send("think", given | {"reply": number}) for number in replies]


async def think(state: State, runtime: Runtime[Cast]) -> Update:
    """Write, check and fuse the thought behind one reply, which stays as it is."""
    before, line = state["transcript"][: state["reply"]], state["transcript"][state["reply"]]
    thought, tries = await plan_thought(runtime.context, state["outline"], before, line)
    exchange = count_exchanges(before) + 1
    made = [artefact for one in tries for artefact in list_made(one, exchange)]
    return {"thoughts": [thought], "judged": list_judged(thought, exchange), "artefacts": made}


def list_made(one: Try, exchange: int) -> list[Artefact]:
    check = {"part": one.part, "try": one.number, "passes": one.verdict.passes, "reason": one.verdict.reason}
    body = {"try": one.number, **one.body.model_dump()}
    return [Artefact(one.part, body, one.call, exchange), Artefact("check", check, one.verdict.call, exchange)]


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    planners = [(part, partial(planner, part)) for part in PARTS]
    writers = [(f"{stage}_writer", partial(writer, stage)) for stage in STAGES]
    graph.add_sequence([*planners, *writers])
    graph.add_edge("__start__", PARTS[0])
    last = writers[-1][0]
    if switches.thought == "on":
        graph.add_node(think)
        graph.add_conditional_edges(last, think_about_each, ["think"])
        last = "think"
    end_with_critic(graph, last, switches, "session")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role; memory and strategy are checked by a call, the plan by code."""
    n = min(switches.exchanges, plan.exchanges) if switches.thought == "on" else 0
    tried, fused = n * TRIES, n * (1 + AGAIN)
    last = 1 if switches.critic == "on" else 0
    told: dict[Role, float] = {"planner": len(PARTS), "writer": len(STAGES), "critic": fused + last}
    return told | {"adviser": 3 * tried, "assessor": 2 * tried, "inner_voice": fused}


def find_idle(switches: Switches) -> Container[Role]:
    idle: list[Role] = [] if switches.thought == "on" else ["adviser", "assessor", "inner_voice"]
    return [*idle, "critic"] if switches.critic == "off" and switches.thought == "off" else idle


RECIPE = Recipe(
    name="catch",
    summary="an outline first, then a talk in three stages, then the planned and checked thought behind each reply",
    paper="https://arxiv.org/abs/2509.25733",
    units=("text",),
    heads={
        "planner": "catch/outline", "writer": "catch/writer", "adviser": "catch/thinker",
        "assessor": "catch/checker", "inner_voice": "inner_voice/head", "critic": "critic/session_head",
    },
    blind_counselor=False,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=find_idle,
    find_unfit=find_unfit,
)  # fmt: skip
