"""Counts a run's calls, tokens and cost by role while it goes, and how much of each prompt was sent before."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.answer import Answer
from agents.message import Message
from agents.tokens import PrefixMeter


@dataclass(slots=True)
class RoleCount:
    """Sums over one role's calls; tokens are estimates of ours except where `told_*` says the endpoint's own."""

    calls: int = 0
    prompt: int = 0
    repeated: int = 0
    completion: int = 0
    reasoning: int = 0
    told_prompt: int = 0
    told_cached: int = 0


@dataclass(slots=True)
class Tally:
    """The sums of one run in one process; calls answered from the ledger are not in it."""

    roles: defaultdict[str, RoleCount] = field(default_factory=lambda: defaultdict(RoleCount))
    cost: Counter[str] = field(default_factory=Counter)
    meter: PrefixMeter = field(default_factory=PrefixMeter)

    def add(
        self,
        role: str,
        model: str,
        thread: Sequence[Message],
        answer: Answer,
        price: float | None,
        currency: str | None,
    ) -> None:
        """Count one answered call."""
        count = self.roles[role]
        prompt, repeated = self.meter.add(model, thread)
        count.calls += 1
        count.prompt += prompt
        count.repeated += repeated
        usage = answer.usage
        count.completion += usage.completion or 0
        count.reasoning += usage.reasoning or 0
        if usage.prompt is not None and usage.cached is not None:
            count.told_prompt += usage.prompt
            count.told_cached += usage.cached
        if price is not None and currency is not None:
            self.cost[currency] += price  # type: ignore[assignment]

    @property
    def calls(self) -> int:
        """All calls answered."""
        return sum(count.calls for count in self.roles.values())

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens of all calls."""
        return sum(count.prompt + count.completion for count in self.roles.values())

    def share_repeated(self) -> float:
        """Return the share of prompt tokens that repeat, from the start, an earlier request to the same model."""
        prompt = sum(count.prompt for count in self.roles.values())
        return sum(count.repeated for count in self.roles.values()) / prompt if prompt else 0.0

    def share_told(self) -> float | None:
        """Return the cached share by the endpoint's own usage, or None where it does not tell."""
        prompt = sum(count.told_prompt for count in self.roles.values())
        if not prompt:
            return None
        return sum(count.told_cached for count in self.roles.values()) / prompt
