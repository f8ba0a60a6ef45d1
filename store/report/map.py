"""Draws the map of feelings and life scenes: a cell for each pair that is planned, with what was accepted of it."""

import math
from collections.abc import Mapping
from html import escape
from itertools import groupby

from store.report.figures import Coverage, Tally
from store.report.svg import box, clean, draw_plot, find_width, line, shorten, tag, wrap, write
from store.report.words import Words
from taxonomy.schema import Entry, Taxonomy

CELL, ROW, GAP = 24, 21, 7
FAMILY, FEELING, LONGEST = 96, 150, 150
"""Widths of the words beside the rows, and of the longest words over a column."""
FOOT = 50
SLANT = 58
SHADES = 5


def label(entry: Entry, words: Words) -> str:
    """Return an entry's label in the language of the page."""
    return entry.zh if words.language == "zh" else entry.en


def find_shade(count: int, most: int) -> int:
    """Return how dark a cell is: 0 for none, then in steps of even width up to the fullest cell."""
    return 0 if count == 0 else max(1, -(-count * SHADES // max(most, SHADES)))


def place_columns(taxonomy: Taxonomy) -> dict[str, float]:
    """Return where each sub-scene's column begins, life scenes set apart."""
    places, x = {}, float(FAMILY + FEELING)
    for _, scenes in groupby(taxonomy.scenes, key=lambda scene: scene.life):
        for scene in scenes:
            places[scene.code] = x
            x += CELL
        x += GAP
    return places


def find_head(taxonomy: Taxonomy, words: Words) -> float:
    """Return how high the slanted words over the columns stand."""
    longest = max(find_width(label(scene, words)) for scene in taxonomy.scenes)
    return min(longest, LONGEST) * math.sin(math.radians(SLANT)) + 14


def place_rows(taxonomy: Taxonomy, head: float) -> dict[str, float]:
    """Return where each feeling's row begins, families set apart."""
    places, y = {}, head
    for _, emotions in groupby(taxonomy.emotions, key=lambda emotion: emotion.family):
        for emotion in emotions:
            places[emotion.id] = y
            y += ROW
        y += GAP
    return places


def draw_map(key: str, words: Words, title: str, told: str, taxonomy: Taxonomy, coverage: Coverage) -> str:
    """Return the map with a legend; a cell that nobody planned is left blank."""
    head = find_head(taxonomy, words)
    columns, rows = place_columns(taxonomy), place_rows(taxonomy, head)
    most = max((tally.accepted for tally in coverage.cells.values()), default=0)
    width = max(columns.values()) + CELL + 60
    height = max(rows.values()) + ROW + FOOT
    parts = [*draw_scenes(taxonomy, words, columns, head, height - FOOT + 6), *draw_feelings(taxonomy, words, rows)]
    for (emotion, scene), tally in coverage.cells.items():
        hint = f"{label(taxonomy.emotion(emotion), words)} × {label(taxonomy.scene(scene), words)}: " + ", ".join(
            f"{words.name(name)} {getattr(tally, name)}" for name in ("accepted", "waiting", "rejected", "failed")
        )
        parts.append(draw_cell(columns[scene], rows[emotion], tally, most, hint))
    parts.append(draw_map_legend(words, most, height - 14))
    return draw_plot(key, width, height, title, told, parts)


def draw_cell(x: float, y: float, tally: Tally, most: int, hint: str) -> str:
    """Return a cell: its shade and count are what is accepted, a corner says that something waits."""
    shade = find_shade(tally.accepted, most)
    parts = [box(x + 1, y + 1, CELL - 2, ROW - 2, f"cell shade{shade}", hint, rx=2)]
    if tally.waiting:
        right, top = x + CELL - 1, y + 1
        parts.append(tag("path", d=f"M{right - 8:.0f} {top:.0f}h8v8z", class_="corner"))
    if tally.accepted:
        parts.append(write(tally.accepted, x + CELL / 2, y + 15, f"count on{shade}", anchor="middle"))
    return "".join(parts)


def draw_scenes(
    taxonomy: Taxonomy, words: Words, columns: Mapping[str, float], head: float, bottom: float
) -> list[str]:
    """Return the heads of the columns, each life scene over its sub-scenes."""
    parts = []
    for life, scenes in groupby(taxonomy.scenes, key=lambda scene: scene.life):
        codes = [scene.code for scene in scenes]
        left, right = columns[codes[0]], columns[codes[-1]] + CELL
        parts.append(line(left, bottom - 2, right, bottom - 2, "rule"))
        parts.append(write(label(taxonomy.life(life), words), (left + right) / 2, bottom + 14, "head", anchor="middle"))
    for code, x in columns.items():
        name = label(taxonomy.scene(code), words)
        at = f"translate({x + CELL / 2 + 4:.1f} {head - 6:.1f}) rotate({-SLANT})"
        parts.append(
            tag("g", tag("title", escape(clean(name))), write(shorten(name, LONGEST), 0, 0, "soft"), transform=at)
        )
    return parts


def draw_feelings(taxonomy: Taxonomy, words: Words, rows: Mapping[str, float]) -> list[str]:
    """Return the heads of the rows, each family beside its feelings."""
    parts = []
    for family, emotions in groupby(taxonomy.emotions, key=lambda emotion: emotion.family):
        held = list(emotions)
        top = rows[held[0].id]
        parts.append(line(0, top - GAP / 2, FAMILY + FEELING - 8, top - GAP / 2, "grid"))
        lines = wrap(label(taxonomy.family(family), words), FAMILY - 8, 3)
        parts += [write(each, 0, top + 15 + 15 * number, "head") for number, each in enumerate(lines)]
        for emotion in held:
            name = shorten(label(emotion, words), FEELING - 12)
            parts.append(write(name, FAMILY + FEELING - 8, rows[emotion.id] + 15, anchor="end"))
    return parts


def draw_map_legend(words: Words, most: int, y: float) -> str:
    """Return what the shades, the dashed frame and the corner mean."""
    x = float(FAMILY + FEELING)
    parts = [write(words.say("legend_accepted"), x - 8, y, "soft", anchor="end")]
    edges = [count for count in range(1, most + 1) if find_shade(count, most) != find_shade(count - 1, most)]
    shades = [
        (f"shade{find_shade(first, most)}", f"{first}" if after - first == 1 else f"{first}–{after - 1}")
        for first, after in zip(edges, [*edges[1:], most + 1], strict=False)
    ]
    for shade, told in [*shades, ("shade0", words.say("legend_none"))]:
        parts += [box(x, y - 11, 15, 14, f"cell {shade}", rx=2), write(told, x + 20, y, "soft")]
        x += 38 + find_width(told)
    parts.append(tag("path", d=f"M{x:.0f} {y - 10:.0f}h10v10z", class_="corner"))
    return "".join([*parts, write(words.say("legend_waiting"), x + 16, y, "soft")])
