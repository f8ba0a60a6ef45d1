"""Sorts what an endpoint did wrong: what may pass and is tried again, what ends one call, what ends the run."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from agents.endpoint import Endpoint
from agents.errors import ModelError

REFUSALS = (401, 402, 403, 404, 405, 422)
"""Statuses that no repetition mends for any session: key, balance, unknown model, a field it does not take."""
BAD_REQUESTS = (400, 413)
"""Statuses that end one session: a request too long, or one a provider's filter turned away."""


class PassingFault(Exception):
    """A fault that may pass, with the wait that the endpoint asked for."""

    def __init__(self, error: ModelError, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


def unreachable(endpoint: Endpoint, cause: BaseException) -> ModelError:
    """Return the error for an address where nobody answers."""
    return ModelError("unreachable", f"{endpoint.name} at {endpoint.base_url} cannot be reached: {shorten(cause)}")


def shorten(cause: BaseException) -> str:
    """Return an error's words in one short line."""
    return " ".join(str(cause).split())[:120] or type(cause).__name__


def sort_status(endpoint: Endpoint, status: int, text: str, told: float | None) -> Exception:
    """Return the error for an HTTP status: final for what no repetition mends, passing for the rest."""
    problem = f"{endpoint.name} answered {status}: {text}"
    if 300 <= status < 400:
        return ModelError("refused", f"{endpoint.name} redirects elsewhere ({status}); correct its base_url")
    if status in REFUSALS or "insufficient_quota" in text:
        return ModelError("refused", problem)
    if status in BAD_REQUESTS:
        return ModelError("bad_request", problem)
    return PassingFault(ModelError("rate_limited" if status == 429 else "server", problem), told)


def read_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After asks for, given as a number or as a date, or None."""
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d*)?", told):
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
