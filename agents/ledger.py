"""What the agents need of a ledger: to look an answered call up, and to have one committed before it is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

SEEDS = 2**31
"""An endpoint takes seeds below it."""


class RecordedCall(Protocol):
    """A call the ledger holds."""

    @property
    def number(self) -> int: ...
    @property
    def outcome(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def reasoning(self) -> str: ...


class SessionLedger(Protocol):
    """The calls of one session; it answers only within its own run."""

    def look_up(self, key: bytes) -> RecordedCall | None:
        """Return the call with this key, if it was answered before."""
        ...

    async def record(
        self,
        *,
        key: bytes,
        agent: str,
        branch: str,
        prompt_hash: bytes,
        messages: Sequence[tuple[str, str]],
        parameters: bytes,
        seed: int | None,
        requested_model: str,
        outcome: str,
        content: str,
        reasoning: str,
        finish: str,
        served_model: str,
        fingerprint: str | None,
        prompt_tokens: int | None,
        cached_tokens: int | None,
        completion_tokens: int | None,
        reasoning_tokens: int | None,
        latency_ms: int,
        price: float | None,
        currency: str | None,
    ) -> int:
        """Store a complete answer; returns its number within the session once it is committed."""
        ...


def hash_request(body: bytes) -> bytes:
    """Return what stands for an exact request in its key, and where its occurrences are counted."""
    return blake2b(body, digest_size=16).digest()


def call_key(session_id: str, agent: str, branch: str, request: bytes, occurrence: int, attempt: int) -> bytes:
    """Return the 16 bytes under which a call is kept: the exact request, where it was made, and which time."""
    place = f"{session_id}\0{agent}\0{branch}\0{occurrence}\0{attempt}\0".encode()
    return blake2b(place + request, digest_size=16).digest()


def shift_seed(seed: int, occurrence: int, attempt: int) -> int:
    """Return the seed of a request that was made before or is tried again: the session's own, moved on."""
    return (seed + 7_919 * occurrence + 104_729 * attempt) % SEEDS if occurrence or attempt else seed


class PastLost(Exception):
    """A session would leave what it goes on from before it has come to the end of it."""


@dataclass(slots=True)
class Past:
    """What a session goes on from: it begins with calls of other sessions, which stand among its own.

    `sessions` are those that made them, as (id, seed of their requests), the nearest first; `awaited` the numbers of
    the calls that must have been asked for before any call of its own; `seed` what its own requests carry.
    """

    sessions: Sequence[tuple[str, int]]
    awaited: set[int]
    seed: int

    def settle(self, recorded: RecordedCall | None) -> RecordedCall | None:
        """Note the answer that an earlier session had; raises PastLost where there is none and should be one."""
        if recorded is not None:
            self.awaited.discard(recorded.number)
        elif self.awaited:
            raise PastLost(
                f"dialogue {self.sessions[0][0]} cannot be played again up to there: its requests are others today"
                " (prompts, switches or code have changed since)"
            )
        return recorded
