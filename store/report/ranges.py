"""Draws how a set talks against real ranges, and how its planned endings ended."""

from collections.abc import Mapping, Sequence

from store.report.figures import Report
from store.report.style import SetRow, StyleRow
from store.report.svg import box, diamond, dot, draw_legend, draw_plot, find_width, line, shorten, wrap, write
from store.report.words import Words

NAME, SPAN, OURS, REAL, PLACE = 236, 480, 140, 150, 54
WIDTH = NAME + SPAN + OURS + REAL + PLACE
ROW = 27
HEAD = 44
"""The height of legend and heads over the rows."""


def show_figure(value: float | None, kind: str) -> str:
    """Return a figure of a feature: a share in per cent, a ratio with two places, a length as it is."""
    if value is None:
        return "–"
    return {
        "share": f"{100 * value:.2g}%" if value < 0.1 else f"{100 * value:.0f}%",
        "ratio": f"{value:.2f}",
        "length": f"{value:.3g}",
    }[kind]


def show_range(low: float, high: float, kind: str) -> str:
    """Return a range of a feature, its unit told once."""
    return f"{show_figure(low, kind).rstrip('%')}–{show_figure(high, kind)}"


def draw_style(key: str, words: Words, title: str, told: str, rows: Sequence[StyleRow]) -> str:
    """Return a row for each feature, each with a scale of its own: real ranges as bands, ours as a line with a mark."""
    sets = list(rows[0].real)
    height = HEAD + ROW * len(rows)
    legend = [(f"real{number}", f"{name} p10–p90") for number, name in enumerate(sets)]
    parts = [draw_legend(legend, NAME, 12)]
    at = NAME + sum(find_width(each) + 34 for _, each in legend)
    parts += [dot(at + 5, 8, 5, "inside"), write(words.say("legend_inside"), at + 16, 12, "soft")]
    parts += [diamond(at + 160, 8, 6, "outside"), write(words.say("legend_outside"), at + 172, 12, "soft")]
    heads = ((f"{words.say('median')} (p10–p90)", 12), (f"{words.say('real')} {' / '.join(sets)}", OURS + 12))
    parts += [write(head, NAME + SPAN + at, HEAD - 10, "small") for head, at in heads]
    parts.append(line(NAME, HEAD - 2, NAME, height, "grid"))
    for number, row in enumerate(rows):
        parts += draw_feature(words, row, HEAD + ROW * number)
    return draw_plot(key, WIDTH, height, title, told, parts)


def draw_feature(words: Words, row: StyleRow, top: float) -> list[str]:
    """Return one feature's row."""
    name = words.feature(row.feature) + (" *" if row.is_own_list else "")
    middle = top + ROW / 2 - 2
    parts = [write(shorten(name, NAME - 14), NAME - 12, middle + 4, anchor="end")]
    parts.append(line(NAME, top + ROW - 2, NAME + SPAN, top + ROW - 2, "grid"))
    most = max([high for _, _, high in row.real.values()] + ([row.ours[2]] if row.ours else []))
    scale = SPAN / (1.05 * most or 1.0)
    thick = (ROW - 9) / len(row.real)
    for number, (corpus, (low, median, high)) in enumerate(row.real.items()):
        y = top + 2 + thick * number
        hint = f"{corpus}: {show_range(low, high, row.kind)}"
        parts.append(box(NAME + low * scale, y, max((high - low) * scale, 2), thick - 1, f"real{number}", hint))
        if median is not None:
            parts.append(line(NAME + median * scale, y, NAME + median * scale, y + thick - 1, "middle"))
    if row.ours is None:
        return [*parts, write("–", NAME + SPAN + 12, middle + 4, "soft")]
    low, middle_value, high = row.ours
    x, mark = NAME + (middle_value or 0.0) * scale, diamond if row.inside is False else dot
    parts.append(line(NAME + low * scale, middle, NAME + high * scale, middle, "ours"))
    hint = f"{name}: {show_figure(middle_value, row.kind)} ({show_range(low, high, row.kind)})"
    parts.append(mark(x, middle, 6 if row.inside is False else 5, "outside" if row.inside is False else "inside", hint))
    figures = f"{show_figure(middle_value, row.kind)} ({show_range(low, high, row.kind)})"
    real = " / ".join(show_range(least, highest, row.kind) for least, _, highest in row.real.values())
    verdict = words.say("inside" if row.inside else "outside")
    parts.append(write(figures, NAME + SPAN + 12, middle + 4))
    parts.append(write(real, NAME + SPAN + OURS + 12, middle + 4, "soft"))
    parts.append(write(verdict, WIDTH - 2, middle + 4, "soft" if row.inside else "warn", anchor="end"))
    return parts


def show_set_row(row: SetRow) -> list[str]:
    """Return the cells of a table on a figure of the whole set: ours, the real sets', the limit."""
    real = ", ".join(f"{name} {show_figure(value, row.kind)}" for name, value in row.real.items())
    return [show_figure(row.ours, row.kind), real or "–", show_range(*row.limit, row.kind) if row.limit else "–"]


def cross_endings(report: Report) -> tuple[list[str], list[str], Mapping[tuple[str, str], int]]:
    """Return the planned endings and the stop reasons, the most frequent first, and how often they meet."""
    endings = report.endings
    planned: dict[str, int] = {}
    stopped: dict[str, int] = {}
    for (ending, stop), count in endings.items():
        planned[ending] = planned.get(ending, 0) + count
        stopped[stop] = stopped.get(stop, 0) + count
    return sorted(planned, key=lambda id: -planned[id]), sorted(stopped, key=lambda id: -stopped[id]), endings


def draw_endings(key: str, words: Words, title: str, told: str, report: Report) -> str:
    """Return a square for each pair of planned ending and stop reason, as large as it is frequent."""
    planned, stopped, counts = cross_endings(report)
    left, top = 160, 40
    across = min(96.0, 360 / len(stopped))
    most = max(counts.values())
    parts = [
        write(each, left + across * (number + 0.5), 14 + 14 * at, "soft", anchor="middle")
        for number, stop in enumerate(stopped)
        for at, each in enumerate(wrap(words.name(stop), across - 6, 2))
    ]
    for row, ending in enumerate(planned):
        y = top + 30 * row + 15
        parts.append(write(shorten(words.name(ending), left - 14), left - 12, y + 4, anchor="end"))
        parts.append(line(left, y + 15, left + across * len(stopped), y + 15, "grid"))
        for number, stop in enumerate(stopped):
            count = counts.get((ending, stop), 0)
            if count:
                x = left + across * (number + 0.5) - 14
                hint = f"{words.name(ending)} → {words.name(stop)}: {count:,}"
                parts.append(dot(x, y, 2 + 11 * (count / most) ** 0.5, "bubble", hint))
                parts.append(write(f"{count:,}", x + 18, y + 4, "soft"))
    height = top + 30 * len(planned) + 26
    parts.append(
        write(words.say("axis_endings"), left + across * len(stopped) / 2, height - 6, "soft", anchor="middle")
    )
    return draw_plot(key, 520, height, title, told, parts)
