"""Judges what is stored, or any file of dialogues: python -m graphs.judge [FILE] [--rubric NAME] [--policy FILE].

Without a model it applies the current rules and the policy; --rubric asks a critic, --inner-voice writes the
counselor's own thoughts. What is there already is not asked again.
"""

from argparse import Namespace
from pathlib import Path
from typing import Any

from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError

SETTINGS = ("model", "db", "concurrency", "max_calls", "max_cost", "policy", "synchronous")
"""Flags that are settings of a run by the same name."""
OF_THE_STORE = ("run", "recipe", "inner_voice")
"""Flags that make no sense for a file."""


def build_parser() -> Parser:
    """Return the parser; a setting that is not given leaves no trace, so that other sources may speak."""
    parser = Parser("graphs.judge", description=__doc__)
    add = parser.add_argument
    add("file", nargs="?", type=Path, metavar="FILE", help="JSON or JSON Lines with a dialogue in each row")
    add("--db", metavar="URL", help="SQLite or PostgreSQL; default $DATABASE_URL, else sqlite:///factory.db")
    add("--rules-only", action="store_true", help="deterministic checks alone: no model is asked")
    add("--policy", metavar="NAME|FILE", help="decide again over everything by this policy")
    add("--rubric", action="append", metavar="NAME", help="ask a critic by this rubric (repeatable)")
    add("--repeats", type=int, default=1, metavar="N", help="verdicts of one critic on the same; kept apart")
    add("--inner-voice", action="store_true", help="write the counselor's own thought beside each reply")
    add("--model", metavar="NAME|FILE|URL#MODEL", help="the model that is asked; default rehearsal")
    add("--cast", action="append", metavar="ROLE=MODEL", help="another model for critic or inner_voice")
    add("--run", type=int, metavar="N", help="only the dialogues of this run")
    add("--recipe", metavar="NAME", help="only the dialogues of this recipe")
    add("--against", action="append", type=Path, metavar="FILE", help="find texts of this evaluation file (repeatable)")
    add("--concurrency", type=int, metavar="N", help="calls in flight; default 32")
    add("--max-calls", type=int, metavar="N", help="stop after so many answered calls")
    add("--max-cost", metavar="AMOUNT", help="stop when so much is spent, such as 5CNY")
    add("--synchronous", choices=("full", "normal"), help="how SQLite commits; default full")
    add("--dry-run", action="store_true", help="show what would be asked, with tokens and cost; change nothing")
    add("--yes", action="store_true", help="start without asking about the estimate")
    add("--json", action="store_true", help="a machine-readable summary as the last line of stdout")
    return parser


def check_flags(flags: Namespace) -> None:
    """Raise InputError where flags contradict each other."""
    if flags.rules_only and (flags.rubric or flags.inner_voice):
        raise InputError("--rules-only asks no model; leave out --rubric and --inner-voice")
    if flags.repeats < 1:
        raise InputError(f"--repeats {flags.repeats}: at least 1")
    named = [f"--{name.replace('_', '-')}" for name in OF_THE_STORE if flags.file and getattr(flags, name)]
    if named:
        raise InputError(f"{named[0]} is about the store; leave it out for a file, or leave out the file")
    if flags.against and not flags.file:
        raise InputError("--against looks through a file of dialogues; name one")


def list_settings(flags: Namespace) -> dict[str, Any]:
    """Return the settings that stood on the command line."""
    return {name: getattr(flags, name) for name in SETTINGS if getattr(flags, name) is not None}


def main() -> int:
    """Judge a file or the store; the heavy imports come only after the flags are known to be right."""
    flags = build_parser().parse_args()
    check_flags(flags)
    from graphs.judging.command import judge

    return judge(flags, list_settings(flags))


if __name__ == "__main__":
    run_main(main)
