"""Plays several recipes on the same seeds and judges them alike: python -m graphs.league --recipes a,b --seeds FILE."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from taxonomy.command import Parser, run_main

SETTINGS = (
    "taxonomy", "seeds", "field", "model", "cast", "language", "db", "concurrency", "seed", "policy", "max_calls",
    "max_cost", "synchronous",
)  # fmt: skip
"""Flags that are settings of a run by the same name."""


def build_parser() -> Parser:
    """Return the parser of this command; a setting that is not given leaves no trace, so that others may speak."""
    parser = Parser("graphs.league", description=__doc__)
    add = parser.add_argument
    add("--recipes", metavar="A,B,C", help="the methods to compare (python -m graphs.recipes lists them)")
    add("--seeds", type=Path, metavar="FILE", help="JSON Lines with a text a row, as input instead of cells")
    add("--field", metavar="NAME", help="the field of --seeds that holds the text; found when not named")
    add("--taxonomy", type=Path, metavar="FILE", help="the map of feelings and life scenes")
    add("--sessions", type=int, metavar="N", help="sessions of each recipe; default one for each cell or row")
    add("--rubric", action="append", metavar="NAME", help="what all are judged by (repeatable); default session")
    add("--model", metavar="NAME|FILE|URL#MODEL", help="the model of every role; default rehearsal")
    add("--cast", action="append", metavar="ROLE=MODEL", help="another model for one role (repeatable)")
    add("--language", choices=("zh", "en"), help="default: the seed's own, else zh")
    add("--db", metavar="URL", help="SQLite or PostgreSQL; default $DATABASE_URL, else sqlite:///factory.db")
    add("--concurrency", type=int, metavar="N", help="calls in flight; default 32")
    add("--max-calls", type=int, metavar="N", help="stop after so many answered calls of the whole league")
    add("--max-cost", metavar="AMOUNT", help="stop when the whole league has spent so much, such as 5CNY")
    add("--seed", type=int, metavar="N", help="the seed of the plan; default 0")
    add("--policy", metavar="NAME|FILE", help="what decides on a finished session; default default")
    add("--synchronous", choices=("full", "normal"), help="how SQLite commits; default full")
    add("--html", type=Path, metavar="FILE", help="write one page with the tables and plots")
    add("--dry-run", action="store_true", help="show plan, calls, tokens and cost; call nothing")
    resumed = "go on with the newest league, or this one; of one that is finished, tell the figures"
    add("--resume", nargs="?", const="", metavar="LEAGUE", help=resumed)
    add("--fresh", action="store_true", help="start at position 0 of the plan again")
    add("--yes", action="store_true", help="start a paid league without asking about its estimate")
    add("--json", action="store_true", help="all figures as the last line of stdout")
    return parser


def list_settings(flags: Namespace) -> dict[str, Any]:
    """Return the settings that stood on the command line."""
    return {name: getattr(flags, name) for name in SETTINGS if getattr(flags, name) is not None}


def main() -> int:
    """Parse the flags and launch; the heavy imports come only after the flags are known to be right."""
    flags = build_parser().parse_args()
    from graphs.league.launch import Request, launch

    return launch(
        Request(
            settings=list_settings(flags),
            recipes=flags.recipes,
            sessions=flags.sessions,
            rubrics=tuple(dict.fromkeys(flags.rubric or [])),
            html=flags.html,
            dry_run=flags.dry_run,
            resume=flags.resume,
            fresh=flags.fresh,
            yes=flags.yes,
            json=flags.json,
        )
    )


if __name__ == "__main__":
    run_main(main)
