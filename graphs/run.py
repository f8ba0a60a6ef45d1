"""Plans and runs sessions: python -m graphs.run --taxonomy taxonomy/emotions.yaml [--count N] [--model NAME]."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from taxonomy.command import Parser, run_main

OWN = ("config", "dry_run", "resume", "fresh", "yes", "json", "set", "cast", "requests")
"""Flags that are not settings of the run by the same name."""


def build_parser() -> Parser:
    """Return the parser of this command; a flag that is not given leaves no trace, so that other sources may speak."""
    parser = Parser("graphs.run", description=__doc__)
    add = parser.add_argument
    add("--taxonomy", type=Path, metavar="FILE", help="the map of feelings and life scenes")
    add(
        "--recipe",
        metavar="NAME",
        help="the method; default session (python -m graphs.recipes lists them)",
    )
    add("--set", action="append", metavar="KEY=VALUE", help="a switch of the recipe (repeatable)")
    add("--count", type=int, metavar="N", help="sessions to run; default one for each cell or row")
    add("--fill", type=int, metavar="N", help="run until every cell has N dialogues accepted or waiting (3 N tries)")
    add(
        "--seeds",
        type=Path,
        metavar="FILE",
        help="JSON Lines with a text a row, as input instead of cells",
    )
    add("--stored", metavar="scenarios|dialogues|seeds[:RUN]", help="what of the database is input instead of cells")
    add(
        "--field",
        metavar="NAME",
        help="the field of --seeds that holds the text; found when not named",
    )
    add("--model", metavar="NAME|FILE|URL#MODEL", help="the model of every role; default rehearsal")
    add(
        "--cast",
        action="append",
        metavar="ROLE=MODEL",
        help="another model for one role (repeatable)",
    )
    add("--language", choices=("zh", "en"), help="default: the seed's own, else zh")
    add(
        "--db",
        metavar="URL",
        help="SQLite or PostgreSQL; default $DATABASE_URL, else sqlite:///factory.db",
    )
    add("--concurrency", type=int, metavar="N", help="calls in flight; default 32")
    add("--max-calls", type=int, metavar="N", help="stop after so many answered calls, over resumes too")
    add("--max-cost", metavar="AMOUNT", help="stop when so much is spent, such as 5CNY, over resumes too")
    add("--seed", type=int, metavar="N", help="the seed of the plan; default 0")
    add("--policy", metavar="NAME|FILE", help="what decides on a finished session; default default")
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings as YAML; flags and environment go before it",
    )
    add("--synchronous", choices=("full", "normal"), help="how SQLite commits; default full")
    add("--dry-run", action="store_true", help="show plan, calls, tokens and cost; call nothing")
    add(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="go on with the newest unfinished run, or this one",
    )
    add(
        "--requests",
        action="store_true",
        help="play again what reviewers asked for, the oldest --count of it; settings stay",
    )
    add("--fresh", action="store_true", help="start at position 0 of the plan again")
    add("--yes", action="store_true", help="start a paid run without asking about its estimate")
    add("--json", action="store_true", help="a machine-readable summary as the last line of stdout")
    return parser


def list_settings(flags: Namespace) -> dict[str, Any]:
    """Return the run settings that stood on the command line."""
    given = {key: value for key, value in vars(flags).items() if key not in OWN and value is not None}
    if flags.set:
        given["switches"] = flags.set
    if flags.cast:
        given["cast"] = flags.cast
    return given


def main() -> int:
    """Parse the flags and launch; the heavy imports come only after the flags are known to be right."""
    flags = build_parser().parse_args()
    from graphs.again import carry_out
    from graphs.launch import Request, launch

    request = Request(
        settings=list_settings(flags),
        config=flags.config,
        dry_run=flags.dry_run,
        resume=flags.resume,
        fresh=flags.fresh,
        yes=flags.yes,
        json=flags.json,
    )
    return carry_out(request) if flags.requests else launch(request)


if __name__ == "__main__":
    run_main(main)
