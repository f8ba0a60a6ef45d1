"""Draws the scores of a league: each recipe's mean with its interval, item by item on the rubric's own scale."""

from collections.abc import Callable, Mapping, Sequence

from store.intervals import Mean
from store.league.scores import Scale
from store.report.svg import dot, draw_plot, find_ticks, find_width, line, shorten, write
from store.report.words import Words

WIDTH, ROW, HEAD, GAP = 520, 18, 20, 8


def draw_means(
    key: str, words: Words, title: str, told: str, scale: Scale, items: Mapping[str, Sequence[tuple[str, Mean]]]
) -> str:
    """Return a dot and a whisker for each recipe under each item, given by its words as (recipe, mean)."""
    recipes = [recipe for named in items.values() for recipe, _ in named]
    left = min(max(find_width(recipe) for recipe in recipes) + 16, WIDTH * 0.4)
    across = (WIDTH - left - 130) / (scale.high - scale.low)
    bottom = sum(HEAD + GAP + ROW * len(named) for named in items.values()) + 4
    ticks = [scale.low + tick for tick in find_ticks(scale.high - scale.low, 4) if scale.low + tick <= scale.high]

    def place(score: float) -> float:
        return left + (score - scale.low) * across

    parts = [line(place(tick), 4, place(tick), bottom, "grid") for tick in ticks]
    top = 0.0
    for item, named in items.items():
        parts.append(write(shorten(item, WIDTH), 0, top + 15, "head"))
        top += HEAD
        for recipe, mean in named:
            y = top + ROW / 2
            parts.append(write(shorten(recipe, left - 12), left - 10, y + 4, anchor="end"))
            parts += draw_mean(recipe, mean, y, place)
            top += ROW
        top += GAP
    parts += [write(f"{tick:g}", place(tick), bottom + 16, "soft", anchor="middle") for tick in ticks]
    middle = place((scale.low + scale.high) / 2)
    parts.append(write(words.say("league_axis"), middle, bottom + 34, "soft", anchor="middle"))
    return draw_plot(key, WIDTH, bottom + 42, title, told, parts)


def draw_mean(recipe: str, mean: Mean, y: float, place: Callable[[float], float]) -> list[str]:
    """Return one recipe's mean; a dash where nothing was scored."""
    if mean.mean is None:
        return [write("–", WIDTH - 120, y + 4, "soft")]
    figures = f"{mean.mean:.2f} ({mean.low:.2f}–{mean.high:.2f})"
    return [
        line(place(mean.low), y, place(mean.high), y, "ours"),
        dot(place(mean.mean), y, 4.5, "inside", f"{recipe}: {figures}, n = {mean.of}"),
        write(figures, WIDTH - 120, y + 4, "soft"),
    ]
