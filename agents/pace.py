"""How long a line should be, drawn from the session's seed: people speak unevenly, models do not unless told."""

from random import Random
from typing import Literal

Pace = Literal["brief", "long"]

COUNSELOR = (0.22, 0.08)
"""Shares of lines asked to be brief and to be fuller; real counselors' lengths vary with a CV of 0.59 in Chinese."""
CLIENT = {
    "plain": (0.18, 0.12),
    "terse": (0.45, 0.02),
    "rambling": (0.06, 0.38),
    "bodily": (0.15, 0.15),
    "guarded": (0.34, 0.06),
    "ironic": (0.22, 0.10),
}
"""The same for the client, by talking style: minimal answers are 5-45 % of a real client's lines."""


def draw_pace(seed: int, speaker: str, exchange: int, shares: tuple[float, float]) -> Pace | None:
    """Draw the pace of one line; None leaves it to the speaker."""
    draw = Random(f"pace/{seed}/{speaker}/{exchange}").random()
    brief, long = shares
    if draw < brief:
        return "brief"
    return "long" if draw < brief + long else None
