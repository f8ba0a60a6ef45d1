"""The one way to a model: the openai SDK's client with our own bytes, deadline and retries; errors sorted by kind."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar

from agents.answer import Answer, Usage, read_answer
from agents.endpoint import IN_PROCESS, Endpoint, read_key
from agents.errors import ModelError

if TYPE_CHECKING:
    import openai

Kept = TypeVar("Kept")

REFUSALS = (401, 402, 403, 404, 405, 422)
"""Statuses that no repetition mends for any session: key, balance, unknown model, a field it does not take."""
BAD_REQUESTS = (400, 413)
"""Statuses that end one session: a request too long, or one a provider's filter turned away."""


class GateClosed(Exception):
    """The run is stopping: no further call is sent."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a fault that may pass is waited out; times in seconds."""

    tries: int = 8
    first_wait: float = 1.0
    longest_wait: float = 60.0

    def wait(self, attempt: int, told: float | None, random: Random) -> float:
        """Return how long to wait after a failed attempt (from 0): as told, else doubling with jitter."""
        if told is not None:
            return min(told, self.longest_wait)
        return min(self.first_wait * 2.0**attempt, self.longest_wait) * (0.5 + random.random() / 2)


class Gateway:
    """Sends requests to any number of endpoints, at most `concurrency` at a time."""

    def __init__(self, environment: Mapping[str, str], concurrency: int, policy: RetryPolicy | None = None) -> None:
        self._environment = environment
        self._concurrency = concurrency
        self._policy = policy or RetryPolicy()
        self._slots = asyncio.Semaphore(concurrency)
        self._limits: dict[str, asyncio.Semaphore] = {}
        self._clients: dict[str, openai.AsyncOpenAI] = {}
        self._jitter = Random()
        self._is_closed = False

    def close_gate(self) -> None:
        """Send nothing from now on; what is in flight may still come back."""
        self._is_closed = True

    def open_client(self, endpoint: Endpoint) -> "openai.AsyncOpenAI":
        """Return the endpoint's client; raises ModelError ("refused") where its key is not set."""
        client = self._clients.get(endpoint.name)
        if client is None:
            client = make_client(endpoint, read_key(endpoint, self._environment), self._concurrency)
            self._clients[endpoint.name] = client
            limit = min(endpoint.concurrency or self._concurrency, self._concurrency)
            self._limits[endpoint.name] = asyncio.Semaphore(limit)
        return client

    async def send(self, endpoint: Endpoint, body: bytes) -> Answer:
        """Send one request and return its complete answer, usable or not; errors as in `send_and_keep`."""

        async def hand_over(answer: Answer) -> Answer:
            return answer

        return await self.send_and_keep(endpoint, body, hand_over)

    async def send_and_keep(self, endpoint: Endpoint, body: bytes, keep: Callable[[Answer], Awaitable[Kept]]) -> Kept:
        """Send one request and return what `keep` makes of its complete answer, usable or not.

        The slot is held until `keep` is done: a kill repeats no more calls than there are slots. Faults that may pass
        are retried by the policy, and a call that waits holds no slot. Raises ModelError when there was no complete
        answer, GateClosed when the run is stopping.
        """
        client = self.open_client(endpoint)
        attempt = 0
        while True:
            if self._is_closed:
                raise GateClosed
            try:
                async with self._limits[endpoint.name], self._slots:
                    if self._is_closed:
                        raise GateClosed
                    return await keep(await self._send_once(client, endpoint, body))
            except _Passing as fault:
                attempt += 1
                if attempt >= self._policy.tries:
                    raise ModelError(fault.error.kind, f"{fault.error} ({attempt} tries)") from None
                wait = self._policy.wait(attempt - 1, fault.retry_after, self._jitter)
            await asyncio.sleep(wait)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _send_once(self, client: "openai.AsyncOpenAI", endpoint: Endpoint, body: bytes) -> Answer:
        import httpx2
        import openai

        started = time.perf_counter()
        try:
            async with asyncio.timeout(endpoint.deadline_s):
                response = await client.post(
                    "/chat/completions",
                    content=body,
                    cast_to=httpx2.Response,
                    options={"headers": {"content-type": "application/json"}},
                )
                data = response.content
        except openai.APIStatusError as error:
            told = error.response.headers.get("retry-after")
            shown = " ".join(error.response.text.replace(client.api_key, "[key]").split())[:200]
            raise sort_status(endpoint, error.status_code, shown, told) from None
        except (TimeoutError, openai.APITimeoutError) as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                # So the aiohttp transport tells of a refused connection or an unknown host, too.
                raise _Passing(unreachable(endpoint, error.__cause__)) from None
            problem = f"{endpoint.name} did not answer within {endpoint.deadline_s:g} s"
            raise _Passing(ModelError("timeout", problem)) from None
        except openai.APIConnectionError as error:
            raise _Passing(unreachable(endpoint, error.__cause__ or error)) from None
        try:
            return read_answer(data, round((time.perf_counter() - started) * 1000))
        except ModelError as error:
            named = ModelError(error.kind, f"{endpoint.name}: {error}")
            if error.kind == "refused":
                raise named from None
            raise _Passing(named) from None


class _Passing(Exception):
    """A fault that may pass, with the wait that the endpoint asked for."""

    def __init__(self, error: ModelError, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


def unreachable(endpoint: Endpoint, cause: BaseException) -> ModelError:
    """Return the error for an address where nobody answers."""
    shown = " ".join(str(cause).split())[:120] or type(cause).__name__
    return ModelError("unreachable", f"{endpoint.name} at {endpoint.base_url} cannot be reached: {shown}")


def sort_status(endpoint: Endpoint, status: int, text: str, told: str | None) -> Exception:
    """Return the error for an HTTP status: final for what no repetition mends, passing for the rest."""
    problem = f"{endpoint.name} answered {status}: {text}"
    if 300 <= status < 400:
        return ModelError("unreachable", f"{endpoint.name} redirects elsewhere ({status}); correct its base_url")
    if status in REFUSALS:
        return ModelError("refused", problem)
    if status in BAD_REQUESTS:
        return ModelError("bad_request", problem)
    wait = float(told) if told and told.replace(".", "", 1).isdigit() else None
    return _Passing(ModelError("rate_limited" if status == 429 else "server", problem), wait)


def make_client(endpoint: Endpoint, key: str, concurrency: int) -> "openai.AsyncOpenAI":
    """Return the SDK's client for an endpoint: no retries of its own, no redirects, a pool as wide as the gate."""
    import httpx2
    import openai

    if endpoint.base_url == IN_PROCESS:
        from agents.rehearsal.app import create_app

        transport = httpx2.ASGITransport(app=create_app())
        http = httpx2.AsyncClient(transport=transport)
        return openai.AsyncOpenAI(api_key=key, base_url="http://rehearsal/v1", max_retries=0, http_client=http)
    pool = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=60)
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=endpoint.deadline_s,
        http_client=openai.DefaultAioHttpClient(limits=pool, follow_redirects=False),
    )


def price_of(endpoint: Endpoint, usage: Usage) -> float | None:
    """Return what a call cost in the endpoint's currency, or None where prices or usage are not known."""
    prices = endpoint.prices
    if prices is None or usage.prompt is None or usage.completion is None:
        return None
    cached = usage.cached or 0
    prompt = (usage.prompt - cached) * prices.input + cached * prices.cached_input
    return (prompt + usage.completion * prices.output) / 1e6
