"""The rehearsal model as a pure function: the same request, the same words, in any process."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from agents.rehearsal import client, counselor, critic, forms, inner_voice, intake, readers, recovery, scenario
from agents.rehearsal.asked import Asked, read_request
from agents.rehearsal.grammar import Draw


class Reply(NamedTuple):
    """What the model says, and what it thought before."""

    content: str
    reasoning: str


FORMS: dict[str, Callable[[Asked, Draw], str]] = {
    "client": client.speak,
    "intake": intake.write,
    "stage": readers.decide_stage,
    "memory": readers.remember,
    "risk": readers.read_risk,
    "inner_voice": inner_voice.write_thought,
    "critic": critic.judge,
    "scenario": scenario.write,
    "recovery": recovery.recover,
}


def reply(body: Mapping[str, Any]) -> Reply:
    """Answer a parsed request: everything follows from its model, messages, form and seed."""
    asked = read_request(body)
    draw = Draw(asked.key)
    if asked.role == "counselor":
        return Reply(*counselor.answer(asked, draw))
    if asked.role == "form":
        return Reply(orjson.dumps(forms.fill_form(asked, draw)).decode(), "")
    return Reply(FORMS[asked.role](asked, draw), "")
