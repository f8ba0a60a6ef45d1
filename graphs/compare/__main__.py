"""Compares models on questions and in sessions, blind: python -m graphs.compare --models A,B --questions FILE."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from taxonomy.command import Parser, run_main

SETTINGS = (
    "taxonomy", "language", "db", "concurrency", "seed", "policy", "max_calls", "max_cost", "synchronous",
)  # fmt: skip
"""Flags that are settings of a run by the same name."""


def build_parser() -> Parser:
    """Return the parser of this command; a setting that is not given leaves no trace, so that others may speak."""
    parser = Parser("graphs.compare", description=__doc__)
    add = parser.add_argument
    add("--models", metavar="A,B", help="the models to compare, each NAME, FILE.yaml or URL#MODEL")
    add("--questions", nargs="+", metavar="FILE", help="question sets: files, or names in configs/questions")
    add("--sessions", type=int, metavar="N", help="sessions of each model with the same simulated clients; default 0")
    add("--recipe", metavar="NAME", help="the method of the sessions; default session")
    add("--judge", metavar="MODEL", help="who judges; default rehearsal, which is no judge")
    add("--client", metavar="MODEL", help="who plays clients and all other roles; default the judge's model")
    add("--rubric", action="append", metavar="NAME", help="what is judged by (repeatable); default autocbt and session")
    add("--language", choices=("zh", "en"), help="what is asked, played and told is in it; default all questions")
    add("--out", type=Path, metavar="DIR", help="where report.md and report.html go; default reports/compare-NUMBER")
    add("--taxonomy", type=Path, metavar="FILE", help="the map that clients are drawn from")
    add("--db", metavar="URL", help="SQLite or PostgreSQL; default $DATABASE_URL, else sqlite:///factory.db")
    add("--concurrency", type=int, metavar="N", help="calls in flight; default 32")
    add("--max-calls", type=int, metavar="N", help="stop after so many answered calls of the whole comparison")
    add("--max-cost", metavar="AMOUNT", help="stop when the whole comparison has spent so much, such as 5CNY")
    add("--seed", type=int, metavar="N", help="the seed of plan and requests; default 0")
    add("--policy", metavar="NAME|FILE", help="what decides on a finished session; default default")
    add("--synchronous", choices=("full", "normal"), help="how SQLite commits; default full")
    add("--dry-run", action="store_true", help="show calls, tokens and cost; call nothing")
    resumed = "go on with the newest comparison, or this one; of one that is finished, write the report again"
    add("--resume", nargs="?", const="", metavar="NUMBER", help=resumed)
    add("--yes", action="store_true", help="start a paid comparison without asking about its estimate")
    add("--json", action="store_true", help="all figures as the last line of stdout")
    return parser


def list_settings(flags: Namespace) -> dict[str, Any]:
    """Return the settings that stood on the command line."""
    return {name: getattr(flags, name) for name in SETTINGS if getattr(flags, name) is not None}


def main() -> int:
    """Parse the flags and launch; the heavy imports come only after the flags are known to be right."""
    flags = build_parser().parse_args()
    from graphs.compare.launch import Request, launch

    return launch(
        Request(
            settings=list_settings(flags),
            models=flags.models,
            questions=tuple(flags.questions or ()),
            sessions=flags.sessions,
            recipe=flags.recipe,
            judge=flags.judge,
            client=flags.client,
            rubrics=tuple(dict.fromkeys(flags.rubric or ())),
            out=flags.out,
            dry_run=flags.dry_run,
            resume=flags.resume,
            yes=flags.yes,
            json=flags.json,
        )
    )


if __name__ == "__main__":
    run_main(main)
