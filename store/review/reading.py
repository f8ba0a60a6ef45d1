"""The pages one sits at: the queue, which leads to the next dialogue, the dialogue itself, and the guide."""

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from store.cards import count_stale
from store.db import explained
from store.guide import load_guide
from store.queue import Missing, find_slot, next_item
from store.review.api import asked_filter
from store.review.frame import (
    Reviewer,
    name_cell,
    reason_labels,
    show_page,
    tell_filter,
)
from store.review.rendering import Words, choose_language
from store.review.view import View, read_view
from store.reviews import MOST_TEXT
from store.similar import find_similar
from store.waiting import wanted_for

router = APIRouter()


@router.get("/")
def start(reviewer: Reviewer) -> Response:
    """Lead to the queue."""
    return RedirectResponse("/queue", 303)


@router.get("/queue")
def queue(request: Request, reviewer: Reviewer) -> Response:
    """Lease the next dialogue of a filter and lead to it, or say that there is none."""
    engine = request.app.state.engine
    asked = asked_filter(request)
    id = next_item(engine, reviewer, asked, request.app.state.settings)
    if id is not None:
        return RedirectResponse(f"/dialogues/{id}?{join_query('queue=1', asked.query())}", 303)
    words = Words(choose_language(request))
    told = tell_filter(asked, words)
    return show_page(
        request, reviewer, "empty.html.j2", told=told, query=asked.query(), filter=asked, pending=count_stale(engine)
    )


@router.get("/dialogues/{run}/{position}")
def dialogue(request: Request, reviewer: Reviewer, run: int, position: int) -> HTMLResponse:
    """Show a dialogue with all that this reviewer may see of it."""
    engine, id, asked = request.app.state.engine, f"{run}/{position}", asked_filter(request)
    view = read_view(engine, id, reviewer, is_full="full" in request.query_params)
    if view is None:
        raise Missing(Words(choose_language(request)).say("no_such", id=id))
    language = choose_language(request)
    kept = {key: value for key, value in request.query_params.items() if key != "full"}
    return show_page(
        request,
        reviewer,
        "dialogue.html.j2",
        view=view,
        data=page_data(view, request.query_params, asked.query()),
        is_kept_apart=view.is_blind and wants_two(request, id),
        guide=load_guide(),
        reasons=reason_labels(language),
        cell_name=name_cell(view.head["emotion"], view.head["scene"], language),
        similar=find_similar(engine, id),
        all_query=urlencode({**kept, "full": "1"}),
        filter=asked,
    )


@router.get("/guide")
def guide(request: Request, reviewer: Reviewer) -> HTMLResponse:
    """Show how to review, with every reason and scale."""
    return show_page(request, reviewer, "guide.html.j2", guide=load_guide())


def wants_two(request: Request, id: str) -> bool:
    """Whether more than one person is to judge a dialogue, each without the other."""
    engine = request.app.state.engine
    with explained(engine), engine.connect() as db:
        return wanted_for(find_slot(db, id), request.app.state.settings) > 1


def page_data(view: View, asked: Mapping[str, str], query: str) -> dict[str, object]:
    """Return what the script of the page needs to know."""
    in_queue = "queue" in asked
    return {
        "id": view.id,
        "api": f"/api/dialogues/{view.id}",
        "in_queue": in_queue,
        "queue": "/queue" + (f"?{query}" if query else ""),
        "is_adjudication": "adjudicate" in asked and view.may_settle,
        "lines": [{"number": line.number, "text": line.raw} for line in view.lines if len(line.raw) <= MOST_TEXT],
    }


def join_query(*parts: str) -> str:
    """Return the parts of a query that are not empty as one."""
    return "&".join(part for part in parts if part)
