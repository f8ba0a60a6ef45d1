"""Brings open data into the store: python -m store.ingest FILE [--format NAME] [--as seeds|dialogues] [--licence NAME].

What is brought in waits: python -m graphs.judge checks it, and seeds are run with graphs.run --stored seeds.
"""

import json
from argparse import Namespace
from pathlib import Path

from store.clean import clean_text
from store.db import DEFAULT_URL, choose_url, open_db
from store.formats import FORMATS, load_format
from store.formats.carriers.choose import Carrier, choose_carrier
from store.formats.format import Format
from store.ingest.bring import Brought, bring_in
from store.ingest.guess import guess_format
from store.ingest.prepared import Asking
from store.ingest.rejects import choose_path
from store.licences import UNKNOWN, is_permissive, name_licence
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError
from taxonomy.source import show_path

PARTIAL, NOTHING = 3, 2


def build_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("store.ingest", description=__doc__)
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="JSON Lines, a JSON array, CSV, Parquet or plain text")
    add("--format", metavar="NAME", help=f"one of {', '.join(FORMATS)}; guessed when not named")
    add("--as", dest="kind", choices=("seeds", "dialogues"), help="default: what the format holds")
    add("--licence", metavar="NAME", help=f"as the Hub names it, such as cc-by-4.0; default {UNKNOWN}")
    add("--source", metavar="NAME", help="the data set; the same row is kept once for each; default the file's name")
    add("--language", choices=("zh", "en"), help="default: each row's own")
    add("--keep-pii", action="store_true", help="leave phones, numbers of papers, e-mail and account names as they are")
    add("--rejects", type=Path, metavar="FILE", help="where rows go that cannot be read; default beside the database")
    add("--limit", type=int, metavar="N", help="only the first N rows")
    add("--db", metavar="URL", help=f"default $DATABASE_URL, else {DEFAULT_URL}")
    add("--json", action="store_true", help="a machine-readable summary as the last line of stdout")
    return parser


def choose_format(flags: Namespace, carrier: Carrier) -> Format:
    """Return the format that was named, or a guess, and say which."""
    if flags.format is not None:
        return load_format(flags.format)
    format, ground = guess_format(flags.file, carrier)
    print(f"format {format.name}: {ground} ({carrier.name}); --format names another")
    return format


def main() -> int:
    """Bring a file in."""
    flags = build_parser().parse_args()
    if flags.limit is not None and flags.limit < 1:
        raise InputError(f"--limit {flags.limit}: at least 1")
    if flags.source is not None and not flags.source.strip():
        raise InputError("--source: name the data set, or leave the flag out")
    licence = clean_text(name_licence(flags.licence))
    carrier = choose_carrier(flags.file)
    format = choose_format(flags, carrier)
    kind = flags.kind or format.kinds[0]
    if kind not in format.kinds:
        raise InputError(f"--as {kind}: format {format.name} holds {' or '.join(format.kinds)}")
    engine = open_db(choose_url(flags.db))
    asking = Asking(format, kind, flags.source or flags.file.name, flags.language, flags.keep_pii)
    rejects = choose_path(flags.rejects, flags.file, engine)
    brought = bring_in(engine, flags.file, carrier, asking, licence, rejects, flags.limit)
    print_brought(brought, flags.file)
    if flags.json:
        print(json.dumps(brought.counts | {"run": brought.run, "rejects": brought.rejects}, ensure_ascii=False))
    if brought.rejected and not brought.stored + brought.known:
        return NOTHING
    return PARTIAL if brought.rejected else 0


def print_brought(brought: Brought, file: Path) -> None:
    """Print what came of it, and what to do next."""
    kind, run = brought.asking.kind, brought.run
    where = f" as run {run}" if run is not None else ""
    print(f"{show_path(file)}: {brought.stored} {kind} brought in{where}, {brought.known} were there already")
    if brought.rejected:
        more = f"; and {brought.rejected - len(brought.first)} more" if brought.rejected > len(brought.first) else ""
        print(f"rejected {brought.rejected} rows: {'; '.join(brought.first)}{more}; all are in {brought.rejects}")
    if brought.masked:
        print("masked: " + ", ".join(f"{count} {name}" for name, count in sorted(brought.masked.items())))
    if not is_permissive(brought.licence) and brought.stored:
        how = "--licence NAME says it" if brought.licence == UNKNOWN else "unless its mix names it"
        print(f"licence {brought.licence}: an export leaves such rows out; {how}")
    if brought.stored:
        goes_on = f"graphs.judge --run {run}" if kind == "dialogues" else f"graphs.run --stored seeds:{run}"
        print(f"next: python -m {goes_on}")


if __name__ == "__main__":
    run_main(main)
