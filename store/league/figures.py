"""Gathers the figures of a league in one reading: for each recipe what it came to, took, said and scored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Engine, case
from sqlmodel import Session, col, func, select

from store.db import explained
from store.league.entries import League
from store.league.scores import RubricScores, Scale, read_scores
from store.league.talk import Talk, compare_talk
from store.report.figures import Cost, RuleCount
from store.report.gather import NONE, sum_up_cost
from store.report.judged import count_utterances, read_rules
from store.report.speech import Lines
from store.report.spoken import read_lines
from store.tables import CallRow, DialogueRow, SeedRow

BY_ORDER = "near_copy"
"""A finding that depends on what was stored before: whoever plays last meets the most. Copies are counted anew."""
JUDGING = "judge/%"
"""Branches of calls that judged a session after it had ended."""


@dataclass(frozen=True, slots=True)
class Played:
    """One recipe: sessions by outcome and those left, what its calls took, its models by role, findings and scores."""

    recipe: str
    run: int | None
    outcomes: dict[str, int] = field(default_factory=dict)
    left: int = 0
    costs: list[Cost] = field(default_factory=list)
    models: dict[str, list[str]] = field(default_factory=dict)
    lines: int = 0
    """Counselor lines in the sessions that are done."""
    rules: list[RuleCount] = field(default_factory=list)
    scores: list[RubricScores] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        """Return how many sessions had this outcome."""
        return self.outcomes.get(outcome, 0)

    def rate(self, severity: str) -> float | None:
        """Return the findings of a severity per 100 counselor lines."""
        found = sum(rule.findings for rule in self.rules if rule.severity == severity)
        return 100 * found / self.lines if self.lines else None


class SeedPlayed(NamedTuple):
    """A seed, and what became of it by recipe: the outcome and the dialogue's id."""

    position: int
    words: str
    ended: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Standings:
    """All figures of a league; `judging` is what judging all of it took, `judge` the model that judged."""

    league: League
    judge: str
    played: list[Played]
    judging: list[Cost]
    talks: list[Talk]
    seeds: list[SeedPlayed]
    rehearsed: list[str]
    """The rehearsal's endpoints, of those that wrote or judged."""
    is_all_rehearsed: bool

    @property
    def is_whole(self) -> bool:
        """Whether every recipe has played all its sessions."""
        return all(each.run is not None and not each.left for each in self.played)

    @property
    def is_judged(self) -> bool:
        """Whether every session that is done has its verdicts."""
        return all(
            scored.judged + scored.unscored == each.count("done") for each in self.played for scored in each.scores
        )


def gather(
    engine: Engine,
    league: League,
    scales: Sequence[Scale],
    judge: str,
    *,
    rehearsed: Sequence[str],
    is_all_rehearsed: bool,
) -> Standings:
    """Return the figures of a league as it stands."""
    with explained(engine), Session(engine) as db:
        played = [read_recipe(db, league, recipe, scales, judge) for recipe in league.recipes]
        judging = read_costs(db, league.runs, is_judging=True)
        talks = read_talks(db, {each.recipe: each.run for each in played if each.run is not None})
        seeds = read_seeds(db, league)
    return Standings(league, judge, played, judging, talks, seeds, list(rehearsed), is_all_rehearsed)


def read_recipe(db: Session, league: League, recipe: str, scales: Sequence[Scale], judge: str) -> Played:
    """Return the figures of one recipe; what is said of its text is about the sessions that are done."""
    if recipe not in league.entries:
        return Played(recipe, None, left=league.count)
    run = league.entries[recipe].run
    done = [col(DialogueRow.run_id) == run, col(DialogueRow.outcome) == "done"]
    query = select(DialogueRow.outcome, func.count()).where(DialogueRow.run_id == run).group_by(DialogueRow.outcome)
    outcomes = Counter(dict(db.exec(query).all()))
    rules = [rule for rule in read_rules(db, done) if rule.speaker == "counselor" and rule.rule != BY_ORDER]
    return Played(
        recipe,
        run,
        dict(outcomes),
        league.count - outcomes.total(),
        read_costs(db, [run]),
        read_models(db, run),
        count_utterances(db, done).get("counselor", 0),
        rules,
        read_scores(db, done, scales, judge),
    )


def read_costs(db: Session, runs: Sequence[int], *, is_judging: bool = False) -> list[Cost]:
    """Return what calls took by currency: those of the sessions, or those that judged them afterwards."""
    told = col(CallRow.cached_tokens).is_not(None)
    judged = col(CallRow.branch).like(JUDGING)
    query = (
        select(  # type: ignore[call-overload]
            CallRow.currency,
            func.count(),
            func.count() - func.count(col(CallRow.price)),
            func.coalesce(func.sum(CallRow.price), 0.0),
            func.coalesce(func.sum(CallRow.prompt_tokens), 0),
            func.coalesce(func.sum(CallRow.completion_tokens), 0),
            func.coalesce(func.sum(case((told, CallRow.prompt_tokens), else_=0)), 0),
            func.coalesce(func.sum(CallRow.cached_tokens), 0),
        )
        .where(col(CallRow.run_id).in_(runs), judged if is_judging else ~judged)
        .group_by(CallRow.currency)
        .order_by(CallRow.currency)
    )
    purpose = "judging" if is_judging else "sessions"
    return [sum_up_cost(purpose, currency or NONE, list(sums)) for currency, *sums in db.exec(query)]


def read_models(db: Session, run: int) -> dict[str, list[str]]:
    """Return the models that answered in a run's own sessions, by role."""
    query = (
        select(CallRow.agent, CallRow.served_model)
        .where(CallRow.run_id == run, ~col(CallRow.branch).like(JUDGING))
        .distinct()
        .order_by(CallRow.agent, CallRow.served_model)
    )
    models: dict[str, list[str]] = {}
    for agent, model in db.exec(query):
        models.setdefault(agent, []).append(model)
    return models


def read_talks(db: Session, runs: Mapping[str, int]) -> list[Talk]:
    """Return what is said in each language in the sessions that are done."""
    said: dict[str, dict[str, list[Lines]]] = {}
    for recipe, run in runs.items():
        query = (
            select(DialogueRow.id, DialogueRow.language)
            .where(DialogueRow.run_id == run, DialogueRow.outcome == "done", DialogueRow.exchanges > 0)
            .order_by(col(DialogueRow.position))
        )
        ids: dict[str, list[str]] = {}
        for dialogue_id, language in db.exec(query):
            ids.setdefault(language, []).append(dialogue_id)
        for language, listed in ids.items():
            said.setdefault(language, {})[recipe] = list(read_lines(db, listed))
    return [compare_talk(language, said[language]) for language in sorted(said, reverse=True)]


def read_seeds(db: Session, league: League) -> list[SeedPlayed]:
    """Return the seeds that were played, by their place in the plan, with what became of them."""
    query = (
        select(DialogueRow, SeedRow)
        .join(SeedRow, col(SeedRow.id) == col(DialogueRow.seed_id))
        .where(col(DialogueRow.run_id).in_(league.runs))
        .order_by(col(DialogueRow.position), col(DialogueRow.run_id))
    )
    seeds: dict[int, SeedPlayed] = {}
    for row, seed in db.exec(query):
        words = seed.text if seed.text is not None else f"{seed.emotion} × {seed.scene}"
        seeds.setdefault(row.position, SeedPlayed(row.position, words, {})).ended[row.recipe] = (row.outcome, row.id)
    return list(seeds.values())
