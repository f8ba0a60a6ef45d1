"""A reasoning model answers a question once, with the counselor's instructions really sent and its reasoning kept.

For the data of Xinjing-LM, https://github.com/Kedreamix/Xinjing-LM (inference_r1.py). question -> risk, where words of
danger stand in it -> counselor: reasoning and answer -> critic, and safety critic where there was danger.
Where this differs: the system prompt is part of the request, which the published script loses; an answer that was cut
off fails the session and is never kept as an answer; one without reasoning is marked, or rejected; checks and critic
read the answer; a question with a sign of danger is answered under the crisis note and waits for a person.
"""

from collections.abc import Mapping
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from agents.brief import Brief
from agents.cast import Cast, Role
from agents.checks import check_utterance
from agents.checks.structure import find_length
from agents.critic import judge_turn
from agents.distillation import NO_REASONING, Danger, answer, find_no_reasoning, find_question, list_signs
from agents.risk import Kind, Level, read_risk
from agents.transcript import Utterance
from graphs.danger import Crisis, safety_critic
from graphs.recipe import Recipe
from graphs.state import Attempt, Found, Judged, SessionState
from graphs.turn import Update
from taxonomy.plan import SessionPlan

ROUTED = 0.1
"""Questions in which words of danger stand, for estimates: 71 of 815 of Counsel Chat."""


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    system: Literal["psychology", "none"] = "psychology"
    """What leads the request: the counselor's instructions, or nothing, as the published set was made."""
    reasoning: Literal["wanted", "required"] = "wanted"
    """Whether an answer without reasoning is marked, or rejected."""
    critic: Literal["on", "off"] = "on"
    """Whether the critic judges the answer."""


class State(SessionState, total=False):
    """What this recipe carries: the switches, and what was read in the question where signs of danger stand in it."""

    switches: Switches
    crisis: Crisis
    danger: Danger | None


async def question(state: State) -> Update:
    """Say the question as it was written."""
    asked = Utterance("client", find_question(state["brief"]))
    if not asked.text.strip():
        return reject("there is no question")
    return {"transcript": [asked], "found": [Found(1, 0, "client", finding) for finding in check_utterance(asked, [])]}


async def risk(state: State, runtime: Runtime[Cast]) -> Update:
    """Ask how grave the signs of danger are that stand in the question; whatever is read, a person looks at it."""
    asked = state["transcript"]
    reading = await read_risk(runtime.context, asked, list_signs(asked[0].text))
    kind: Kind = "self_harm" if reading.kind == "none" else reading.kind
    level: Level = "passive" if reading.level == "none" else reading.level
    return {"crisis": Crisis({kind: level}, 1, 1), "danger": None if reading.level == "none" else (kind, level)}


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    """Answer the question, once."""
    asked, switches = state["transcript"][0], state["switches"]
    is_required = switches.reasoning == "required"
    said = await answer(runtime.context, asked.text, state["danger"], is_led=switches.system == "psychology")
    unthought = find_no_reasoning(said, is_required=is_required)
    findings = [*check_utterance(said, [asked]), *([unthought] if unthought else [])]
    update: Update = {"transcript": [said], "attempts": [Attempt(1, 0, said, is_chosen=True)], "end_reason": "closed"}
    update["found"] = [Found(1, 0, "counselor", finding) for finding in findings]
    return update | (reject(NO_REASONING) if unthought and is_required else {})


async def critic(state: State, runtime: Runtime[Cast]) -> Update:
    """Judge the answer as one full answer to one written question."""
    asked, said = state["transcript"]
    return {"judged": [Judged(1, 0, await judge_turn(runtime.context, [asked], said, "autocbt"))]}


def reject(reason: str) -> Update:
    return {"reject_reasons": [reason], "end_reason": "rejected"}


def risk_or_answer(state: State) -> Literal["risk", "counselor", "__end__"]:
    """Route after the question."""
    if state["end_reason"] == "rejected":
        return "__end__"
    return "risk" if list_signs(state["transcript"][0].text) else "counselor"


def judge_or_end(state: State) -> Literal["critic", "__end__"]:
    """Route after the answer."""
    return "__end__" if state["end_reason"] == "rejected" or state["switches"].critic == "off" else "critic"


def look_back_or_end(state: State) -> Literal["safety_critic", "__end__"]:
    """Route after the critic: where there was danger, safety is judged."""
    return "safety_critic" if state.get("crisis") or state["plan"].risk != "none" else "__end__"


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    for node in (question, risk, counselor, critic):
        graph.add_node(node)
    graph.add_node(safety_critic)
    graph.add_edge("__start__", "question")
    graph.add_conditional_edges("question", risk_or_answer)
    graph.add_edge("risk", "counselor")
    graph.add_conditional_edges("counselor", judge_or_end)
    graph.add_conditional_edges("critic", look_back_or_end)
    graph.add_edge("safety_critic", "__end__")
    return graph


def find_unfit(brief: Brief) -> str | None:
    found = find_length(Utterance("client", brief.text), [])
    return f"too long for one question: {found.reason}" if found and found.severity == "reject" else None


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role for one question."""
    return {"risk": ROUTED, "counselor": 1, "critic": 1 + ROUTED if switches.critic == "on" else 0}


RECIPE = Recipe(
    name="distill",
    summary="a reasoning model answers one question, with its instructions sent and its reasoning kept",
    paper="https://github.com/Kedreamix/Xinjing-LM",
    units=("text", "dialogue"),
    heads={"risk": "risk/head", "counselor": "distill/counselor", "critic": "critic/turn_head"},
    blind_counselor=False,
    switches=Switches,
    start=lambda switches: {"switches": switches, "danger": None},
    build=build,
    estimate=estimate,
    find_idle=lambda switches: () if switches.critic == "on" else ("critic",),
    find_unfit=find_unfit,
)
