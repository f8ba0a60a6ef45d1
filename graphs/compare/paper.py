"""Writes a comparison as Markdown: the same tables, the answers in full behind them; nothing in them is markup."""

import re
from collections.abc import Iterator

from graphs.compare.figures import Standings
from graphs.compare.layout import Cell, Section, Table, Unfold
from graphs.compare.report import make_report
from graphs.compare.words import Say, speak
from store.report.svg import clean
from store.shell.terminal import show_text

MARKS = re.compile(
    r"([\\`*_{}\[\]()<>#!|~&$@]|(?<=[a-z])(?=://)|(?<=www)(?=\.)|^(?=[-+=]))",
    re.IGNORECASE,
)
"""What could begin markup, a link, a list, or a table's next cell."""
NUMBERED = re.compile(r"^([0-9]{1,9})(?=\.(?:\s|$))")
"""The number of a list's item, which has nine digits at most; the bracket after one is a mark already."""


def write_paper(standings: Standings) -> str:
    """Return the whole text."""
    report = make_report(standings)
    say = speak(report.language)
    lines = [f"# {quote(report.title)}", "", quote(report.made), ""]
    for warning in report.warnings:
        lines += [f"> **{quote(warning)}**", ""]
    lines += [*(f"- {quote(line)}" for line in (*report.whose, *report.notes)), ""]
    for section in report.sections:
        lines += write_section(section, say)
    return "\n".join(lines).rstrip() + "\n"


def write_section(section: Section, say: Say) -> Iterator[str]:
    """Yield a section."""
    yield f"## {quote(section.title)}"
    yield ""
    for table in section.tables:
        yield from write_table(table, say, has_title=table.title != section.title)
        yield from write_answers(table, say)
    yield from (f"- {quote(sentence)}" for sentence in section.sentences)
    if section.sentences:
        yield ""


def write_table(table: Table, say: Say, *, has_title: bool) -> Iterator[str]:
    """Yield a table, under its title where the section's own does not say the same."""
    if has_title:
        yield f"### {quote(table.title)}"
        yield ""
    if table.told:
        yield quote(table.tell(say("stands_below")))
        yield ""
    if table.rows:
        yield f"| {' | '.join(quote(name) for name in table.head)} |"
        yield f"|{'---|' * len(table.head)}"
        yield from (f"| {' | '.join(map(show_cell, row))} |" for row in table.rows)
        yield ""
    for note in table.notes:
        yield quote(note)
        yield ""


def show_cell(cell: Cell) -> str:
    """Return a cell; an answer is shortened, and stands in full below its table."""
    return quote(cell if isinstance(cell, str) else cell.short)


def write_answers(table: Table, say: Say) -> Iterator[str]:
    """Yield the questions of a table with the answers in full."""
    for row in table.rows:
        if not isinstance(row[0], Unfold):
            continue
        yield f"#### {quote(row[0].short)}"
        yield ""
        yield from block(row[0].full)
        for label, cell in zip(table.head[1:], row[1:], strict=True):
            yield f"**{quote(label)}**"
            yield ""
            yield from write_answer(cell, say)


def write_answer(cell: Cell, say: Say) -> Iterator[str]:
    """Yield one answer in full, what was thought before it, and what was said of it."""
    if isinstance(cell, str):
        yield quote(cell)
        yield ""
        return
    yield from block(cell.full)
    if cell.reasoning:
        yield f"*{quote(say('reasoning'))}*"
        yield ""
        yield from block(cell.reasoning)
    yield from (f"- {quote(note)}" for note in cell.notes)
    if cell.notes:
        yield ""


def block(text: str) -> Iterator[str]:
    """Yield a text of several lines as a quotation."""
    yield from (f"> {quote(line)}".rstrip() for line in show_text(text).split("\n"))
    yield ""


def quote(text: str) -> str:
    """Return a text on one line in which nothing is markup."""
    return NUMBERED.sub(r"\1\\", MARKS.sub(r"\\\1", clean(text)))
