"""Tells the statistics of a store: python -m store.stats [--html FILE] [--json] [--run N] [--language zh|en]."""

import json
import sys
from argparse import Namespace
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from store.db import DEFAULT_URL, choose_url, explained, open_db
from store.report.figures import Asked, Report
from store.tables import DialogueRow, RunRow
from taxonomy import schema
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError, suggest
from taxonomy.schema import Taxonomy, load_taxonomy
from taxonomy.source import show_path

MAP = Path(schema.__file__).with_name("emotions.yaml")


def build_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("store.stats", description=__doc__)
    parser.add_argument("--db", metavar="URL", help=f"default $DATABASE_URL, else {DEFAULT_URL}")
    parser.add_argument("--run", type=int, metavar="N", help="only this run")
    parser.add_argument("--recipe", metavar="NAME", help="only this recipe")
    parser.add_argument("--language", choices=("zh", "en"), help="only dialogues in this language")
    parser.add_argument("--rehearsal", action="store_true", help="count the rehearsal model's dialogues beside others")
    parser.add_argument("--taxonomy", type=Path, default=MAP, metavar="FILE", help="the map; default the shipped one")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one page with plots")
    parser.add_argument("--words", choices=("zh", "en"), help="language of the page; default that of the dialogues")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    parser.add_argument("--agreement", action="store_true", help="how people, critics and checks agree, instead")
    return parser


def check_asked(engine: Engine, asked: Asked) -> None:
    """Raise InputError for a run or recipe that the database does not hold."""
    with explained(engine), Session(engine) as db:
        if asked.run is not None and db.get(RunRow, asked.run) is None:
            last = db.exec(select(func.max(RunRow.id))).one()
            raise InputError(f"there is no run {asked.run}" + (f"; the last one is {last}" if last else ""))
        if asked.recipe is None:
            return
        recipes = list(db.exec(select(DialogueRow.recipe).distinct().order_by(col(DialogueRow.recipe))))
    if asked.recipe not in recipes:
        held = f"; it holds {', '.join(recipes)}" if recipes else ""
        raise InputError(f"no dialogue is of recipe {asked.recipe!r}{suggest(asked.recipe, recipes)}{held}")


def to_plain(value: Any) -> Any:
    """Return figures as JSON can hold them: named fields as objects, a key of two words joined by ' / '."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    if hasattr(value, "_asdict"):
        return to_plain(value._asdict())
    if isinstance(value, dict):
        return {join_key(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    return value


def join_key(key: Any) -> str:
    """Return a key as a text."""
    return " / ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def write_report(report: Report, taxonomy: Taxonomy, flags: Namespace) -> None:
    """Write the figures to stdout and, where a page is asked for, to its file."""
    from store.report.page import choose_words, render, write_page
    from store.report.text import list_lines

    if flags.html is not None and report.selection.dialogues:
        write_page(flags.html, render(report, taxonomy, choose_words(report, flags.words)))
        sys.stderr.write(f"the page is {show_path(flags.html)}\n")
    if flags.json:
        told = json.dumps(to_plain(report), ensure_ascii=False)
        sys.stdout.write(told.encode(errors="replace").decode() + "\n")
    elif flags.html is None:
        sys.stdout.write("\n".join(list_lines(report)))


def main() -> int:
    """Tell the statistics."""
    flags = build_parser().parse_args()
    engine = open_db(choose_url(flags.db), create=False)
    if flags.agreement:
        from store.agreement import print_agreement

        print_agreement(engine, flags)
        return 0
    from store.report.gather import gather

    asked = Asked(flags.run, flags.recipe, flags.language, flags.rehearsal)
    check_asked(engine, asked)
    taxonomy = load_taxonomy(flags.taxonomy)
    report = gather(engine, asked, taxonomy)
    if not report.selection.dialogues and not flags.json:
        sys.stdout.write("no dialogue is stored" + ("" if asked.is_all else " that was asked for") + "\n")
        return 0
    write_report(report, taxonomy, flags)
    return 0


if __name__ == "__main__":
    run_main(main)
