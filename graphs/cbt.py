"""What the CBT methods share: a form and a plan before the talk, a client who plays the form, an end, three scales."""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from agents.cast import Cast
from agents.cbt_plan import CbtPlan, write_cbt_plan
from agents.checks import check_utterance
from agents.critic import judge_session
from agents.intake_form import IntakeForm, Manner, list_sections, write_intake_form
from agents.message import Message
from agents.prompt import load_prompt
from agents.risk import find_risk_words
from agents.transcript import Language, Utterance
from graphs.danger import CRISIS_EXCHANGES
from graphs.state import Artefact, EndReason, Found, Judged, SessionState
from graphs.turn import Update, current_exchange
from taxonomy.plan import Attitude

MOST_EXCHANGES = 20
"""Exchanges after which the published code of both methods cuts a session off."""
MANNERS: dict[Attitude, Manner] = {"open": "positive", "neutral": "neutral", "resistant": "negative"}


class CbtState(SessionState, total=False):
    """What a planned CBT session carries; `cap` are the exchanges after which it is cut off."""

    form: IntakeForm
    manner: Manner
    cbt_plan: CbtPlan
    cap: int


async def intake(state: CbtState, runtime: Runtime[Cast]) -> Update:
    """Write the form the client will play from."""
    form, call = await write_intake_form(runtime.context, state["brief"], state["plan"])
    manner = state.get("manner", MANNERS[state["plan"].attitude])
    made = Artefact("intake", form.model_dump() | {"attitude": manner}, call)
    return {"form": form, "manner": manner, "artefacts": [made]}


async def planner(state: CbtState, runtime: Runtime[Cast]) -> Update:
    """Choose the technique and write the plan, once; of the talk it sees the first line where there is one."""
    first = "".join(line.text for line in state["transcript"][:1])
    plan, call = await write_cbt_plan(runtime.context, state["form"], first)
    return {"cbt_plan": plan, "artefacts": [Artefact("plan", plan.model_dump(), call)]}


async def client(state: CbtState, runtime: Runtime[Cast]) -> Update:
    """Say the client's next line, from the whole form."""
    cast = runtime.context
    head = load_prompt("cbt/client", cast.language)
    sections = list_sections(state["form"], cast.language)
    thread = cast.open_thread(head.render(sections=sections, manner=state["manner"]))
    thread.append(Message("user", load_prompt("client/opening", cast.language).render()))
    for number, line in enumerate(state["transcript"]):
        thread.append(Message("assistant" if line.speaker == "client" else "user", line.text))
        if line.speaker == "counselor" and is_told_to_end(state, number, cast.language):
            thread.append(
                Message("user", load_prompt("client/ending", cast.language).render(ending=state["plan"].ending))
            )
    said = await cast.say("client", head.hash, thread)
    return say(state, Utterance("client", said.text, said.reasoning, said.call))


def is_told_to_end(state: CbtState, number: int, language: Language) -> bool:
    """Tell whether after this line the client hears that the end is near; nobody in danger is hurried."""
    plan, next_exchange = state["plan"], number // 2 + 2
    if plan.risk != "none" or next_exchange != last_exchange(state) - (plan.ending != "leaves_early"):
        return False
    return not any(find_risk_words(line.text, language) for line in state["transcript"][:number:2])


def last_exchange(state: CbtState) -> int:
    """Return the exchange with which the session is to end: the planned one, or the cap."""
    return min(state["cap"], state["plan"].exchanges)


def say(state: CbtState, line: Utterance) -> Update:
    """Add a line to the talk, with what the checks find in it."""
    exchange = current_exchange(state)
    found = [Found(exchange, 0, line.speaker, f) for f in check_utterance(line, state["transcript"])]
    return {"transcript": [line], "found": found}


def find_end(state: CbtState, language: Language) -> EndReason | None:
    """Tell whether the counselor's reply to the last line ends the session; one to a sign of danger does not."""
    plan, exchange, last = state["plan"], current_exchange(state), last_exchange(state)
    if exchange < last:
        return None
    if exchange < last + CRISIS_EXCHANGES and find_risk_words(state["transcript"][-1].text, language):
        return None
    if plan.exchanges > state["cap"] or plan.ending == "out_of_time":
        return "time"
    return "client_left" if plan.ending == "leaves_early" else "closed"


def word_history(state: CbtState) -> list[Message]:
    """Return the talk as the counselor's side hears it."""
    return [Message("user" if line.speaker == "client" else "assistant", line.text) for line in state["transcript"]]


async def critic(rubrics: Sequence[str], state: CbtState, runtime: Runtime[Cast]) -> Update:
    """Judge the session on each rubric in turn."""
    cast, transcript = runtime.context, state["transcript"]
    return {"judged": [Judged(0, 0, await judge_session(cast, transcript, name)) for name in rubrics]}
