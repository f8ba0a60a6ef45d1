"""What a run may spend: calls and money, counted over all of its parts; nothing is sent once it is used up."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agents.endpoint import IN_PROCESS, Endpoint
from agents.tally import Tally
from taxonomy.refusal import InputError

COST = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(CNY|USD)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of money."""

    amount: float
    currency: str

    def __str__(self) -> str:
        return f"{self.amount:g} {self.currency}"


@dataclass(slots=True)
class Budget:
    """The limits of a run, what its earlier parts spent, and the tally of this one."""

    tally: Tally
    most_calls: int | None = None
    most_cost: Cost | None = None
    calls_before: int = 0
    cost_before: float = 0.0

    def find_end(self) -> str | None:
        """Return which limit is reached, in words, or None."""
        calls = self.calls_before + self.tally.calls
        if self.most_calls is not None and calls >= self.most_calls:
            return f"{calls} calls of --max-calls {self.most_calls}"
        if self.most_cost is not None:
            spent = self.cost_before + self.tally.cost[self.most_cost.currency]
            if spent >= self.most_cost.amount:
                return f"{spent:.4g} of --max-cost {self.most_cost}"
        return None


def read_cost(text: str) -> Cost:
    """Return the amount that a text such as 5CNY names; raises ValueError where it names none."""
    match = COST.fullmatch(text)
    if match is None or not float(match[1]):
        raise ValueError("write an amount with its currency, such as 5CNY or 0.80USD")
    return Cost(float(match[1]), match[2].upper())


def check_prices(cost: Cost, endpoints: Iterable[Endpoint]) -> None:
    """Raise InputError where what an endpoint spends cannot be held against the limit."""
    for endpoint in endpoints:
        if endpoint.base_url == IN_PROCESS:
            continue
        if endpoint.prices is None:
            raise InputError(f"--max-cost {cost}: {endpoint.name} has no prices; add them to its endpoint file")
        if endpoint.currency != cost.currency:
            raise InputError(f"--max-cost {cost}: {endpoint.name} is priced in {endpoint.currency}")
