"""The flagship: a client with a hidden profile, a counselor who works in stages and remembers, checked turn by turn.

intake -> [client -> risk -> stage, memory (or crisis) -> counselor -> checks -> turn critic -> rewrite, at most twice]
until the end is reached -> session critic, and safety critic where there was danger. The house's own method: critique
by turn instead of whole restarts, a typed end instead of a marker in the text, a profile the counselor never sees.
"""

from collections.abc import Mapping
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime

from agents.cast import Cast, Role
from agents.counselor import Whisper
from agents.critic import judge_session
from agents.memory import RENEW_EVERY, Memory, is_renewal_due, renew_memory, word_memory
from agents.stage import FEWEST_EXCHANGES, Progress, decide_stage, word_stage
from agents.transcript import count_exchanges
from graphs.danger import DangerState, client, crisis, estimate_exchanges, last_exchange, look_back, risk
from graphs.inner_voice import InnerVoice, count_thoughts, find_idle, think_beside
from graphs.nodes import intake
from graphs.recipe import Recipe
from graphs.state import EndReason, Judged
from graphs.turn import Update, checks, current_exchange, rewrite, rewrite_or_judge, turn_critic, write_draft
from taxonomy.plan import SessionPlan

PLAYED: tuple[Role, ...] = ("intake", "client", "stage", "memory", "risk", "counselor", "inner_voice", "critic")


class State(DangerState, total=False):
    """What this recipe carries beside the turn and the crisis branch."""

    progress: Progress
    memory: Memory | None
    is_closed: bool


def start(switches: InnerVoice) -> Update:
    return {"progress": Progress(), "memory": None, "whispers": [], "crisis": None, "is_closed": False}


async def stage(state: State, runtime: Runtime[Cast]) -> Update:
    cast, before, exchange = runtime.context, state["progress"], current_exchange(state)
    progress, move = await decide_stage(cast, before, state["transcript"], exchange, state["plan"].exchanges)
    if move == "end":
        return {"is_closed": True}
    if exchange > 1 and progress == before:
        return {}
    return {"progress": progress, "whispers": [Whisper(exchange, word_stage(cast, progress, move))]}


async def memory(state: State, runtime: Runtime[Cast]) -> Update:
    cast, exchange = runtime.context, current_exchange(state)
    renewed = await renew_memory(cast, state["memory"], state["transcript"])
    return {"memory": renewed, "whispers": [Whisper(exchange, word_memory(cast, renewed))]}


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    return await write_draft(state, runtime.context, state["progress"].stage)


async def session_critic(state: State, runtime: Runtime[Cast]) -> Update:
    judgement = await judge_session(runtime.context, state["transcript"])
    return {"judged": [Judged(0, 0, judgement)], "end_reason": find_end(state)}


def find_end(state: State) -> EndReason | None:
    """Tell whether the meeting ends with the exchange just finished, and why."""
    plan, danger, exchange = state["plan"], state["crisis"], count_exchanges(state["transcript"])
    if danger:
        return "handed_over" if exchange >= last_exchange(danger, plan.exchanges) else None
    if state["is_closed"] and exchange >= FEWEST_EXCHANGES:
        return "closed"
    if exchange < plan.exchanges:
        return None
    if plan.ending == "leaves_early":
        return "client_left"
    return "time" if plan.ending == "out_of_time" else "closed"


def work_or_crisis(state: State) -> list[Literal["crisis", "stage", "memory"]]:
    if state["crisis"]:
        return ["crisis"]
    return ["stage", "memory"] if is_renewal_due(current_exchange(state)) else ["stage"]


def go_on_or_end(state: State) -> Literal["rewrite", "client", "session_critic", "__end__"]:
    if state["end_reason"] == "rejected":
        return "__end__"
    if state["faults"]:
        return "rewrite"
    return "session_critic" if find_end(state) else "client"


def build(switches: InnerVoice) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_node(intake)
    graph.add_node(client)
    graph.add_node(risk)
    graph.add_node(crisis)
    graph.add_node(stage)
    graph.add_node(memory)
    graph.add_node(counselor)
    graph.add_node(checks)
    graph.add_node(turn_critic)
    graph.add_node(rewrite)
    graph.add_node(session_critic)
    graph.add_edge("__start__", "intake")
    graph.add_edge("intake", "client")
    graph.add_edge("client", "risk")
    graph.add_conditional_edges("risk", work_or_crisis, ["crisis", "stage", "memory"])
    graph.add_edge("stage", "counselor")
    graph.add_edge("memory", "counselor")
    graph.add_edge("counselor", "checks")
    graph.add_edge("crisis", "checks")
    graph.add_conditional_edges("checks", rewrite_or_judge)
    graph.add_edge("rewrite", "checks")
    think_beside(graph, go_on_or_end, switches)
    look_back(graph)
    return graph


def estimate(plan: SessionPlan, switches: InnerVoice) -> Mapping[Role, float]:
    """Calls by role: each exchange asks client, counselor and critic, seldom twice, and every other one the stage."""
    n, is_risky, thoughts = estimate_exchanges(plan), plan.risk != "none", count_thoughts(plan, switches)
    return {
        "intake": 1, "client": n, "counselor": 1.05 * n, "critic": 1.05 * n + 1 + is_risky + thoughts,
        "inner_voice": thoughts, "stage": 0.5 * n, "memory": (n - 1) // RENEW_EVERY, "risk": 2 * is_risky,
    }  # fmt: skip


RECIPE = Recipe(
    name="session",
    summary="staged counselling with memory, a hidden profile, a crisis branch and turn-by-turn critique",
    paper="own method; docs/papers.md",
    units=("cell", "text"),
    heads={role: f"{role}/head" for role in PLAYED} | {"critic": "critic/turn_head"},
    blind_counselor=True,
    switches=InnerVoice,
    start=start,
    build=build,
    estimate=estimate,
    find_idle=find_idle,
)
