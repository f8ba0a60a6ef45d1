"""The one way to a model: the openai SDK's client with our own bytes, deadline and retries; errors sorted by kind."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar, cast

from agents.answer import Answer, read_answer
from agents.budget import Budget
from agents.endpoint import IN_PROCESS, Endpoint, read_key
from agents.errors import ModelError
from agents.faults import PassingFault, read_wait, shorten, sort_status, unreachable
from agents.limiter import Limiter

if TYPE_CHECKING:
    import openai

Kept = TypeVar("Kept")

MACHINE = ("lang", "package-version", "os", "arch", "runtime", "runtime-version", "async")
"""What the SDK tells of the machine with every call, and which is nobody's business."""


class GateClosed(Exception):
    """The run is stopping: no further call is sent."""


class BudgetSpent(GateClosed):
    """The run has used up what it may spend."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a fault that may pass is waited out; times in seconds."""

    tries: int = 9
    first_wait: float = 0.5
    longest_wait: float = 60.0
    longest_told: float = 600.0
    """A Retry-After beyond it is cut to it."""
    never_up: float = 30.0
    """How long an endpoint may meet every call with faults before it has answered one."""
    gone: float = 600.0
    """The same for an endpoint that has answered before."""

    def wait(self, attempt: int, told: float | None, random: Random) -> float:
        """Return how long to wait after a failed attempt (from 0): as told, else doubling with jitter."""
        if told is not None:
            return min(told, self.longest_told)
        return min(self.first_wait * 2.0**attempt, self.longest_wait) * (0.5 + random.random() / 2)


