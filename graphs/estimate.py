"""Estimates a run before it is paid for: calls, tokens and cost by role, from the plan and the prompts' own lengths."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.cast import Role
from agents.endpoint import Endpoint
from agents.prompt import load_prompt
from agents.tokens import estimate_tokens
from agents.transcript import Language
from graphs.recipe import Recipe
from taxonomy.plan import SessionPlan

EXCHANGE = {"zh": 50, "en": 60}
"""Tokens that one exchange adds to a thread: the medians of both speakers, with their labels."""
TAIL = 150
"""Tokens of profile, whispers and questions in a request, on average."""
WRITTEN = {
    "intake": 500,
    "client": 30,
    "counselor": 40,
    "inner_voice": 120,
    "stage": 60,
    "memory": 150,
    "risk": 60,
    "critic": 200,
    "planner": 300,
    "adviser": 80,
    "writer": 1_500,
    "editor": 120,
    "assessor": 400,
}
"""Tokens of an answer by role."""
REASONING = 600
"""Tokens a reasoning model thinks before an answer; R1 writes 300-1,000 on a counselling turn."""


@dataclass(slots=True)
class Estimate:
    """Calls and tokens by role, cost by currency; `unpriced` names endpoints whose prices are not known."""

    sessions: int = 0
    calls: defaultdict[Role, float] = field(default_factory=lambda: defaultdict(float))
    prompt: defaultdict[Role, float] = field(default_factory=lambda: defaultdict(float))
    completion: defaultdict[Role, float] = field(default_factory=lambda: defaultdict(float))
    cost: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    unpriced: set[str] = field(default_factory=set)

    def scale(self, sessions: int) -> "Estimate":
        """Return the same for another number of sessions."""
        factor = sessions / max(self.sessions, 1)
        scaled = Estimate(sessions, unpriced=self.unpriced)
        pairs = ((self.calls, scaled.calls), (self.prompt, scaled.prompt), (self.completion, scaled.completion))
        for mine, theirs in pairs:
            theirs.update({role: amount * factor for role, amount in mine.items()})
        scaled.cost.update({currency: amount * factor for currency, amount in self.cost.items()})
        return scaled


def estimate_run(
    recipe: Recipe,
    switches: Any,
    plans: Iterable[SessionPlan],
    endpoints: Mapping[Role, Endpoint],
    language: Language,
) -> Estimate:
    """Sum what the plans will take; prices as if no prompt token came from a cache, so that it errs upwards."""
    total = Estimate()
    heads = {role: estimate_tokens(load_prompt(head, language).text) for role, head in recipe.heads.items()}
    for plan in plans:
        total.sessions += 1
        for role, calls in recipe.estimate(plan, switches).items():
            if role not in endpoints:
                continue
            thread = 0 if role == "intake" else EXCHANGE[language] * plan.exchanges / 2
            total.calls[role] += calls
            total.prompt[role] += calls * (heads[role] + TAIL + thread)
            thought = REASONING if endpoints[role].reasoning != "none" else 0
            total.completion[role] += calls * (WRITTEN[role] + thought)
    for role in total.calls:
        endpoint = endpoints[role]
        if endpoint.rehearsal and endpoint.prices is None:
            continue
        if endpoint.prices is None:
            total.unpriced.add(endpoint.name)
            continue
        prices = endpoint.prices
        spent = total.prompt[role] * prices.input + total.completion[role] * prices.output
        total.cost[endpoint.currency or ""] += spent / 1e6
    return total
