"""Signs of danger in a session: the risk node that notices them, the crisis branch that answers, the critic after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime

from agents.cast import Cast
from agents.checks.crisis import asks_directly
from agents.counselor import Whisper
from agents.critic import judge_session
from agents.risk import (
    NEAR_LINES,
    Kind,
    Level,
    find_risk_words,
    higher_level,
    is_near,
    read_risk,
    word_crisis,
)
from agents.transcript import Language, Utterance
from graphs.nodes import say_line
from graphs.state import Judged
from graphs.turn import TurnState, current_exchange, write_draft
from taxonomy.plan import SessionPlan

CRISIS_EXCHANGES = 9
"""Exchanges a crisis talk goes on after the last new sign: ten steps in all, one a line, from asking to handover."""
USUAL_SIGN = 6
"""Exchange in which a planned sign has usually come up; only for estimates."""


@dataclass(frozen=True, slots=True)
class Crisis:
    """Danger that has come up: how grave of each kind, since which exchange, and when it last grew or changed."""

    levels: Mapping[Kind, Level]
    since: int
    renewed: int

    @property
    def level(self) -> Level:
        """Return how grave it is in all."""
        return reduce(higher_level, self.levels.values(), "none")


class DangerState(TurnState, total=False):
    """What the crisis branch carries; `is_weighed` once the client's lines have been read together."""

    crisis: Crisis | None
    is_weighed: bool


async def client(state: DangerState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Say the client's next line; once danger has come up, nobody tells the client how to end."""
    crisis = state["crisis"]
    return await say_line(state, runtime.context, crisis.since if crisis else None)


async def risk(state: DangerState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Look for signs in what the client said; one that is graver or of another kind opens or renews the crisis talk."""
    cast, transcript, crisis = runtime.context, state["transcript"], state["crisis"]
    words = find_risk_words(transcript[-1].text, cast.language)
    was_weighed = state.get("is_weighed", False)
    is_heavy = not (crisis or was_weighed) and is_piling_up(transcript, cast.language)
    if not (words or is_heavy or is_answer(transcript)):
        return {}
    reading = await read_risk(cast, transcript, words)
    update: dict[str, Any] = {"is_weighed": was_weighed or is_heavy}
    # Danger of no kind that the reading could name is asked about as self-harm.
    kind: Kind = "self_harm" if reading.kind == "none" else reading.kind
    levels = dict(crisis.levels) if crisis else {}
    known = levels.get(kind, "none")
    levels[kind] = higher_level(reading.level, known)
    if levels[kind] == known:
        return update
    exchange = current_exchange(state)
    since = crisis.since if crisis else exchange
    whisper = Whisper(exchange, word_crisis(cast, kind, levels[kind]))
    return update | {"crisis": Crisis(levels, since, exchange), "whispers": [whisper]}


def is_answer(transcript: Sequence[Utterance]) -> bool:
    """Tell whether the client answers a direct question about dying: a bare yes has no word to be caught by."""
    return len(transcript) > 1 and transcript[-2].speaker == "counselor" and asks_directly(transcript[-2].text)


def is_piling_up(transcript: Sequence[Utterance], language: Language) -> bool:
    """Tell whether the client's last line comes near a sign and so many others do that they are one together."""
    told = [line.text for line in transcript if line.speaker == "client"]
    return is_near(told[-1], language) and sum(is_near(text, language) for text in told) >= NEAR_LINES


async def crisis(state: DangerState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Answer under the crisis whisper; there is no way back to ordinary work in the same meeting."""
    return await write_draft(state, runtime.context, "crisis")


def look_back(graph: StateGraph[Any, Cast, Any, Any]) -> None:
    """Let the safety critic follow the session critic where there was danger."""
    graph.add_node(safety_critic)
    graph.add_conditional_edges("session_critic", look_back_or_end)
    graph.add_edge("safety_critic", "__end__")


async def safety_critic(state: DangerState, runtime: Runtime[Cast]) -> dict[str, Any]:
    """Judge how a session with danger in it was handled."""
    judgement = await judge_session(runtime.context, state["transcript"], "safety")
    return {"judged": [Judged(0, 0, judgement)]}


def look_back_or_end(state: DangerState) -> Literal["safety_critic", "__end__"]:
    """Route after the session critic: where danger came up, or was planned and perhaps missed, safety is judged."""
    profile = state.get("profile")
    was_meant = state["plan"].risk != "none" or (profile is not None and bool(profile.risk.strip()))
    return "safety_critic" if state["crisis"] or was_meant else "__end__"


def estimate_exchanges(plan: SessionPlan) -> int:
    """Return how long a session is likely to be."""
    return plan.exchanges if plan.risk == "none" else max(plan.exchanges, USUAL_SIGN + CRISIS_EXCHANGES)


def last_exchange(crisis: Crisis, planned: int) -> int:
    """Return the exchange with which a meeting ends in which danger has come up: never the one that brought a sign."""
    return max(planned, crisis.renewed + CRISIS_EXCHANGES)
