"""What can go wrong with a model, sorted into a handful of kinds at the gateway."""

from typing import Literal, get_args

from taxonomy.refusal import Refusal

Kind = Literal[
    "refused",
    "rate_limited",
    "timeout",
    "unreachable",
    "server",
    "bad_request",
    "bad_answer",
    "empty",
    "truncated",
    "filtered",
    "overloaded",
    "invalid_json",
    "unreadable",
    "down",
]


class ModelError(Refusal):
    """A model gave no usable answer.

    `refused` (key, balance, unknown model) and `down` (no answer for too long) stop a run, the others one session.
    """

    def __init__(self, kind: Kind, problem: str) -> None:
        super().__init__(problem)
        self.kind: Kind = kind
        self.stops_run = kind in ("refused", "down")
        self.exit_code = 4 if self.stops_run else 1


def kind_of(outcome: str) -> Kind:
    """Return the kind of error that an unusable answer's outcome stands for."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    return next((kind for kind in kinds if kind == outcome), "bad_answer")
