"""How far people agree with each other on what they judged twice: on accept or reject, and on each reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import orjson
from sqlalchemy import Connection, Engine, text

from store.db import explained
from store.kappa import Kappa, measure_alpha, measure_kappa

LINES = text(
    "SELECT r.id, r.dialogue_id, r.reviewer, r.verdict, r.is_adjudication, r.reasons, r.undoes, r.way FROM reviews r"
    " WHERE r.verdict IN ('accept', 'reject', 'edit', 'undo') AND r.dialogue_id IN"
    " (SELECT dialogue_id FROM cards WHERE given > 1) ORDER BY r.id"
)
YES, NO = "named", "not"


@dataclass(frozen=True, slots=True)
class Rating:
    """The first verdict of somebody on a dialogue as it reads, with its reasons."""

    dialogue_id: str
    reviewer: str
    word: str
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far everybody agrees on something (Krippendorff), and each two who share dialogues (Cohen)."""

    on: str
    """`verdict`, or the id of a reason."""
    named: int
    """Ratings that say reject, or name the reason."""
    alpha: Kappa
    pairs: Mapping[str, Kappa]
    """By "first & second", in the order of their names."""


def read_people(engine: Engine) -> list[Agreed]:
    """Return how far people agree on verdicts, and then on each reason that anybody named, the most named first."""
    with explained(engine), engine.connect() as db:
        ratings = read_ratings(db)
    if not ratings:
        return []
    named = Counter(reason for rating in ratings for reason in rating.reasons)
    verdicts = measure("verdict", [(one, one.word) for one in ratings], "reject")
    reasons = [
        measure(reason, [(one, YES if reason in one.reasons else NO) for one in ratings], YES)
        for reason, _ in sorted(named.items(), key=lambda item: (-item[1], item[0]))
    ]
    return [verdicts, *reasons]


def read_ratings(db: Connection) -> list[Rating]:
    """Return the ratings of dialogues that two or more people judged by reading, each without knowing of the others.

    So the first verdict of each counts that they did not take back: a later one may come from having seen the others'.
    What was said before an edit is about another text; an adjudication and a bulk verdict are no independent reading.
    """
    rows = db.execute(LINES).all()
    undone = {row.undoes for row in rows}
    found: dict[str, dict[str, Rating]] = {}
    for row in rows:
        if row.verdict == "undo" or row.id in undone:
            continue
        if row.verdict == "edit":
            found.pop(row.dialogue_id, None)
        elif not row.is_adjudication and row.way != "bulk":
            reasons = frozenset(orjson.loads(row.reasons)) if row.reasons else frozenset[str]()
            rating = Rating(row.dialogue_id, row.reviewer, row.verdict, reasons)
            found.setdefault(row.dialogue_id, {}).setdefault(row.reviewer, rating)
    return [rating for ratings in found.values() if len(ratings) > 1 for rating in ratings.values()]


def measure(on: str, named: Sequence[tuple[Rating, str]], counted: str) -> Agreed:
    """Return how far people agree on the names they gave."""
    units: dict[str, dict[str, str]] = {}
    for rating, name in named:
        units.setdefault(rating.dialogue_id, {})[rating.reviewer] = name
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for unit in units.values():
        for first, second in combinations(sorted(unit), 2):
            pairs.setdefault((first, second), []).append((unit[first], unit[second]))
    return Agreed(
        on=on,
        named=sum(name == counted for _, name in named),
        alpha=measure_alpha([Counter(unit.values()) for unit in units.values()]),
        pairs={f"{first} & {second}": measure_kappa(shared) for (first, second), shared in sorted(pairs.items())},
    )


def list_lines(people: Sequence[Agreed]) -> list[str]:
    """Return the figures as lines of text."""
    if not people:
        return ["no dialogue was judged by two people on their own; the queue gives out a share of them twice"]
    lines = ["how people agree with each other (Krippendorff's alpha; of two people Cohen's kappa)"]
    for one in people:
        lines.append(f"{one.on:<24}{one.alpha}; {one.named} times {'reject' if one.on == 'verdict' else 'named'}")
        if one.on == "verdict":
            lines += [f"    {names:<40}{kappa}" for names, kappa in one.pairs.items()]
    return lines
