"""Sets a league on one HTML page with the frame of the store's own report: it asks for nothing from anywhere."""

import time
from collections.abc import Sequence

from store.league.figures import Standings
from store.league.head import list_models, list_notes, list_warnings, name_league
from store.league.plot import draw_means
from store.league.scores import ALL, Scale
from store.league.table import Block, list_blocks, name_item
from store.report.layout import Figure, Part, Table
from store.report.page import load_environment
from store.report.svg import clean, shorten
from store.report.words import Words

TEMPLATE = "league.html.j2"
SEEDS = 200
"""Seeds whose outcomes are listed."""
SEED_WIDTH = 420
"""How much of a seed's text is shown, in the units of a plot."""


def choose_words(standings: Standings) -> Words:
    """Return Chinese words where every talk is Chinese, else English."""
    return Words("zh" if {talk.language for talk in standings.talks} == {"zh"} else "en")


def render(standings: Standings, scales: Sequence[Scale], words: Words, made_at: float | None = None) -> str:
    """Return the page."""
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(made_at))
    return (
        load_environment()
        .get_template(TEMPLATE)
        .render(
            words=words,
            title=name_league(standings, words),
            made=words.say("made", when=made),
            warnings=list_warnings(standings, words),
            models=list(list_models(standings, words)),
            notes=list(list_notes(standings, words)),
            parts=list_parts(standings, scales, words),
        )
    )


def list_parts(standings: Standings, scales: Sequence[Scale], words: Words) -> list[Part]:
    """Return the parts of the page in order."""
    figures: dict[str, list[Figure]] = {}
    rubric = 0
    for block in list_blocks(standings, scales, words):
        plot = ""
        if block.part == "scores":
            plot = draw_scores(standings, scales[rubric], rubric, block, words)
            rubric += 1
        figures.setdefault(block.part, []).append(show_block(block, standings.league.recipes, plot))
    figures["seeds"] = [show_seeds(standings, words)]
    return [Part(part, words.say(f"league_part_{part}"), shown) for part, shown in figures.items()]


def show_block(block: Block, recipes: Sequence[str], plot: str) -> Figure:
    """Return a table with its plot where it has one; an interval stands behind its mean."""
    rows = []
    for line in block.lines:
        under = line.under or [""] * len(line.cells)
        cells = [f"{cell} ({low})" if low else cell for cell, low in zip(line.cells, under, strict=True)]
        rows.append((line.name, *cells, *line.beside))
    table = Table(("", *recipes, *block.beside), rows)
    return Figure(block.title, block.told, plot, table, is_wide=not plot, is_open=not plot)


def draw_scores(standings: Standings, scale: Scale, number: int, block: Block, words: Words) -> str:
    """Return the plot of a rubric, or nothing where nobody was scored by it."""
    scored = [(one.recipe, one.scores[number].items) for one in standings.played if one.scores]
    items = [item for item in (ALL, *scale.ranges) if any(item in means and means[item].of for _, means in scored)]
    if not items or len(set(scale.ranges.values())) > 1:
        return ""
    shown = {name_item(scale, item, words): [(recipe, means[item]) for recipe, means in scored] for item in items}
    return draw_means(f"scores-{number}", words, block.title, block.told, scale, shown)


def show_seeds(standings: Standings, words: Words) -> Figure:
    """Return what became of each seed in each recipe."""
    recipes = standings.league.recipes
    rows = []
    for seed in standings.seeds[:SEEDS]:
        ended = [seed.ended.get(recipe) for recipe in recipes]
        cells = [f"{found[1]} {words.name(found[0])}" if found else "–" for found in ended]
        rows.append((f"#{seed.position} {shorten(clean(seed.words), SEED_WIDTH)}", *cells))
    more = len(standings.seeds) - SEEDS
    notes = [words.say("league_more", count=more)] if more > 0 else []
    table = Table((words.say("league_seed"), *recipes), rows)
    told = words.say("league_seeds_note")
    return Figure(words.say("league_seeds"), told, table=table, notes=notes, is_wide=True)
