"""What a call cost: by the endpoint's own count of tokens, or by ours where it does not tell."""

from collections.abc import Sequence

from agents.answer import Answer, Usage
from agents.endpoint import Endpoint
from agents.message import Message
from agents.tokens import estimate_tokens


def price_of(endpoint: Endpoint, usage: Usage) -> float | None:
    """Return what a call cost in the endpoint's currency, or None where prices or usage are not known."""
    prices = endpoint.prices
    if prices is None or usage.prompt is None or usage.completion is None:
        return None
    cached = usage.cached or 0
    prompt = (usage.prompt - cached) * prices.input + cached * prices.cached_input
    return (prompt + usage.completion * prices.output) / 1e6


def guess_usage(thread: Sequence[Message], answer: Answer) -> Usage:
    """Return what an answer without usage will have taken, for its price; nothing where nothing was written."""
    if not answer.content and not answer.reasoning:
        return Usage()
    prompt = sum(estimate_tokens(part.content) for part in thread)
    return Usage(prompt, 0, estimate_tokens(answer.reasoning) + estimate_tokens(answer.content))
