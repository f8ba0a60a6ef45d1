"""Reads what the calls and the sessions of a comparison came to, model by model, in one reading of the database."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.comparisons import ANSWERING, Comparison
from store.db import explained
from store.league.figures import BY_ORDER, JUDGING, read_costs, read_models
from store.league.scores import Scale, read_talks
from store.report.figures import Cost, RuleCount
from store.report.judged import count_utterances, read_rules
from store.tables import CallRow, DialogueRow, RunRow


@dataclass(frozen=True, slots=True)
class Took:
    """What some calls of one model took; a latency is that of each call, in milliseconds."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    untold: int = 0
    """Calls whose endpoint did not tell its tokens."""
    price: Mapping[str, float] = field(default_factory=dict)
    unpriced: int = 0
    latencies: tuple[int, ...] = ()
    served: tuple[str, ...] = ()
    """What the endpoint answered as its model."""

    @property
    def median_latency(self) -> float | None:
        """The median latency in seconds, or None without a call."""
        return statistics.median(self.latencies) / 1000 if self.latencies else None


@dataclass(frozen=True, slots=True)
class Sat:
    """One model's sessions; `scores` holds each talk's verdicts by rubric and place in the plan, [] is unscored."""

    run: int
    count: int
    ended: dict[int, str]
    """The outcome of each session that has ended, by place in the plan."""
    lines: int
    """Counselor lines in the sessions that are done."""
    rules: list[RuleCount]
    costs: list[Cost]
    models: dict[str, list[str]]
    took: Took
    """What the counselor's own calls took."""
    scores: dict[str, dict[int, list[dict[str, float]]]]
    failures: dict[int, str]
    """Why sessions failed, by place in the plan."""

    @property
    def outcomes(self) -> dict[str, int]:
        """How many sessions ended in each way."""
        return dict(Counter(self.ended.values()))


def read_took(db: Session, run: int, branch: str | None, agent: str = "counselor") -> Took:
    """Return what calls of a role took in a run, of one branch where it is named, without later judging."""
    query = select(CallRow).where(CallRow.run_id == run, CallRow.agent == agent, ~col(CallRow.branch).like(JUDGING))
    if branch is not None:
        query = query.where(CallRow.branch == branch)
    calls = db.exec(query.order_by(col(CallRow.position), col(CallRow.number))).all()
    price: Counter[str] = Counter()
    for call in calls:
        if call.price is not None and call.currency is not None:
            price[call.currency] += call.price  # type: ignore[assignment]
    return Took(
        calls=len(calls),
        prompt_tokens=sum(call.prompt_tokens or 0 for call in calls),
        completion_tokens=sum(call.completion_tokens or 0 for call in calls),
        reasoning_tokens=sum(call.reasoning_tokens or 0 for call in calls),
        untold=sum(call.prompt_tokens is None for call in calls),
        price=dict(price),
        unpriced=sum(call.price is None for call in calls),
        latencies=tuple(call.latency_ms for call in calls),
        served=tuple(sorted({call.served_model for call in calls if call.served_model})),
    )


def read_answering(engine: Engine, comparison: Comparison, models: Sequence[str]) -> dict[str, Took]:
    """Return what answering the questions took, by model."""
    with explained(engine), Session(engine) as db:
        return {model: read_took(db, comparison.run, ANSWERING + model) for model in models}


def read_judging(engine: Engine, comparison: Comparison) -> Took:
    """Return what all judging took: of the answers, and of the sessions when they had ended."""
    with explained(engine), Session(engine) as db:
        own = read_took(db, comparison.run, None, "critic")
        later = read_costs(db, list(comparison.sessions.values()), is_judging=True) if comparison.sessions else []
    price = Counter(own.price)
    for cost in later:
        if cost.unpriced < cost.calls:
            price[cost.currency] += cost.price  # type: ignore[assignment]
    return Took(
        calls=own.calls + sum(cost.calls for cost in later),
        prompt_tokens=own.prompt_tokens + sum(cost.prompt_tokens for cost in later),
        completion_tokens=own.completion_tokens + sum(cost.completion_tokens for cost in later),
        price=dict(price),
        unpriced=own.unpriced + sum(cost.unpriced for cost in later),
        served=own.served,
    )


def read_sat(engine: Engine, run: int, scales: Sequence[Scale], judge: str) -> Sat:
    """Return what came of one model's sessions; a near copy is left out, for whoever plays later meets the most."""
    done = [col(DialogueRow.run_id) == run, col(DialogueRow.outcome) == "done"]
    ended = select(DialogueRow.position, DialogueRow.outcome).where(DialogueRow.run_id == run)
    failed = select(DialogueRow.position, DialogueRow.reason).where(
        DialogueRow.run_id == run, DialogueRow.outcome == "failed"
    )
    with explained(engine), Session(engine) as db:
        rules = [rule for rule in read_rules(db, done) if rule.speaker == "counselor" and rule.rule != BY_ORDER]
        return Sat(
            run=run,
            count=db.exec(select(RunRow.count).where(RunRow.id == run)).one(),
            ended=dict(db.exec(ended.order_by(col(DialogueRow.position))).all()),
            lines=count_utterances(db, done).get("counselor", 0),
            rules=rules,
            costs=read_costs(db, [run]),
            models=read_models(db, run),
            took=read_took(db, run, None),
            scores={
                scale.rubric: {int(id.rpartition("/")[2]): given for id, given in read_talks(db, done, scale, judge)}
                for scale in scales
            },
            failures={position: reason or "" for position, reason in db.exec(failed)},
        )


def list_prompt_ids(engine: Engine, comparison: Comparison) -> dict[str, str]:
    """Return the hashes of the prompts that led a call of the comparison, by id and language."""
    query = select(CallRow.prompt_hash).where(col(CallRow.run_id).in_(comparison.runs)).distinct()
    with explained(engine), Session(engine) as db:
        used = {bytes(each).hex() for each in db.exec(query)}
    return {id: told for id, told in sorted(comparison.prompts.items()) if told in used}


def list_served(engine: Engine, comparison: Comparison) -> dict[str, list[str]]:
    """Return the models that the endpoints named as their own, by role, over all calls."""
    query = (
        select(CallRow.agent, CallRow.served_model)
        .where(col(CallRow.run_id).in_(comparison.runs))
        .distinct()
        .order_by(CallRow.agent, CallRow.served_model)
    )
    served: dict[str, list[str]] = {}
    with explained(engine), Session(engine) as db:
        for agent, model in db.exec(query):
            served.setdefault(agent, []).append(model)
    return served
