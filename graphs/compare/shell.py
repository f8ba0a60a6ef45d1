"""Tells a comparison in a shell: who judged, then the few figures that fit; the pages have them all."""

from collections.abc import Iterator
from textwrap import wrap

from graphs.compare.answer_tables import set_scene_figures
from graphs.compare.figure_tables import set_differences, set_pairs, set_sessions
from graphs.compare.figures import Standings
from graphs.compare.layout import Table
from graphs.compare.report import list_models, list_warnings
from graphs.compare.words import speak
from store.league.text import COLUMNS, group, pad
from store.report.svg import clean
from store.report.text import measure


def list_lines(standings: Standings) -> Iterator[str]:
    """Yield the lines of a comparison; a shell is told in English."""
    say = speak("en")
    for warning in list_warnings(standings, say):
        yield from wrap(clean(warning), COLUMNS)
    yield clean(say("title", number=standings.comparison.run, models=", ".join(standings.contest.models)))
    for line in list_models(standings, say):
        yield f"  {clean(line)}"
    tables = [set_scene_figures(standings, life, say) for life in standings.by_life]
    tables.append(turn(set_pairs(standings, say)))
    tables += map(turn, set_differences(standings.differences, "differences", say))
    if standings.sat:
        tables.append(set_sessions(standings, say))
        tables += map(turn, set_differences(standings.sat_differences, "differences_sessions", say))
    for table in tables:
        yield ""
        yield clean(table.title)
        yield from tell_table(table)


def turn(table: Table) -> Table:
    """Return a table with its rows as columns: pairs are few, and what is told of them is much."""
    head, *rows = zip(table.head, *table.rows, strict=True)
    return table._replace(head=[str(cell) for cell in head], rows=rows)


def tell_table(table: Table) -> Iterator[str]:
    """Yield a table of plain cells, its columns in as many groups as the width asks for."""
    rows = [[clean(cell) for cell in row] for row in (table.head, *table.rows)]
    widths = [max(measure(cell) for cell in column) + 2 for column in zip(*rows, strict=True)]
    for columns in group(widths):
        for row in rows:
            yield "  " + "".join(pad(row[column], widths[column]) for column in (0, *columns)).rstrip()
