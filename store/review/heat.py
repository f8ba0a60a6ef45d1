"""The progress page: how far the work is in all, by person, by queue, and on the map of feelings and scenes."""

import time
from collections.abc import Mapping
from itertools import groupby
from types import SimpleNamespace
from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from store.filters import Filter
from store.matching import read_map
from store.progress import CellProgress, read_progress
from store.raters import read_people
from store.remembered import remember
from store.review.frame import Reviewer, entry_labels, reason_labels, show_page
from store.review.rendering import Words, choose_language
from store.standing import Standing
from taxonomy.schema import Cell

router = APIRouter()
SHADES = 5
PROGRESS_S, AGREED_S = 5.0, 600.0
"""Seconds for which what was counted is shown again."""
STANDINGS = get_args(Standing)


@router.get("/progress")
def progress(request: Request, reviewer: Reviewer) -> HTMLResponse:
    """Show how far the work is."""
    words = Words(choose_language(request))
    engine = request.app.state.engine
    told = remember(engine, "progress", PROGRESS_S, lambda: read_progress(engine, time.time()))
    standings = {name: sum(getattr(queue, name) for queue in told.queues) for name in STANDINGS}
    tiles = [{"label": words.say("tile_all"), "count": sum(standings.values())}]
    tiles += [{"label": words.name(name), "count": count} for name, count in standings.items()]
    tiles += [{"label": words.say("tile_judged"), "count": sum(queue.judged for queue in told.queues)}]
    return show_page(
        request,
        reviewer,
        "progress.html.j2",
        tiles=tiles,
        queues=told.queues,
        people=told.people,
        agreed=remember(engine, "agreed", AGREED_S, lambda: read_people(engine)),
        reasons=reason_labels(words.language),
        days=list(told.days.items())[-14:],
        map=draw_map(told.cells, words),
    )


def draw_map(cells: Mapping[Cell, CellProgress], words: Words) -> SimpleNamespace:
    """Return the map row by row; a place that nobody planned is None."""
    plan, labels = read_map(), entry_labels(words.language)
    most = max((cell.accepted for cell in cells.values()), default=0)
    families = [
        SimpleNamespace(
            label=labels[family],
            rows=[
                SimpleNamespace(
                    label=labels[emotion.id],
                    cells=[
                        draw_cell(cell, cells[cell], most, words) if cell in cells else None
                        for cell in (Cell(emotion.id, scene.code) for scene in plan.scenes)
                    ],
                )
                for emotion in emotions
            ],
        )
        for family, emotions in groupby(plan.emotions, key=lambda emotion: emotion.family)
    ]
    planned = [cell for cell in cells.values() if cell.planned]
    scenes = [SimpleNamespace(label=labels[scene.code]) for scene in plan.scenes]
    filled = sum(cell.accepted > 0 for cell in planned)
    return SimpleNamespace(scenes=scenes, families=families, planned=len(planned), filled=filled)


def draw_cell(cell: Cell, counted: CellProgress, most: int, words: Words) -> SimpleNamespace:
    """Return a cell: how many are accepted, in steps of even width up to the fullest one, and what it leads to."""
    labels = entry_labels(words.language)
    everything = counted.accepted + counted.waiting + counted.rejected
    return SimpleNamespace(
        accepted=counted.accepted,
        all=everything,
        shade=0 if not counted.accepted else max(1, -(-counted.accepted * SHADES // max(most, SHADES))),
        url="/dialogues?" + Filter(emotion=cell.emotion, scene=cell.scene).query(),
        told=words.say(
            "map_cell",
            emotion=labels[cell.emotion],
            scene=labels[cell.scene],
            accepted=counted.accepted,
            waiting=counted.waiting,
            all=everything,
        ),
    )
