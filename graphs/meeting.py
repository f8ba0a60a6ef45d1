"""What live methods with a crisis branch share: a line is said and checked, an end is found, a critic reads it all."""

from langgraph.runtime import Runtime

from agents.cast import Cast
from agents.checks import check_utterance
from agents.critic import judge_session
from agents.transcript import Utterance
from graphs.danger import DangerState, last_exchange
from graphs.state import EndReason, Found, Judged, SessionState
from graphs.turn import Update, current_exchange


def say(state: SessionState, line: Utterance) -> Update:
    """Add a line to the talk, with what the checks find in it."""
    exchange = current_exchange(state)
    found = [Found(exchange, 0, line.speaker, finding) for finding in check_utterance(line, state["transcript"])]
    return {"transcript": [line], "found": found}


def find_end(state: DangerState, last: int) -> EndReason | None:
    """Tell whether the reply to the last line ends a session of `last` exchanges; a crisis talk has its own end."""
    plan, crisis, exchange = state["plan"], state["crisis"], current_exchange(state)
    if crisis:
        return "handed_over" if exchange >= last_exchange(crisis, last) else None
    if exchange < last:
        return None
    if plan.exchanges > last or plan.ending == "out_of_time":
        return "time"
    return "client_left" if plan.ending == "leaves_early" else "closed"


async def session_critic(state: SessionState, runtime: Runtime[Cast]) -> Update:
    """Judge the finished talk by the house's own rubric."""
    return {"judged": [Judged(0, 0, await judge_session(runtime.context, state["transcript"]))]}
