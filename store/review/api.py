"""The JSON API of the review page: what is said of a dialogue, the next one, leases, and verdicts on many at once."""

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from store.cards import find_standing, refresh_card
from store.filters import Filter, read_filter
from store.queue import Missing, next_item, release, renew
from store.review.bulk import MOST, say_of_all
from store.review.gate import current_reviewer
from store.review.line import Line
from store.review.saying import record
from store.review.view import View, read_view
from store.reviews import MOST_TEXT, Said, undo

Reviewer = Annotated[str, Depends(current_reviewer)]
Number = Annotated[int, Path(ge=0, le=2**31 - 1)]
Id = Annotated[str, Field(max_length=40)]
Place = Annotated[int, Field(ge=0, le=2**31 - 1)]
OWN_KEYS = ("queue", "full", "after", "adjudicate", "last")
"""Keys of a page's URL that are no part of a filter; the page sends its own URL's query along."""
SCORED = ("rubric", "version", "model", "about", "scores", "reason", "unscored")


class Refused(BaseModel):
    """Why something was not done, in one line."""

    error: str


router = APIRouter(
    prefix="/api", responses={status: {"model": Refused} for status in (400, 401, 403, 404, 409, 413, 421, 422, 503)}
)


class Told(BaseModel):
    """What somebody says of a dialogue; `other` is the dialogue beside it, `text` the whole line after an edit."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    word: Literal["accept", "reject", "skip", "flag", "comment", "edit", "rate", "prefer", "again"]
    reasons: Annotated[list[Id], Field(max_length=20)] = []
    comment: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    number: Place | None = None
    span: tuple[Place, Place] | None = None
    scores: Annotated[dict[Id, float], Field(max_length=20)] = {}
    text: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    other: Id | None = None
    seconds: Annotated[float, Field(ge=0, le=1e7)] | None = None
    is_adjudication: bool = False


class ToldOfAll(BaseModel):
    """A verdict on all that a filter finds: `expected` of them, with the phrase that was typed."""

    model_config = ConfigDict(extra="forbid")

    word: Literal["accept", "reject"]
    reasons: Annotated[list[Id], Field(max_length=20)] = []
    comment: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    expected: Annotated[int, Field(ge=0, le=MOST)]
    typed: Annotated[str, Field(max_length=100)]


class Kept(BaseModel):
    """The line of the log, and the page of the next dialogue where one is asked for and there is one."""

    line: int
    next: str | None


class Undone(BaseModel):
    """The word that was taken back."""

    undone: str


class Leased(BaseModel):
    """The Unix time until which nobody else is given the dialogue; one that has passed where it is judged."""

    until: float


class Next(BaseModel):
    """The page of the next dialogue, or null where there is none."""

    url: str | None


class DoneOfAll(BaseModel):
    """Dialogues on which the verdict was said, and those left alone, by why."""

    done: int
    already: int
    leased: int
    danger: int
    empty: int


@router.post("/dialogues/{run}/{position}/say")
def say_of_one(request: Request, reviewer: Reviewer, run: Number, position: Number, told: Told) -> Kept:
    """Say something of a dialogue; with `queue=1` the answer leads on once it is a verdict or a skip."""
    asked = asked_filter(request)
    said = Said(
        dialogue_id=f"{run}/{position}",
        reviewer=reviewer,
        word=told.word,
        is_adjudication=told.is_adjudication,
        comment=told.comment,
        reasons=told.reasons,
        number=told.number,
        span=told.span,
        scores=told.scores,
        other_id=told.other,
        text=told.text,
        seconds=told.seconds,
    )
    line = record(request.app.state.engine, said, request.app.state.settings)
    leads_on = told.word in ("accept", "reject", "skip") and "queue" in request.query_params
    return Kept(line=line, next=find_next(request, reviewer, asked) if leads_on else None)


@router.post("/dialogues/{run}/{position}/undo")
def undo_last(request: Request, reviewer: Reviewer, run: Number, position: Number) -> Undone:
    """Take back what this reviewer said last of a dialogue."""
    engine, id = request.app.state.engine, f"{run}/{position}"
    line = undo(engine, id, reviewer)
    refresh_card(engine, id)
    return Undone(undone=line.word)


@router.post("/dialogues/{run}/{position}/lease")
def keep_lease(request: Request, reviewer: Reviewer, run: Number, position: Number) -> Leased:
    """Keep a dialogue for a while longer; 409 where others have it."""
    state = request.app.state
    return Leased(until=renew(state.engine, f"{run}/{position}", reviewer, state.settings))


@router.post("/dialogues/{run}/{position}/release")
def give_back(request: Request, reviewer: Reviewer, run: Number, position: Number) -> Leased:
    """Give a dialogue back unread, so that others get it."""
    release(request.app.state.engine, f"{run}/{position}", reviewer)
    return Leased(until=time.time())


@router.post("/next")
def lease_next(request: Request, reviewer: Reviewer) -> Next:
    """Lease the next dialogue of a filter."""
    return Next(url=find_next(request, reviewer, asked_filter(request)))


@router.post("/bulk")
def say_of_many(request: Request, reviewer: Reviewer, told: ToldOfAll) -> DoneOfAll:
    """Say a verdict of all dialogues of a filter."""
    said = Said(
        dialogue_id="", reviewer=reviewer, word=told.word, reasons=told.reasons, comment=told.comment, way="bulk"
    )
    done = say_of_all(
        request.app.state.engine,
        asked_filter(request),
        said,
        request.app.state.settings,
        expected=told.expected,
        typed=told.typed,
    )
    return DoneOfAll(**asdict(done))


@router.get("/dialogues/{run}/{position}")
def read_one(request: Request, reviewer: Reviewer, run: Number, position: Number) -> dict[str, Any]:
    """Give a dialogue as JSON, with what this reviewer may see of what was said."""
    view = read_view(request.app.state.engine, f"{run}/{position}", reviewer, is_full=True)
    if view is None:
        raise Missing(f"there is no dialogue {run}/{position}")
    return write_view(view)


def asked_filter(request: Request) -> Filter:
    """Return the filter in the query of a request; raises InputError for one that cannot be."""
    return read_filter({key: value for key, value in request.query_params.items() if key not in OWN_KEYS})


def find_next(request: Request, reviewer: str, asked: Filter) -> str | None:
    """Lease the next dialogue of a filter and return its page."""
    id = next_item(request.app.state.engine, reviewer, asked, request.app.state.settings)
    query = asked.query()
    return None if id is None else f"/dialogues/{id}?queue=1" + (f"&{query}" if query else "")


def write_view(view: View) -> dict[str, Any]:
    """Return a dialogue as JSON; while others are kept back, so is the standing that they gave it."""
    seen = replace(view.dialogue, people=None) if view.is_blind else view.dialogue
    return {
        "id": view.id,
        "recipe": seen.recipe,
        "language": seen.language,
        "outcome": seen.outcome,
        "standing": find_standing(seen),
        "emotion": view.head["emotion"],
        "scene": view.head["scene"],
        "risk": seen.risk_tier,
        "is_crisis": seen.is_crisis,
        "is_edited": seen.is_edited,
        "is_rehearsal": seen.is_rehearsal,
        "profile": view.profile,
        "utterances": [write_line(line) for line in view.lines],
        "verdicts": [pick(asdict(verdict), SCORED) for verdict in view.verdicts],
        "is_blind": view.is_blind,
        "mine": view.mine,
        "log": [asdict(said) for said in view.log],
    }


def write_line(line: Line) -> dict[str, Any]:
    """Return an utterance as JSON; its text is as it is stored."""
    return {
        "number": line.number,
        "exchange": line.exchange,
        "speaker": line.speaker,
        "text": line.raw,
        "reasoning": line.reasoning.text if line.reasoning else None,
        "thought": line.thought.text if line.thought else None,
        "findings": [
            {"rule": found.rule, "severity": found.severity, "span": list(found.span), "reason": found.reason}
            for found in line.findings
        ],
        "verdicts": [pick(asdict(verdict), SCORED) for verdict in line.verdicts],
    }


def pick(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return some of many values."""
    return {name: values[name] for name in names}
