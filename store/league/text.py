"""Tells a league as text for a shell a hundred columns wide: a table too broad for it is told in two."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from textwrap import wrap

from store.league.figures import Standings
from store.league.head import list_models, list_notes, list_warnings, name_league
from store.league.scores import Scale
from store.league.table import Block, list_blocks
from store.report.svg import clean
from store.report.text import measure
from store.report.words import Words

COLUMNS = 100
NAME = 26
"""The widest name of a row; what is longer is cut."""
GAP = 2
RULES = 8
"""Rules told in a shell beside the two rows for all of them; the page and the JSON have every one."""
WORDS = Words("en")


def list_lines(standings: Standings, scales: Sequence[Scale]) -> list[str]:
    """Return the lines of a league."""
    lines = [line for warning in list_warnings(standings, WORDS) for line in wrap(clean(warning), COLUMNS)]
    lines += [clean(name_league(standings, WORDS))]
    models = f"{WORDS.say('league_whose')}: {'; '.join(list_models(standings, WORDS))}"
    for note in (models, *list_notes(standings, WORDS)):
        lines += indent(note)
    for block in list_blocks(standings, scales, WORDS):
        told = block._replace(lines=block.lines[: 2 + RULES]) if block.part == "findings" else block
        lines += ["", clean(block.title), *indent(block.told), *tell_table(told, standings.league.recipes)]
    return lines


def indent(text: str) -> list[str]:
    """Return a text in lines set in by two."""
    return wrap(clean(text), COLUMNS, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def tell_table(block: Block, recipes: Sequence[str]) -> Iterator[str]:
    """Yield a table, its columns in as many groups as the width asks for."""
    rows: list[list[str]] = [["", *recipes, *block.beside]]
    for line in block.lines:
        rows.append([cut(line.name), *line.cells, *line.beside])
        if any(line.under):
            rows.append(["", *line.under, *line.beside])
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(measure(cell) for cell in column) + GAP for column in zip(*cells, strict=True)]
    for columns in group(widths):
        for row in cells:
            yield "  " + "".join(pad(row[column], widths[column]) for column in (0, *columns)).rstrip()


def group(widths: Sequence[int]) -> list[list[int]]:
    """Return the columns but the first in groups that fit beside it."""
    groups: list[list[int]] = [[]]
    for column in range(1, len(widths)):
        used = 2 + widths[0] + sum(widths[each] for each in groups[-1])
        if groups[-1] and used + widths[column] - GAP > COLUMNS:
            groups.append([])
        groups[-1].append(column)
    return groups


def cut(name: str) -> str:
    """Return a row's name, no wider than a name may be."""
    fits = sum(width <= NAME - 1 for width in accumulate(measure(letter) for letter in clean(name)))
    return clean(name) if fits >= len(clean(name)) else clean(name)[:fits].rstrip() + "…"


def pad(cell: str, width: int) -> str:
    """Return a cell with blanks up to its column's width."""
    return cell + " " * (width - measure(cell))
