"""What a review page is started with: overlap, leases, and the names under which it may be reached."""

from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one review page."""

    overlap: float = 0.1
    """The share of dialogues, from 0 to 1, that two people look at."""
    crisis_reviewers: int = 2
    """How many people look at a dialogue with a sign of danger."""
    lease_s: float = 900.0
    """Seconds for which a dialogue is kept for whoever has it before them."""
    hosts: tuple[str, ...] = LOOPBACK
    """The host names, without a port, that a request may be for."""
    secure: bool = False
    """Whether browsers reach the page over TLS."""
