"""Pages where two stand side by side: a pair of talks to choose from, and two verdicts that a third person settles."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine, text

from store.db import explained
from store.pairs import next_pair
from store.review.frame import Reviewer, name_cell, reason_labels, show_page
from store.review.line import Said
from store.review.rendering import choose_language
from store.review.view import View, read_view

router = APIRouter()
MOST_CASES = 10
"""Disputes shown at once: as many as one settles in a sitting of some minutes."""
DISPUTED = text("SELECT dialogue_id FROM cards WHERE is_disputed ORDER BY id LIMIT :most")
PREFERRED = text(
    "SELECT dialogue_id, other_id, scores FROM reviews WHERE reviewer = :reviewer AND verdict = 'prefer'"
    " AND dialogue_id = :better AND other_id = :other ORDER BY id DESC LIMIT 1"
)
WRITERS = text("SELECT dialogue_id, recipe, model FROM cards WHERE dialogue_id = :id")


@router.get("/pairs")
def pairs(request: Request, reviewer: Reviewer) -> HTMLResponse:
    """Show two talks from one seed, and after a choice who wrote the last two."""
    engine, language = request.app.state.engine, choose_language(request)
    found = next_pair(engine, reviewer)
    views = [read_view(engine, id, reviewer) for id in found or ()]
    sides = [view for view in views if view is not None]
    head = sides[0].head if sides else {"emotion": None, "scene": None}
    return show_page(
        request,
        reviewer,
        "pair.html.j2",
        sides=sides,
        data={"ids": [side.id for side in sides] or None},
        cell_name=name_cell(head["emotion"], head["scene"], language),
        is_crisis=any(side.head["is_crisis"] for side in sides),
        revealed=reveal(engine, reviewer, request.query_params.get("last", "")),
        all_query="full=1",
    )


def reveal(engine: Engine, reviewer: str, asked: str) -> list[dict[str, object]]:
    """Return who wrote the two talks of a pair, better,other, that this reviewer has chosen between; else nothing."""
    better, _, other = asked.partition(",")
    with explained(engine), engine.connect() as db:
        said = db.execute(PREFERRED, {"reviewer": reviewer, "better": better, "other": other}).one_or_none()
        if said is None:
            return []
        is_better = said.scores is None or '"preference":0' not in said.scores
        rows = [db.execute(WRITERS, {"id": id}).one_or_none() for id in (better, other)]
    return [
        {"id": row.dialogue_id, "recipe": row.recipe, "model": row.model, "is_better": is_better and number == 0}
        for number, row in enumerate(rows)
        if row is not None
    ]


@router.get("/adjudicate")
def adjudicate(request: Request, reviewer: Reviewer) -> HTMLResponse:
    """Show what people disagree on, both sides beside each other."""
    engine, language = request.app.state.engine, choose_language(request)
    with explained(engine), engine.connect() as db:
        ids = list(db.execute(DISPUTED, {"most": MOST_CASES}).scalars())
    views = [view for view in (read_view(engine, id, reviewer) for id in ids) if view is not None]
    cases = [
        {
            "id": view.id,
            "cell_name": name_cell(view.head["emotion"], view.head["scene"], language),
            "sides": part_sides(view),
            "is_own": view.mine is not None,
        }
        for view in views
        if view.dialogue.people == "disputed" and not view.is_blind
    ]
    return show_page(request, reviewer, "adjudicate.html.j2", cases=cases, reasons=reason_labels(language))


def part_sides(view: View) -> Sequence[tuple[str, list[Said]]]:
    """Return what each person said of a dialogue, newest last, without what they took back."""
    sides: dict[str, list[Said]] = {}
    for said in view.log:
        if not said.is_undone and said.word != "undo":
            sides.setdefault(said.reviewer, []).append(said)
    return list(sides.items())
