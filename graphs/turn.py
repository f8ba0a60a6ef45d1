"""One counselor turn: a draft, the checks, the turn critic, and a targeted rewrite, at most twice."""

import operator
from typing import Annotated, Any, Literal

from langgraph.runtime import Runtime

from agents.cast import Cast
from agents.checks import check_utterance
from agents.counselor import Whisper, reply, word_rewrite
from agents.critic import judge_turn
from agents.transcript import Utterance, count_exchanges
from graphs.state import Attempt, Found, Judged, SessionState

MOST_REWRITES = 2

Update = dict[str, Any]


class TurnState(SessionState, total=False):
    """What the turn carries: the draft, how often it was rewritten, and what is wrong with it."""

    whispers: Annotated[list[Whisper], operator.add]
    draft: Utterance
    attempt: int
    faults: list[str]


def current_exchange(state: SessionState) -> int:
    """Return the exchange that is under way, from 1."""
    return count_exchanges(state["transcript"]) + 1


async def write_draft(state: TurnState, cast: Cast, stage: str) -> Update:
    """Ask the counselor for a first draft of its reply."""
    approach = state["plan"].approach
    draft = await reply(cast, approach, state["transcript"], state["whispers"], stage)
    return {"draft": draft, "attempt": 0, "faults": []}


async def rewrite(state: TurnState, runtime: Runtime[Cast]) -> Update:
    """Ask for the same reply without its faults."""
    cast, old, plan = runtime.context, state["draft"], state["plan"]
    mend = word_rewrite(cast, old.text, state["faults"])
    draft = await reply(cast, plan.approach, state["transcript"], state["whispers"], old.stage or "", mend)
    return {"draft": draft, "attempt": state["attempt"] + 1, "faults": []}


async def checks(state: TurnState) -> Update:
    """Run the deterministic checks on the draft; only what passes costs a critic call."""
    exchange, attempt = current_exchange(state), state["attempt"]
    findings = check_utterance(state["draft"], state["transcript"])
    update: Update = {"found": [Found(exchange, attempt, "counselor", finding) for finding in findings]}
    faults = [finding.reason for finding in findings if finding.severity == "reject"]
    return update | refuse(state, faults) if faults else update


async def turn_critic(state: TurnState, runtime: Runtime[Cast]) -> Update:
    """Judge the draft; without a fault it is said."""
    exchange, attempt, draft = current_exchange(state), state["attempt"], state["draft"]
    judgement = await judge_turn(runtime.context, state["transcript"], draft)
    update: Update = {"judged": [Judged(exchange, attempt, judgement)]}
    if judgement.has_fault():
        return update | refuse(state, [judgement.reason])
    chosen = Attempt(exchange, attempt, draft, is_chosen=True)
    return update | {"transcript": [draft], "attempts": [chosen]}


def refuse(state: TurnState, faults: list[str]) -> Update:
    """Send the draft back, or give the session up when it has been rewritten as often as it may."""
    refused = Attempt(current_exchange(state), state["attempt"], state["draft"], is_chosen=False)
    update: Update = {"faults": faults, "attempts": [refused]}
    if state["attempt"] < MOST_REWRITES:
        return update
    return update | {"end_reason": "rejected", "reject_reasons": faults}


def rewrite_or_judge(state: TurnState) -> Literal["rewrite", "turn_critic", "__end__"]:
    """Route after the checks."""
    if state["end_reason"] == "rejected":
        return "__end__"
    return "rewrite" if state["faults"] else "turn_critic"
