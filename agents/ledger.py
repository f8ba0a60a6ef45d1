"""What the agents need of a ledger: to look an answered call up, and to have one committed before it is used."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol


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
