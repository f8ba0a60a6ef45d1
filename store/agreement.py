"""Compares rules, rubrics, policies and people with people's verdicts: `python -m store.stats --agreement`."""

import json
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Literal

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store import raters
from store.cards import refresh_cards
from store.db import explained
from store.intervals import Rank, Share, measure_rank, measure_share
from store.shell.terminal import show_text
from store.tables import AttemptRow, DecisionRow, DialogueRow, FindingRow, VerdictRow

Word = Literal["accept", "reject"]
WORDS: tuple[Word, ...] = ("accept", "reject")
CHOICES = ("accept", "reject", "person")
ANSWERS = (0.0, 1.0)
NOTHING = "no dialogue has a person's verdict yet; accept some and reject some, then ask again"
REVIEWED = select(DialogueRow.id).where(col(DialogueRow.people).is_not(None))


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """A rule: of the dialogues it fired on those that people rejected, and how much of what they rejected that is."""

    rule: str
    version: int
    severity: str
    precision: Share
    recall: Share


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """A rubric's item as one model judges it; `answers` holds, by yes/no score, what people rejected of such dialogues.

    Every dialogue counts once: with the mean over its lines that stand and over repeats, and in `answers` with any of
    these.
    """

    rubric: str
    version: int
    model: str
    item: str
    accepted_above_rejected: Rank | None
    answers: dict[str, Share]


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """A policy: how many dialogues by people's word and its own choice, and how many of its choices they share."""

    policy: str
    version: int
    table: dict[Word, dict[str, int]]
    accepts: Share
    rejects: Share


@dataclass(frozen=True, slots=True)
class Unscored:
    """How many verdicts of a rubric and model could not be read."""

    rubric: str
    version: int
    model: str
    verdicts: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """All figures; `disputed` are the dialogues on which people disagree, which count nowhere else."""

    accepted: int
    rejected: int
    disputed: int
    rehearsal: int
    rules: list[RuleFigures]
    items: list[ItemFigures]
    unscored: list[Unscored]
    policies: list[PolicyFigures]


class Standing:
    """Which lines of the reviewed dialogues stand: an attempt that was not chosen says nothing about a dialogue."""

    def __init__(self, db: Session) -> None:
        self._chosen: dict[str, set[tuple[int, int]]] = defaultdict(set)
        query = select(AttemptRow).where(col(AttemptRow.dialogue_id).in_(REVIEWED))
        for row in db.exec(query):
            chosen = self._chosen[row.dialogue_id]
            if row.is_chosen:
                chosen.add((row.exchange, row.attempt))

    def has(self, row: FindingRow | VerdictRow) -> bool:
        """Whether a row is about the session, a client's line, or the counselor's words as they stand."""
        is_of_client = isinstance(row, FindingRow) and row.speaker == "client"
        if row.exchange == 0 or is_of_client or row.dialogue_id not in self._chosen:
            return True
        return (row.exchange, row.attempt) in self._chosen[row.dialogue_id]


def read_agreement(engine: Engine) -> Agreement:
    """Return how rules, rubrics and policies stand to what people said."""
    with explained(engine), Session(engine) as db:
        said = read_words(db)
        words: dict[str, Word] = {id: word for id, word in said.items() if word is not None}
        standing = Standing(db)
        rehearsal = select(DialogueRow.id).where(DialogueRow.is_rehearsal, col(DialogueRow.id).in_(REVIEWED))
        items, unscored = measure_items(db, words, standing)
        return Agreement(
            accepted=list(words.values()).count("accept"),
            rejected=list(words.values()).count("reject"),
            disputed=len(said) - len(words),
            rehearsal=sum(id in words for id in db.exec(rehearsal)),
            rules=measure_rules(db, words, standing),
            items=items,
            unscored=unscored,
            policies=measure_policies(db, words),
        )


def read_words(db: Session) -> dict[str, Word | None]:
    """Return what people say of each dialogue they judged; None where they disagree. One accept of two is an accept."""
    named: dict[str, Word | None] = {"accept": "accept", "pending": "accept", "reject": "reject", "disputed": None}
    query = select(DialogueRow.id, DialogueRow.people).where(col(DialogueRow.people).is_not(None))
    return {id: named[people or "disputed"] for id, people in db.exec(query)}


def count_rejected(ids: Iterable[str], words: Mapping[str, Word]) -> Share:
    """Return how many of the dialogues people rejected."""
    said = [words[id] for id in ids]
    return measure_share(said.count("reject"), len(said))


def measure_rules(db: Session, words: Mapping[str, Word], standing: Standing) -> list[RuleFigures]:
    """Return the figures of each rule that fired on a dialogue with people's word."""
    fired: dict[tuple[str, int, str], set[str]] = defaultdict(set)
    for row in db.exec(select(FindingRow).where(col(FindingRow.dialogue_id).in_(REVIEWED))):
        if row.dialogue_id in words and standing.has(row):
            fired[row.rule, row.version, row.severity].add(row.dialogue_id)
    rejected = sum(word == "reject" for word in words.values())
    figures = []
    for (rule, version, severity), ids in sorted(fired.items()):
        precision = count_rejected(ids, words)
        figures.append(RuleFigures(rule, version, severity, precision, measure_share(precision.hits, rejected)))
    return figures


