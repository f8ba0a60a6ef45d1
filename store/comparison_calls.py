"""Accounts for every call of a comparison: what it was made for, what it took, and what nobody told of it."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.comparisons import ANSWERING, PREFERRING, SCORING, Comparison
from store.db import explained
from store.league.figures import JUDGING
from store.tables import CallRow

Kind = Literal["answer", "score", "pair", "session", "judging", "other"]
"""An answer to a question, a score of one, two of them side by side, a session, judging it when it had ended."""
JUDGED = JUDGING.removesuffix("%")
WRITTEN: Mapping[str, Kind] = {ANSWERING: "answer", SCORING: "score", PREFERRING: "pair"}
"""What a call about a question was made for, by the beginning of its branch."""


class Purpose(NamedTuple):
    """What calls were made for; `model` is whose answers or sessions they belong to, where they belong to one."""

    kind: Kind
    model: str
    role: str


class Call(NamedTuple):
    """What is counted of a call: not its words."""

    run: int
    agent: str
    branch: str
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning_tokens: int | None
    price: float | None
    currency: str | None
    latency_ms: int
    served_model: str


class Amount(NamedTuple):
    """A sum over calls, and how many of them are not in it because nobody told theirs."""

    sum: int = 0
    untold: int = 0


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Took:
    """What some calls took; a latency is that of each call, in milliseconds."""

    calls: int = 0
    prompt_tokens: Amount = NOTHING
    completion_tokens: Amount = NOTHING
    reasoning_tokens: Amount = NOTHING
    price: Mapping[str, float] = field(default_factory=dict)
    """By currency; currencies are never added up."""
    unpriced: int = 0
    """Calls whose price is not known."""
    latencies: tuple[int, ...] = ()
    served: tuple[str, ...] = ()
    """What the endpoint answered as its model."""

    @property
    def median_latency(self) -> float | None:
        """The median latency in seconds, or None without a call."""
        return statistics.median(self.latencies) / 1000 if self.latencies else None


def read_calls(engine: Engine, comparison: Comparison) -> dict[Purpose, Took]:
    """Return what the calls took in all runs of a comparison; each call is under one purpose."""
    query = (
        select(  # type: ignore[call-overload,misc]
            CallRow.run_id,
            CallRow.agent,
            CallRow.branch,
            CallRow.prompt_tokens,
            CallRow.completion_tokens,
            CallRow.reasoning_tokens,
            CallRow.price,
            CallRow.currency,
            CallRow.latency_ms,
            CallRow.served_model,
        )
        .where(col(CallRow.run_id).in_(comparison.runs))
        .order_by(col(CallRow.run_id), col(CallRow.position), col(CallRow.number))
    )
    models = {run: model for model, run in comparison.sessions.items()}
    found: dict[Purpose, list[Call]] = defaultdict(list)
    with explained(engine), Session(engine) as db:
        for row in db.exec(query):
            call = Call(*row)
            found[find_purpose(call, models.get(call.run))].append(call)
    return {purpose: sum_calls(calls) for purpose, calls in found.items()}


def find_purpose(call: Call, model: str | None) -> Purpose:
    """Return what a call was made for; `model` has the sessions in whose run it stands, None for the questions' run."""
    if model is not None:
        return Purpose("judging" if call.branch.startswith(JUDGED) else "session", model, call.agent)
    for start, kind in WRITTEN.items():
        if call.branch.startswith(start):
            return Purpose(kind, call.branch.removeprefix(start) if kind == "answer" else "", call.agent)
    return Purpose("other", "", call.agent)


def sum_calls(calls: Iterable[Call]) -> Took:
    """Return what calls took."""
    listed = list(calls)
    price: Counter[str] = Counter()
    for call in listed:
        if call.price is not None and call.currency is not None:
            price[call.currency] += call.price  # type: ignore[assignment]
    return Took(
        calls=len(listed),
        prompt_tokens=sum_amount(call.prompt_tokens for call in listed),
        completion_tokens=sum_amount(call.completion_tokens for call in listed),
        reasoning_tokens=sum_amount(call.reasoning_tokens for call in listed),
        price=dict(price),
        unpriced=sum(call.price is None for call in listed),
        latencies=tuple(call.latency_ms for call in listed),
        served=tuple(sorted({call.served_model for call in listed if call.served_model})),
    )


def sum_amount(told: Iterable[int | None]) -> Amount:
    """Return the sum of what was told."""
    listed = list(told)
    return Amount(sum(each for each in listed if each is not None), listed.count(None))


def add_up(parts: Iterable[Took]) -> Took:
    """Return what calls of several purposes took together."""
    listed = list(parts)
    price: Counter[str] = Counter()
    for part in listed:
        for currency, amount in part.price.items():
            price[currency] += amount  # type: ignore[assignment]
    return Took(
        calls=sum(part.calls for part in listed),
        prompt_tokens=add_amounts(part.prompt_tokens for part in listed),
        completion_tokens=add_amounts(part.completion_tokens for part in listed),
        reasoning_tokens=add_amounts(part.reasoning_tokens for part in listed),
        price=dict(price),
        unpriced=sum(part.unpriced for part in listed),
        latencies=tuple(latency for part in listed for latency in part.latencies),
        served=tuple(sorted({name for part in listed for name in part.served})),
    )


def add_amounts(amounts: Iterable[Amount]) -> Amount:
    """Return a sum of sums."""
    listed = list(amounts)
    return Amount(sum(each.sum for each in listed), sum(each.untold for each in listed))
