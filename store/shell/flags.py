"""The flags of the review in a shell: the filter's keys as on the page, and who it is that speaks."""

import getpass
from argparse import ArgumentParser, Namespace

from sqlalchemy import Engine

from store.filters import READERS, Filter, read_filter
from store.review.settings import Settings
from store.reviewers import check_name, is_revoked
from taxonomy.refusal import InputError

NAMED = {"reviewer": "judged-by"}
"""Keys whose flag has another name: --reviewer says who speaks."""
HELP = {
    "rule": "with a finding of this rule",
    "reviewer": "with this person's verdict",
    "rubric": "judged by this rubric",
    "text": "with these words; two characters find Chinese ones",
    "sort": "newest, oldest, danger, disputed, score_up, score_down, random-SEED",
    "date_from": "from this day on",
    "date_to": "up to this day",
}
MOST_CRISIS = 9


def add_filter(parser: ArgumentParser) -> None:
    """Give a verb the flags of a filter."""
    group = parser.add_argument_group("filter", "the same keys as in the address of the page")
    for key in READERS:
        name = NAMED.get(key, key.replace("_", "-"))
        group.add_argument(f"--{name}", dest=f"filter_{key}", metavar="VALUE", help=HELP.get(key))


def asked_filter(flags: Namespace) -> Filter:
    """Return the filter that flags ask for; raises InputError naming what cannot be."""
    told = {key: getattr(flags, f"filter_{key}", None) for key in READERS}
    return read_filter({key: value for key, value in told.items() if value is not None})


def add_reviewer(parser: ArgumentParser) -> None:
    """Give a verb the flag that says who speaks."""
    parser.add_argument("--reviewer", metavar="NAME", help="who you are; default the name you are logged in with")


def find_reviewer(engine: Engine, flags: Namespace) -> str:
    """Return who speaks; raises InputError for what is no name, and for somebody whose token was ended."""
    if flags.reviewer is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError) as error:
            raise InputError("this machine does not know who you are; say --reviewer NAME") from error
    else:
        name = flags.reviewer
    kept = check_name(name)
    if is_revoked(engine, kept):
        raise InputError(f"reviewer {kept!r} was revoked; python -m store.review --add-reviewer lets them in again")
    return kept


def add_settings(parser: ArgumentParser) -> None:
    """Give a verb the flags that say how many people a dialogue wants."""
    ours = Settings()
    told = f"share of dialogues that two people judge; default {ours.overlap:g}"
    parser.add_argument("--overlap", type=float, default=ours.overlap, metavar="SHARE", help=told)
    told = f"people who judge one with a sign of danger; default {ours.crisis_reviewers}"
    parser.add_argument("--crisis-reviewers", type=int, default=ours.crisis_reviewers, metavar="N", help=told)


def read_settings(flags: Namespace) -> Settings:
    """Return the settings that flags ask for."""
    if not 0 <= flags.overlap <= 1:
        raise InputError(f"--overlap {flags.overlap:g}: write a share from 0 to 1")
    if not 1 <= flags.crisis_reviewers <= MOST_CRISIS:
        raise InputError(f"--crisis-reviewers {flags.crisis_reviewers}: write a number from 1 to {MOST_CRISIS}")
    return Settings(overlap=flags.overlap, crisis_reviewers=flags.crisis_reviewers)
