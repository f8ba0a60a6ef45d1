"""What the counselor remembers in structure, drawn only from the transcript."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from agents.cast import Cast
from agents.prompt import load_prompt
from agents.transcript import Utterance, label_utterances

RENEW_EVERY = 3
"""Exchanges between two renewals: often enough to hold what was said, seldom enough not to pay for it every turn."""


class Memory(BaseModel):
    """Facts, feeling, goals and open ends, in the client's own words."""

    model_config = ConfigDict(extra="forbid")

    facts: list[str]
    affect: str
    goals: list[str]
    open_ends: list[str]


def is_renewal_due(exchange: int) -> bool:
    """Tell whether memory is renewed in this exchange (counted from 1)."""
    return exchange > 1 and exchange % RENEW_EVERY == 1


async def renew_memory(cast: Cast, memory: Memory | None, transcript: Sequence[Utterance]) -> Memory:
    """Return the memory brought up to the last utterance."""
    head = load_prompt("memory/head", cast.language)
    ask = load_prompt("memory/ask", cast.language).render(memory=memory)
    thread = [
        *cast.open_thread(head.render()),
        *label_utterances(transcript, cast.language),
        cast.ask_last(ask),
    ]
    renewed, _ = await cast.fill("memory", head.hash, thread, Memory)
    return renewed


def word_memory(cast: Cast, memory: Memory) -> str:
    """Return the whisper that hands the counselor its memory."""
    return load_prompt("counselor/memory", cast.language).render(memory=memory)