class Gateway:
    """Sends requests to any number of endpoints, at most `concurrency` at a time, while the budget lasts."""

    def __init__(
        self,
        environment: Mapping[str, str],
        concurrency: int,
        policy: RetryPolicy | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._environment = environment
        self._concurrency = concurrency
        self._policy = policy or RetryPolicy()
        self._budget = budget
        self._slots = asyncio.Semaphore(concurrency)
        self._limiters: dict[str, Limiter] = {}
        self._clients: dict[str, openai.AsyncOpenAI] = {}
        self._jitter = Random()
        self._closed = asyncio.Event()

    def close_gate(self) -> None:
        """Send nothing from now on; what is in flight may still come back, what waits is sent away."""
        self._closed.set()
        for limiter in self._limiters.values():
            limiter.close(GateClosed())

    def open_client(self, endpoint: Endpoint) -> "openai.AsyncOpenAI":
        """Return the endpoint's client; raises ModelError ("refused") where its key is not set."""
        client = self._clients.get(endpoint.name)
        if client is None:
            client = make_client(endpoint, read_key(endpoint, self._environment), self._concurrency)
            self._clients[endpoint.name] = client
            self._limiters[endpoint.name] = Limiter(min(endpoint.concurrency or self._concurrency, self._concurrency))
        return client

    async def send(self, endpoint: Endpoint, body: bytes) -> Answer:
        """Send one request and return its complete answer, usable or not; errors as in `send_and_keep`."""

        async def hand_over(answer: Answer) -> Answer:
            return answer

        return await self.send_and_keep(endpoint, body, hand_over)

    async def send_and_keep(
        self, endpoint: Endpoint, body: bytes, keep: Callable[[Answer], Awaitable[Kept]], rank: int = 0
    ) -> Kept:
        """Send one request and return what `keep` makes of its complete answer, usable or not.

        The slot is held until `keep` is done: a kill repeats no more calls than there are slots. Faults that may pass
        are retried by the policy, and a call that waits holds no slot. The lowest `rank` goes first. Raises ModelError
        when there was no complete answer, GateClosed when the run is stopping.
        """
        client = self.open_client(endpoint)
        limiter = self._limiters[endpoint.name]
        attempt = 0
        while True:
            self._check_gate()
            entered = await limiter.enter(rank)
            try:
                async with self._slots:
                    self._check_gate()
                    answer = await self._send_once(client, endpoint, body)
                    self._note_answer(limiter, answer)
                    return await keep(answer)
            except PassingFault as fault:
                attempt += 1
                self._note_fault(limiter, entered, fault)
                self._give_up(endpoint, limiter, attempt, fault)
                wait = self._policy.wait(attempt - 1, fault.retry_after, self._jitter)
            finally:
                limiter.leave()
            await self._rest(wait)

    async def rest(self, attempt: int) -> None:
        """Wait as before another try of a call (from 0) that was answered with a fault that may pass."""
        await self._rest(self._policy.wait(attempt, None, self._jitter))

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()

    def _check_gate(self) -> None:
        if self._closed.is_set():
            raise GateClosed
        if self._budget is not None and (reached := self._budget.find_end()):
            raise BudgetSpent(reached)

    def _note_answer(self, limiter: Limiter, answer: Answer) -> None:
        if answer.problem:
            self._slow_down(limiter)
        else:
            limiter.note_answer()

    def _note_fault(self, limiter: Limiter, entered: int, fault: PassingFault) -> None:
        if fault.error.kind == "rate_limited":
            told = min(fault.retry_after or 0.0, self._policy.longest_told)
            limiter.note_refusal(entered, told, str(fault.error))
        else:
            self._slow_down(limiter)

    def _slow_down(self, limiter: Limiter) -> None:
        """In an outage nothing is sent for a while that doubles with every fault."""
        faults = limiter.note_fault()
        if faults:
            limiter.pause(self._policy.wait(faults - 1, None, self._jitter))

    def _give_up(self, endpoint: Endpoint, limiter: Limiter, attempt: int, fault: PassingFault) -> None:
        """Raise ModelError where this call, or the endpoint as a whole, has been tried for long enough."""
        patience = self._policy.gone if limiter.has_answered else self._policy.never_up
        if limiter.failing_s() >= patience:
            since = "has answered nothing" if limiter.has_answered else "has not answered once"
            raise ModelError("down", f"{endpoint.name} {since} in {patience:g} s; {fault.error}") from None
        if attempt >= self._policy.tries:
            raise ModelError(fault.error.kind, f"{fault.error} ({attempt} tries)") from None

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _send_once(self, client: "openai.AsyncOpenAI", endpoint: Endpoint, body: bytes) -> Answer:
        import httpx2
        import openai

        from agents.transport import UntrustedHost

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
            shown = " ".join(error.response.text.replace(client.api_key, "[key]").split())[:200]
            raise sort_status(endpoint, error.status_code, shown, read_wait(error.response.headers)) from None
        except TimeoutError:
            problem = f"{endpoint.name} did not answer within {endpoint.deadline_s:g} s"
            raise PassingFault(ModelError("timeout", problem)) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            if isinstance(cause, UntrustedHost):
                raise ModelError("refused", f"{endpoint.name}: {shorten(cause)}; correct its base_url") from None
            raise PassingFault(unreachable(endpoint, cause)) from None
        answer = read_answer(data, round((time.perf_counter() - started) * 1000))
        if answer.outcome == "refused":
            raise ModelError("refused", f"{endpoint.name}: {answer.problem}")
        return answer


def make_client(endpoint: Endpoint, key: str, concurrency: int) -> "openai.AsyncOpenAI":
    """Return the SDK's client for an endpoint: no retries of its own, no redirects, a pool as wide as the gate."""
    import httpx2
    import openai

    if endpoint.base_url == IN_PROCESS:
        from agents.rehearsal.app import create_app

        transport = httpx2.ASGITransport(app=create_app())
        http = httpx2.AsyncClient(transport=transport)
        return openai.AsyncOpenAI(api_key=key, base_url="http://rehearsal/v1", max_retries=0, http_client=http)
    from agents.transport import WholeAnswers

    return openai.AsyncOpenAI(
        api_key=key,
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=endpoint.deadline_s,
        default_headers={f"x-stainless-{name}": cast("str", openai.Omit()) for name in MACHINE},
        http_client=WholeAnswers(concurrency),
    )
