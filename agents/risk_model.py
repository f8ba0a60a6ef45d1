"""A small fitted model beside the word list: hashed character grams tell talk about dying from ordinary talk."""

import json
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any
from zlib import crc32

BUCKETS = 1 << 14
LONGEST_GRAM = 4
SIGN_VALUE = 0.5
"""Weight of a word of the list in the features; a gram's is one over the root of how many there are."""
STEPS = 127
WEIGHTS = Path(__file__).parent / "risk_weights.json"

Features = tuple[Sequence[int], float, Sequence[int]]
"""Buckets of the grams, the value that each has, buckets of the signs."""


def read_features(text: str, signs: Iterable[str]) -> Features:
    """Return what the model sees of a text and of the names of what the word list found in it."""
    raw = f"^{''.join(text.lower().split())}$".encode("utf-16-le")
    end = len(raw)
    mask = BUCKETS - 1
    grams = {
        crc32(raw[at : at + size]) & mask
        for size in range(2, 2 * LONGEST_GRAM + 1, 2)
        for at in range(0, end - size + 1, 2)
    }
    return tuple(grams), 1 / sqrt(len(grams)), tuple({crc32(sign.encode()) & mask for sign in signs})


@dataclass(frozen=True, slots=True)
class Router:
    """Fitted weights in whole steps of `scale`; `level` is the score that routes, `near` the one that adds up."""

    weights: Sequence[int]
    scale: float
    bias: float
    level: float
    near: float

    def score(self, features: Features) -> float:
        """Return the log odds that a text holds a sign of danger."""
        grams, value, signs = features
        step = self.weights.__getitem__
        return self.bias + self.scale * (value * sum(map(step, grams)) + SIGN_VALUE * sum(map(step, signs)))

    def dump(self, source: dict[str, Any]) -> str:
        """Return the file that `load_router` reads, with a head that says what the weights were fitted on."""
        head = {
            **source,
            "buckets": BUCKETS,
            "longest_gram": LONGEST_GRAM,
            "scale": self.scale,
            "bias": self.bias,
            "level": self.level,
            "near": self.near,
            "weights": b64encode(array("b", self.weights).tobytes()).decode(),
        }
        return json.dumps(head, indent=1) + "\n"


@cache
def load_router() -> Router:
    """Return the router that ships with this package."""
    data = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    numbers = (data[name] for name in ("scale", "bias", "level", "near"))
    return Router(array("b", b64decode(data["weights"])), *numbers)