def measure_items(
    db: Session, words: Mapping[str, Word], standing: Standing
) -> tuple[list[ItemFigures], list[Unscored]]:
    """Return the figures of each item of each rubric and model, and how many verdicts could not be read."""
    scored: dict[tuple[str, int, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    unscored: dict[tuple[str, int, str], int] = defaultdict(int)
    on_lines = select(VerdictRow).where(col(VerdictRow.dialogue_id).in_(REVIEWED), col(VerdictRow.about) == "line")
    for row in db.exec(on_lines):
        if row.dialogue_id not in words or not standing.has(row):
            continue
        judge = (row.rubric, row.version, name_model(row.model))
        if row.scores is None:
            unscored[judge] += 1
            continue
        for item, score in json.loads(row.scores).items():
            scored[*judge, item][row.dialogue_id].append(float(score))
    items = [measure_item(*key, scores, words) for key, scores in sorted(scored.items())]
    return items, [Unscored(*judge, count) for judge, count in sorted(unscored.items())]


def name_model(model: str | None) -> str:
    """Return a model's name on one line: an endpoint may answer with any."""
    return " ".join(show_text(model or "unnamed model").split())


def measure_item(
    rubric: str, version: int, model: str, item: str, scores: Mapping[str, list[float]], words: Mapping[str, Word]
) -> ItemFigures:
    """Return one item's figures; which answer is the fault is not assumed, as a flow has faults of both kinds."""
    means: dict[Word, list[float]] = {word: [] for word in WORDS}
    for id, given in scores.items():
        means[words[id]].append(fmean(given))
    answers = {}
    if all(score in ANSWERS for given in scores.values() for score in given):
        for answer in ANSWERS:
            answers[f"{answer:g}"] = count_rejected([id for id, given in scores.items() if answer in given], words)
    return ItemFigures(rubric, version, model, item, measure_rank(means["accept"], means["reject"]), answers)


def measure_policies(db: Session, words: Mapping[str, Word]) -> list[PolicyFigures]:
    """Return each policy's newest decisions beside people's word."""
    newest: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    query = select(DecisionRow).where(col(DecisionRow.dialogue_id).in_(REVIEWED)).order_by(col(DecisionRow.id))
    for row in db.exec(query):
        if row.dialogue_id in words:
            newest[row.policy, row.version][row.dialogue_id] = row.choice
    figures = []
    for (policy, version), choices in sorted(newest.items()):
        table: dict[Word, dict[str, int]] = {word: dict.fromkeys(CHOICES, 0) for word in WORDS}
        for id, choice in choices.items():
            table[words[id]][choice] += 1
        agreed = [measure_share(table[word][word], table["accept"][word] + table["reject"][word]) for word in WORDS]
        figures.append(PolicyFigures(policy, version, table, *agreed))
    return figures


def print_agreement(engine: Engine, flags: Namespace) -> None:
    """Print the figures as tables, or with `flags.json` as one JSON object."""
    refresh_cards(engine)
    figures, people = read_agreement(engine), raters.read_people(engine)
    if flags.json:
        print(json.dumps(asdict(figures) | {"people": [asdict(one) for one in people]}, ensure_ascii=False))
        return
    if not figures.accepted + figures.rejected:
        print(NOTHING if not figures.disputed else f"people disagree on all {figures.disputed} dialogues they judged")
        return
    print("\n".join([*list_lines(figures), "", *raters.list_lines(people)]))


def list_lines(figures: Agreement) -> list[str]:
    """Return the tables, every share with its 95 % interval and the numbers behind it."""
    lines = [
        f"people's verdict on {figures.accepted + figures.rejected} dialogues: {figures.accepted} accepted,"
        f" {figures.rejected} rejected ({figures.rehearsal} are rehearsal); {figures.disputed} more are disputed",
        "brackets hold 95 % intervals; they speak for what people chose to review, not for all dialogues",
        "",
        f"{'rule':<28}{'severity':<10}{'of those it fires on, rejected':<34}of the rejected, found",
    ]
    for rule in figures.rules:
        name = f"{rule.rule} v{rule.version}"
        lines.append(f"{name:<28}{rule.severity:<10}{rule.precision!s:<34}{rule.recall}")
    lines += ["", "how often an accepted dialogue is scored above a rejected one (0.50 says nothing)"]
    for item in figures.items:
        rank = item.accepted_above_rejected or "only one of accepted and rejected was judged"
        lines.append(f"{item.rubric} v{item.version} by {item.model}, {item.item}: {rank}")
        lines += [f"    scored {answer}: rejected {share}" for answer, share in item.answers.items()]
    for row in figures.unscored:
        lines.append(f"{row.rubric} v{row.version} by {row.model}: {row.verdicts} verdicts unscored and left out")
    for policy in figures.policies:
        lines += ["", f"{f'policy {policy.policy} v{policy.version}':<28}" + "".join(f"{c:>10}" for c in CHOICES)]
        for word in WORDS:
            lines.append(f"{f'people {word}':<28}" + "".join(f"{policy.table[word][c]:>10}" for c in CHOICES))
        lines.append(f"people share its accepts: {policy.accepts}; its rejects: {policy.rejects}")
    return lines
