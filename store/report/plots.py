"""Draws the plots of a report: bars, stacked bars, histograms, scores and ranges, each as one SVG."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from store.report.figures import JudgedRubric, Lengths, Tally
from store.report.svg import (
    box,
    diamond,
    dot,
    draw_legend,
    draw_plot,
    find_ticks,
    find_width,
    line,
    shorten,
    write,
)
from store.report.words import Words

WIDTH = 520
ROW = 26
STANDINGS = ("accepted", "waiting", "rejected", "failed")
BINS = 24


class Bar(NamedTuple):
    """A bar with its words, length, what is written beside it, and its colour."""

    name: str
    value: float
    told: str
    class_: str = "fill"


def draw_bars(
    key: str,
    words: Words,
    title: str,
    told: str,
    axis: str,
    bars: Sequence[Bar],
    legend: Sequence[tuple[str, str]] = (),
) -> str:
    """Return horizontal bars with their words on the left and their figures beside them."""
    left = min(max(find_width(bar.name) for bar in bars) + 10, WIDTH * 0.45)
    right = max(find_width(bar.told) for bar in bars) + 12
    longest = max(bar.value for bar in bars) or 1.0
    scale = (WIDTH - left - right) / longest
    ticks = [tick for tick in find_ticks(longest, 4) if tick <= longest]
    start = 22 if legend else 0
    height = start + ROW * len(bars)
    parts = [draw_legend(legend, left, 12)] if legend else []
    parts += [line(left + tick * scale, start + 4, left + tick * scale, height + 6, "grid") for tick in ticks]
    for number, bar in enumerate(bars):
        top = start + 4 + ROW * number
        parts += [
            write(shorten(bar.name, left - 10), left - 8, top + 16, anchor="end"),
            box(left, top + 4, max(bar.value * scale, 1.5), ROW - 9, bar.class_, f"{bar.name}: {bar.told}"),
            write(bar.told, left + bar.value * scale + 6, top + 16, "soft"),
        ]
    parts += [write(words.number(tick), left + tick * scale, height + 20, "soft", anchor="middle") for tick in ticks]
    parts.append(write(axis, left + longest * scale / 2, height + 38, "soft", anchor="middle"))
    return draw_plot(key, WIDTH, height + 44, title, told, parts)


def draw_shares(key: str, words: Words, title: str, told: str, tallies: Mapping[str, Tally]) -> str:
    """Return a bar for each name that is divided by standing, all of one length, with the number of dialogues."""
    left = min(max(find_width(name) for name in tallies) + 10, WIDTH * 0.4)
    span = WIDTH - left - 70
    parts = [draw_legend([(name, words.name(name)) for name in STANDINGS], 0, 12)]
    for number, (name, tally) in enumerate(tallies.items()):
        top, x = 24 + ROW * number, left
        parts.append(write(shorten(name, left - 10), left - 8, top + 16, anchor="end"))
        for standing in STANDINGS:
            count = getattr(tally, standing)
            share = count / tally.total
            hint = f"{name}, {words.name(standing)}: {count} ({share:.0%})"
            if count:
                parts.append(box(x, top + 3, share * span, ROW - 7, standing, hint))
            if share >= 0.09:
                parts.append(write(f"{share:.0%}", x + share * span / 2, top + 16, f"on-{standing}", anchor="middle"))
            x += share * span
        parts.append(write(f"n = {tally.total:,}", left + span + 8, top + 16, "soft"))
    bottom = 24 + ROW * len(tallies)
    parts += [
        write(f"{tick}%", left + span * tick / 100, bottom + 14, "soft", anchor="middle")
        for tick in (0, 25, 50, 75, 100)
    ]
    parts.append(write(words.say("axis_share_of_dialogues"), left + span / 2, bottom + 32, "soft", anchor="middle"))
    return draw_plot(key, WIDTH, bottom + 40, title, told, parts)


def bin_lengths(counts: Mapping[int, int]) -> tuple[int, dict[int, int]]:
    """Return the width of a bin, and how many fall into each bin by its lower edge; the longest 1 % share the last."""
    total, seen, longest = sum(counts.values()), 0, 1
    for length in sorted(counts):
        seen += counts[length]
        longest = max(length, 1)
        if seen >= 0.99 * total:
            break
    width = next(each for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if longest / each <= BINS)
    bins: dict[int, int] = {}
    for length, count in counts.items():
        edge = min(length, longest) // width * width
        bins[edge] = bins.get(edge, 0) + count
    return width, bins


def draw_histogram(
    key: str, words: Words, title: str, told: str, axis: str, lengths: Lengths, height: int = 190
) -> str:
    """Return how often each length occurs, with the tenth, fiftieth and ninetieth percentile marked."""
    width, bins = bin_lengths(lengths.counts)
    left, top, bottom, span = 46.0, 24.0, height - 40.0, WIDTH - 62.0
    first, last = min(bins), max(bins) + width
    ticks = find_ticks(max(bins.values()), 4)
    across, up = span / (last - first), (bottom - top) / ticks[-1]
    parts = []
    for tick in ticks:
        y = bottom - tick * up
        parts += [
            line(left, y, left + span, y, "grid"),
            write(words.number(tick), left - 6, y + 4, "soft", anchor="end"),
        ]
    for edge, count in bins.items():
        x, told_range = left + (edge - first) * across, f"{edge}" if width == 1 else f"{edge}–{edge + width - 1}"
        parts.append(
            box(x + 0.5, bottom - count * up, width * across - 1, count * up, "fill", f"{told_range}: {count:,}")
        )
    for value, name in ((lengths.low, "p10"), (lengths.median, words.say("median")), (lengths.high, "p90")):
        x = left + (min(value, last - width / 2) - first + (0.5 if width == 1 else 0)) * across
        parts += [line(x, top - 4, x, bottom, "mark"), write(f"{name} {value:g}", x, top - 9, "small", anchor="middle")]
    count_ticks = 8
    step = max(width, -(-(last - first) // (count_ticks * width)) * width)
    for edge in range(first, last + 1, step):
        shift = width / 2 if width == 1 and edge < last else 0
        if edge < last or width > 1:
            parts.append(write(edge, left + (edge - first + shift) * across, bottom + 16, "soft", anchor="middle"))
    parts.append(write(axis, left + span / 2, bottom + 34, "soft", anchor="middle"))
    return draw_plot(key, WIDTH, height, title, told, parts)


def draw_scores(key: str, words: Words, title: str, told: str, rubric: JudgedRubric) -> str:
    """Return a strip for each item: a dot for each score, as large as its share; median a bar, mean a diamond."""
    names = {item.item: item.item.replace("_", " ") for item in rubric.items}
    left, right = min(max(map(find_width, names.values())) + 12, 190.0), 160.0
    scores = sorted({score for item in rubric.items for score in item.counts})
    low, high = scores[0], max(scores[-1], scores[0] + 1)
    scale = (WIDTH - left - right - 24) / (high - low)
    start, bottom = left + 12, 22 + ROW * len(rubric.items)
    shown = scores if len(scores) <= 8 else [low, (low + high) / 2, high]
    columns = [(WIDTH - 112, words.say("mean")), (WIDTH - 60, words.say("median")), (WIDTH - 2, "n")]
    parts = [write(head, x, 12, "small", anchor="end") for x, head in columns]
    parts += [line(start + (score - low) * scale, 18, start + (score - low) * scale, bottom, "grid") for score in shown]
    for number, item in enumerate(rubric.items):
        y = 22 + ROW * number + ROW / 2
        parts.append(write(shorten(names[item.item], left - 6), left - 8, y + 4, anchor="end"))
        for score, count in item.counts.items():
            share = count / item.scored
            hint = f"{names[item.item]} {score:g}: {count:,} ({share:.0%})"
            parts.append(dot(start + (score - low) * scale, y, 2 + 8 * share**0.5, "bubble", hint))
        median, mean = start + (item.median - low) * scale, start + (item.mean - low) * scale
        parts += [line(median, y - 10, median, y + 10, "median"), diamond(mean, y, 4, "mean")]
        figures = (f"{item.mean:.2f}", f"{item.median:g}", f"{item.scored:,}")
        parts += [
            write(figure, x, y + 4, "soft", anchor="end") for figure, (x, _) in zip(figures, columns, strict=True)
        ]
    parts += [
        write(f"{score:g}", start + (score - low) * scale, bottom + 14, "soft", anchor="middle") for score in shown
    ]
    parts.append(write(words.say("axis_score"), start + (high - low) * scale / 2, bottom + 32, "soft", anchor="middle"))
    return draw_plot(key, WIDTH, bottom + 40, title, told, parts)
