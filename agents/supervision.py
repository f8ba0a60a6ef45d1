"""A counselor under supervision: the history of drafts and advice, the route a draft takes, the supervisor's advice."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, WithJsonSchema, create_model

from agents.cast import Cast, Said
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Utterance

SUPERVISORS = ("empathy", "identification", "challenge", "strategy", "encouragement")
"""The five of AutoCBT, each for one thing."""
USER = "user"
"""Who gets the draft when it is done."""


class Routing(BaseModel):
    """What a router answers."""

    model_config = ConfigDict(extra="forbid")

    targets: list[str]


class Advice(NamedTuple):
    """What a supervisor says about the draft that a routing (from 1) sent round."""

    routing: int
    supervisor: str
    text: str


async def write_draft(cast: Cast, question: str, drafts: Sequence[Utterance], advice: Sequence[Advice]) -> Utterance:
    """Answer the question: for the first time, or once more with the advice on the last draft."""
    head = load_prompt("autocbt/counselor", cast.language)
    thread = [Message("system", head.render()), *list_history(cast, question, drafts, advice)]
    said = await cast.say("counselor", head.hash, thread)
    return Utterance("counselor", said.text, said.reasoning, said.call)


async def choose_route(
    cast: Cast, question: str, drafts: Sequence[Utterance], advice: Sequence[Advice], open: tuple[str, ...]
) -> tuple[list[str], int]:
    """Ask where the last draft goes, with one repair; returns the targets and the number of the call.

    Raises ModelError ("invalid_json") where they are not among those open to it after the repair.
    """
    head, ask = load_prompt("autocbt/router", cast.language), load_prompt("autocbt/route", cast.language)
    history = list_history(cast, question, drafts, advice)
    thread = [Message("system", head.render()), *history, Message("user", ask.render(open=open))]
    routing, call = await cast.fill(
        "planner", head.hash, thread, shape_form(open), lambda routing: find_routing_fault(routing.targets, open)
    )
    return routing.targets, call


async def give_advice(cast: Cast, supervisor: str, question: str, draft: str) -> Said:
    """Ask one supervisor about a draft; it sees nothing of what the others say."""
    head, ask = load_prompt("autocbt/supervisor", cast.language), load_prompt("autocbt/consult", cast.language)
    shown = Message("user", ask.render(question=question, draft=draft))
    return await cast.say("adviser", head.hash, [Message("system", head.render(supervisor=supervisor)), shown])


def list_history(cast: Cast, question: str, drafts: Sequence[Utterance], advice: Sequence[Advice]) -> list[Message]:
    """Return the question, then each draft with the advice it got: the same for counselor and router."""
    note = load_prompt("autocbt/advice", cast.language)
    history = [Message("user", question)]
    for number, draft in enumerate(drafts, 1):
        history.append(Message("assistant", draft.text))
        if given := [one for one in advice if one.routing == number]:
            history.append(Message("user", note.render(advice=given)))
    return history


@cache
def shape_form(open: tuple[str, ...]) -> type[Routing]:
    """Return the form whose schema offers who is open to be asked, or the user alone; never the two together."""
    ways = [[name for name in open if name != USER], [name for name in open if name == USER]]
    offers = [{"type": "array", "minItems": 1, "items": {"type": "string", "enum": way}} for way in ways if way]
    schema = {"anyOf": offers} if len(offers) > 1 else offers[0]
    return create_model("Routing", __base__=Routing, targets=(Annotated[list[str], WithJsonSchema(schema)], ...))


def find_routing_fault(targets: Sequence[str], open: Sequence[str]) -> str | None:
    """Return why a draft cannot go there, or None."""
    if not targets:
        return f"targets: nobody is named; choose from {list(open)}"
    if wrong := [name for name in targets if name not in open]:
        return f"targets: {wrong} cannot be asked, or not again; choose from {list(open)}"
    if USER in targets and len(targets) > 1:
        return f"targets: {USER!r} stands alone; answer now, or ask others first and leave {USER!r} out"
    return "targets: name each only once" if len(set(targets)) < len(targets) else None
