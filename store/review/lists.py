"""The pages of many dialogues: the list with its filters, and one verdict on all that a filter finds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from store.cards import count_stale
from store.facets import Facet, count_facets
from store.filters import SORTS, Filter, read_filter
from store.guide import load_guide
from store.listing import Card, list_page
from store.matching import read_map
from store.review.api import asked_filter
from store.review.bulk import bulk_phrase
from store.review.frame import Reviewer, name_cell, name_value, show_page, tell_filter
from store.review.rendering import Words, choose_language
from store.standing import VERDICTS, Standing
from store.tables import Outcome
from taxonomy.refusal import InputError

router = APIRouter()
FACETS = ("recipe", "model", "run", "rule", "rubric", "reviewer")
"""Fields whose choices are what is stored."""
YES_OR_NO = ("flagged", "commented", "crisis", "edited", "disputed", "rehearsal")
TYPES = {
    "score_from": "number", "score_to": "number", "date_from": "date", "date_to": "date",
    "exchanges_from": "number", "exchanges_to": "number",
}  # fmt: skip
FIELDS = (
    "standing", "emotion", "scene", "family", "life", "recipe", "model", "run", "language", "outcome", "rule", "rubric",
    "score_from", "score_to", *YES_OR_NO, "reviewer", "date_from", "date_to", "exchanges_from", "exchanges_to", "text",
    "sort",
)  # fmt: skip
RANDOM = "random-1"


@router.get("/dialogues")
def show_list(request: Request, reviewer: Reviewer) -> HTMLResponse:
    """Show a page of the list; a filter that cannot be is said above an empty one."""
    engine, words = request.app.state.engine, Words(choose_language(request))
    error, asked, page = "", read_filter({}), None
    try:
        asked = asked_filter(request)
        page = list_page(engine, asked, request.query_params.get("after"), viewer=reviewer)
    except InputError as problem:
        error = str(problem)
    query = asked.query()
    cards = [show_card(card, query, words.language) for card in page.cards] if page else []
    return show_page(
        request,
        reviewer,
        "list.html.j2",
        status=400 if error else 200,
        filter=asked,
        fields=list_fields(asked, count_facets(engine), words),
        fields_open=bool(query) or bool(error),
        told=tell_filter(asked, words),
        error=error,
        query=query,
        cards=cards,
        data={"urls": [card["url"] for card in cards]},
        next=page.next if page else None,
        is_later="after" in request.query_params,
        count=tell_count(page.count, page.is_more, words) if page else "",
        pending=count_stale(engine),
    )


@router.get("/bulk")
def show_bulk(request: Request, reviewer: Reviewer) -> HTMLResponse:
    """Show how many dialogues a filter finds, and what has to be typed to judge them all."""
    engine, words = request.app.state.engine, Words(choose_language(request))
    asked = asked_filter(request)
    page = list_page(engine, asked, None, 1, viewer=reviewer)
    return show_page(
        request,
        reviewer,
        "bulk.html.j2",
        filter=asked,
        query=asked.query(),
        told=tell_filter(asked, words),
        count=tell_count(page.count, page.is_more, words),
        guide=load_guide(),
        words_of_bulk=VERDICTS,
        data={
            "query": asked.query(),
            "count": 0 if page.is_more else page.count,
            "phrases": {word: bulk_phrase(word, page.count) for word in VERDICTS},
        },
    )


def tell_count(count: int, is_more: bool, words: Words) -> str:
    """Return how many dialogues there are."""
    return words.say("count_more" if is_more else "count_exact", count=f"{count:,}")


def show_card(card: Card, query: str, language: str) -> dict[str, Any]:
    """Return a card as its row shows it."""
    url = f"/dialogues/{card.dialogue_id}" + (f"?{query}" if query else "")
    return asdict(card) | {"url": url, "cell": name_cell(card.emotion, card.scene, language) or "–"}


def list_fields(asked: Filter, facets: Mapping[str, Sequence[Facet]], words: Words) -> list[SimpleNamespace]:
    """Return the fields of the form with what was asked; one without choices is written into."""
    told = dict(asked.pairs())
    fields = []
    for name in FIELDS:
        value = told.get(name, "")
        choices = list(list_choices(name, facets))
        if value and choices and value not in choices:
            choices.append(value)
        counts = {found.value: f"{found.count:,}{'+' if found.is_more else ''}" for found in facets.get(name, ())}
        options = [
            SimpleNamespace(value=each, label=name_value(name, each, words), count=counts.get(each)) for each in choices
        ]
        fields.append(
            SimpleNamespace(
                name=name,
                label=words.say(f"field_{name}"),
                value=value,
                type=TYPES.get(name, "text"),
                options=options or None,
            )
        )
    return fields


def list_choices(name: str, facets: Mapping[str, Sequence[Facet]]) -> Iterable[str]:
    """Return what may be chosen in a field; nothing where it is written into."""
    plan = read_map()
    fixed: dict[str, Iterable[str]] = {
        "emotion": (entry.id for entry in plan.emotions),
        "family": (entry.id for entry in plan.families),
        "scene": (entry.code for entry in plan.scenes),
        "life": (entry.id for entry in plan.lives),
        "language": ("zh", "en"),
        "outcome": get_args(Outcome),
        "standing": get_args(Standing),
        "sort": (*SORTS, RANDOM),
    }
    if name in YES_OR_NO:
        return ("yes", "no")
    return fixed.get(name) or [found.value for found in facets.get(name, ()) if name in FACETS]
