"""Two models talk, each with its own instructions: the plainest interactive method, where asymmetry is everything.

Interactive Agents, https://arxiv.org/abs/2408.15787. [client -> counselor] until a farewell or the cap -> critic.
Where this differs: the session critic of this house scores the result; the paper's arena compares counselors.
"""

from collections.abc import Mapping
from typing import Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast, Role
from agents.checks import check_utterance
from agents.critic import judge_session
from agents.message import Message
from agents.prompt import load_prompt
from agents.risk import find_risk_words
from agents.transcript import Language, Utterance
from graphs.danger import CRISIS_EXCHANGES
from graphs.recipe import Recipe
from graphs.state import EndReason, Found, Judged, SessionState
from graphs.turn import Update, current_exchange
from taxonomy.plan import SessionPlan

MOST_EXCHANGES = 50
"""'up to 50 rounds' in the published script."""
USUAL_EXCHANGES = 13
"""1,000 published dialogues hold 25,896 messages: 13 exchanges each."""
FAREWELLS: dict[Language, tuple[str, ...]] = {
    "zh": ("再见", "下次见", "下回见", "慢走", "保重", "回头见", "下周见"),
    "en": (
        "goodbye",
        "bye for now",
        "take care",
        "see you next",
        "see you then",
        "until next time",
    ),
}
"""The method ends on a farewell of the counselor; the words are ours."""


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    exchanges: int = Field(default=MOST_EXCHANGES, ge=1, le=200)
    """Exchanges after which the talk is cut off."""
    critic: Literal["on", "off"] = "on"
    """Whether the session critic scores the result."""


class State(SessionState, total=False):
    """What this recipe carries beside the shared state."""

    cap: int
    has_critic: bool


def start(switches: Switches) -> Update:
    return {"cap": switches.exchanges, "has_critic": switches.critic == "on"}


async def client(state: State, runtime: Runtime[Cast]) -> Update:
    cast = runtime.context
    head = load_prompt("interactive/client", cast.language)
    opening = load_prompt("interactive/opening", cast.language).render()
    thread = [Message("system", head.render(profile=state["brief"].text)), Message("user", opening)]
    for line in state["transcript"]:
        thread.append(Message("assistant" if line.speaker == "client" else "user", line.text))
    said = await cast.say("client", head.hash, thread)
    return say(state, Utterance("client", said.text, said.reasoning, said.call))


async def counselor(state: State, runtime: Runtime[Cast]) -> Update:
    cast = runtime.context
    head = load_prompt("interactive/counselor", cast.language)
    thread = [Message("system", head.render())]
    for line in state["transcript"]:
        thread.append(Message("user" if line.speaker == "client" else "assistant", line.text))
    said = await cast.say("counselor", head.hash, thread)
    line = Utterance("counselor", said.text, said.reasoning, said.call)
    return say(state, line) | {"end_reason": find_end(state, said.text, cast.language)}


def say(state: State, line: Utterance) -> Update:
    exchange = current_exchange(state)
    found = [Found(exchange, 0, line.speaker, f) for f in check_utterance(line, state["transcript"])]
    return {"transcript": [line], "found": found}


def find_end(state: State, reply: str, language: Language) -> EndReason | None:
    """Tell whether this reply of the counselor ends the talk, and why; one to a sign of danger does not."""
    exchange, heard = current_exchange(state), state["transcript"][-1].text
    if exchange < state["cap"] + CRISIS_EXCHANGES and find_risk_words(heard, language):
        return None
    if any(word in reply.lower() for word in FAREWELLS[language]):
        return "farewell"
    return "time" if exchange >= state["cap"] else None


async def session_critic(state: State, runtime: Runtime[Cast]) -> Update:
    judgement = await judge_session(runtime.context, state["transcript"])
    return {"judged": [Judged(0, 0, judgement)]}


def go_on_or_end(state: State) -> Literal["client", "session_critic", "__end__"]:
    if not state["end_reason"]:
        return "client"
    return "session_critic" if state["has_critic"] else "__end__"


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_node(client)
    graph.add_node(counselor)
    graph.add_node(session_critic)
    graph.add_edge("__start__", "client")
    graph.add_edge("client", "counselor")
    graph.add_conditional_edges("counselor", go_on_or_end)
    graph.add_edge("session_critic", "__end__")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role for a talk of the published length."""
    n = min(switches.exchanges, USUAL_EXCHANGES)
    return {"client": n, "counselor": n, "critic": 1 if switches.critic == "on" else 0}


RECIPE = Recipe(
    name="interactive",
    summary="two models talk, client and counselor in separate contexts, until a farewell",
    paper="https://arxiv.org/abs/2408.15787",
    units=("text", "cell"),
    heads={
        "client": "interactive/client",
        "counselor": "interactive/counselor",
        "critic": "critic/session_head",
    },
    blind_counselor=True,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
)
