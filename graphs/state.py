"""What a session's graph carries from node to node; every list only grows."""

import operator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from agents.brief import Brief
from agents.checks.finding import Finding
from agents.critic import Judgement
from agents.inner_voice import Thought
from agents.profile import ClientProfile
from agents.transcript import Speaker, Utterance
from taxonomy.plan import SessionPlan

EndReason = Literal["closed", "time", "client_left", "handed_over", "farewell", "rejected"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counselor's draft that was judged; `exchange` counts from 1, `attempt` from 0."""

    exchange: int
    attempt: int
    draft: Utterance
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and what it is about: a speaker's line in an exchange, in one of the counselor's attempts."""

    exchange: int
    attempt: int
    speaker: Speaker
    finding: Finding


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict and what it is about: an attempt of an exchange, or (exchange 0) the whole session."""

    exchange: int
    attempt: int
    judgement: Judgement
    about: Literal["line", "thought"] = "line"
    """A verdict on the inner voice is about a thought; its attempts are the writings, and no policy reads it."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """What a method makes beside the talk: a plan, an outline, a draft; `body` can be written as JSON.

    Exchange 0 is before the talk or about all of it.
    """

    kind: str
    body: object
    call: int | None = None
    exchange: int = 0


class SessionState(TypedDict, total=False):
    """The state that every recipe shares."""

    plan: SessionPlan
    brief: Brief
    profile: ClientProfile
    transcript: Annotated[list[Utterance], operator.add]
    attempts: Annotated[list[Attempt], operator.add]
    found: Annotated[list[Found], operator.add]
    judged: Annotated[list[Judged], operator.add]
    thoughts: Annotated[list[Thought], operator.add]
    artefacts: Annotated[list[Artefact], operator.add]
    end_reason: EndReason | None
    reject_reasons: list[str]


def begin_state(plan: SessionPlan, brief: Brief) -> dict[str, Any]:
    """Return the state a session begins with; a recipe adds what is its own."""
    return {
        "plan": plan,
        "brief": brief,
        "transcript": [],
        "attempts": [],
        "found": [],
        "judged": [],
        "thoughts": [],
        "artefacts": [],
        "end_reason": None,
        "reject_reasons": [],
    }
