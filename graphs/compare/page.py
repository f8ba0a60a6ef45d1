"""Sets a comparison on one HTML page in the frame of the store's own reports: no script, nothing from outside."""

from html import escape

from graphs.compare.figures import Standings
from graphs.compare.layout import Cell, Section, Table, Unfold
from graphs.compare.report import make_report
from graphs.compare.words import Say, speak
from store.report.layout import Figure, Part
from store.report.page import load_environment
from store.report.svg import clean
from store.report.words import Words
from store.shell.terminal import show_text

TEMPLATE = "league.html.j2"
"""The page of several things side by side: warnings, whose words these are, and parts with their figures."""


def render(standings: Standings) -> str:
    """Return the page."""
    report = make_report(standings)
    say = speak(report.language)
    return (
        load_environment()
        .get_template(TEMPLATE)
        .render(
            words=Words(report.language),
            title=report.title,
            made=report.made,
            warnings=report.warnings,
            models=report.whose,
            notes=report.notes,
            parts=[show_section(section, say) for section in report.sections],
        )
    )


def show_section(section: Section, say: Say) -> Part:
    """Return a part of the page."""
    figures = [
        Figure(table.title, table.tell(say("opens")), draw_table(table, say), notes=table.notes, is_wide=True)
        for table in section.tables
    ]
    if section.sentences:
        items = "".join(f"<li>{show(sentence)}</li>" for sentence in section.sentences)
        figures.append(Figure(section.title, "", f"<ul>{items}</ul>", is_wide=True))
    return Part(section.id, section.title, figures)


def draw_table(table: Table, say: Say) -> str:
    """Return a table; the frame takes it as it is, so every text in it is escaped here."""
    if not table.rows:
        return ""
    head = "".join(f'<th scope="col">{show(name)}</th>' for name in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{draw_cell(cell, say)}</td>' for cell in row)}</tr>" for row in table.rows)
    kind = "table open side letters" if table.has_answers else "table open side"
    width = f' style="--columns: {len(table.head) - 1}"'
    return f'<div class="{kind}"{width}><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def draw_cell(cell: Cell, say: Say) -> str:
    """Return a cell; an answer unfolds without a script."""
    if isinstance(cell, str):
        return show(cell)
    if cell.full == cell.short and not cell.reasoning and not cell.notes:
        return show(cell.short)
    notes = "".join(f'<p class="soft small">{show(note)}</p>' for note in cell.notes)
    inside = f"{draw_text(cell.full)}{draw_thought(cell, say)}{notes}"
    # Once it is open the text begins below, and does not stand there twice.
    short = f'<span class="short">{show(cell.short)}</span><span class="fold">{show(say("fold"))}</span>'
    return f"<details><summary>{short}</summary>{inside}</details>"


def draw_thought(cell: Unfold, say: Say) -> str:
    """Return what the model thought, folded once more."""
    if not cell.reasoning:
        return ""
    return f"<details><summary>{show(say('reasoning'))}</summary>{draw_text(cell.reasoning)}</details>"


def draw_text(text: str) -> str:
    """Return a text of several lines."""
    lines = [escape(line) for line in show_text(text).split("\n")]
    return f"<p>{'<br>'.join(lines)}</p>"


def show(text: str) -> str:
    """Return a text on one line, escaped."""
    return escape(clean(text))
