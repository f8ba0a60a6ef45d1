"""Reviews stored dialogues in a shell: python -m store.dialogues VERB [--db URL]; each verb takes --help."""

from argparse import Namespace

from sqlalchemy import Engine

from store.db import DEFAULT_URL, choose_url, open_db
from store.shell.flags import add_filter, add_reviewer, add_settings, find_reviewer
from store.shell.terminal import show_text
from taxonomy.command import Parser, run_main

__all__ = ["main", "show_text"]
SAYS = {
    "accept": "fit to be data, as it stands",
    "reject": "not fit, for at least one --reason",
    "skip": "not for you; somebody else is given it",
    "flag": "mark a dialogue, or with --turn a line of it",
    "comment": "say something of a dialogue, or with --turn of a line of it",
}


def add_show_flags(verb: Parser) -> None:
    """Give a verb the flags of what is shown of a dialogue."""
    thinking = "the counselor's reasoning in round brackets too, and its inner voice in square ones"
    verb.add_argument("--reasoning", action="store_true", help=thinking)
    verb.add_argument("--attempts", action="store_true", help="the drafts that were not said too, as changes")
    verb.add_argument("--calls", action="store_true", help="the calls behind it too")


def build_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("store.dialogues", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|next|accept|reject|...")
    listing = verbs.add_parser("list", help="one line a dialogue")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="at most N; default 50")
    listing.add_argument("--after", metavar="PLACE", help="go on where the last list ended")
    showing = verbs.add_parser("show", help="one dialogue as it reads")
    showing.add_argument("id", metavar="ID", help="<run>/<position>")
    following = verbs.add_parser("next", help="take the next dialogue of the queue, and show it")
    undoing = verbs.add_parser("undo", help="take back what you said last of a dialogue")
    undoing.add_argument("id", metavar="ID", help="<run>/<position>")
    saying = {word: verbs.add_parser(word, help=told) for word, told in SAYS.items()}
    for word, verb in saying.items():
        add_say_flags(word, verb)
    labels = verbs.add_parser("labels", help="write what people said, for training and for other tools")
    labels.add_argument("file", metavar="FILE", help="where to; - is stdout")
    told = "a line of the log each, the same as a table, a dialogue each as Argilla has it, or edits as preferences"
    labels.add_argument("--format", choices=("jsonl", "csv", "argilla", "pairs"), default="jsonl", help=told)
    labels.add_argument("--bom", action="store_true", help="begin a CSV with a byte order mark, for Excel")
    labels.add_argument("--anonymous", action="store_true", help="reviewers as numbers, by who spoke first")
    for verb in (listing, following, saying["accept"], saying["reject"], labels):
        add_filter(verb)
    for verb in (showing, following):
        add_show_flags(verb)
    for verb in (following, *saying.values()):
        add_settings(verb)
    for verb in (listing, showing, following, undoing, *saying.values()):
        verb.add_argument("--json", action="store_true", help="JSON, one object a line")
        add_reviewer(verb)
    for verb in (listing, showing, following, undoing, labels, *saying.values()):
        verb.add_argument("--db", metavar="URL", help=f"default $DATABASE_URL, else {DEFAULT_URL}")
    return parser


def add_say_flags(word: str, verb: Parser) -> None:
    """Give a verb what it needs to say a word."""
    verb.add_argument("id", metavar="ID", nargs="?", help="<run>/<position>; default the one that `next` gave you")
    verb.add_argument("--comment", metavar="TEXT", required=word == "comment", help="in your own words")
    if word == "reject":
        reasons = "a reason of the guide, again for another"
        verb.add_argument("--reason", action="append", metavar="NAME", help=reasons)
    if word in ("accept", "reject"):
        verb.add_argument("--adjudicate", action="store_true", help="settle what two others disagree on")
        verb.add_argument("--all", action="store_true", help="all of the filter; says how many, and does nothing yet")
        verb.add_argument("--expect", type=int, metavar="N", help="with --all: refuse where it is not N")
        verb.add_argument("--yes", action="store_true", help="with --all: do it without asking")
    if word in ("flag", "comment", "reject"):
        verb.add_argument("--turn", type=int, metavar="N", help="the number that `show` writes before a line")


def act(engine: Engine, flags: Namespace) -> int:
    """Do what the verb says, and return the exit code."""
    if flags.verb == "list":
        from store.shell.listing import list_dialogues

        list_dialogues(engine, flags)
        return 0
    if flags.verb == "show":
        from store.shell.sheet import show_dialogue

        show_dialogue(engine, flags.id, find_reviewer(engine, flags), flags)
        return 0
    if flags.verb == "labels":
        from store.shell.labels import save_labels

        save_labels(engine, flags)
        return 0
    from store.shell.saying import say_word, show_next, take_back

    return {"next": show_next, "undo": take_back}.get(flags.verb, say_word)(engine, flags)


def main() -> int:
    """Do what is asked."""
    flags = build_parser().parse_args()
    return act(open_db(choose_url(flags.db), create=False), flags)


if __name__ == "__main__":
    run_main(main)
