"""Works through positions side by side: many flow on their own, one gate stops them all, signals end it cleanly."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from agents.errors import ModelError
from agents.gateway import BudgetSpent, GateClosed, Gateway
from agents.prompt import PromptError
from store.errors import StoreError

GRACE_S = 10.0
"""How long what is in flight may go on after Ctrl-C."""
OPEN_PER_SLOT = 4
"""Dialogues open for each call slot: one that waits for a retry or a commit leaves its slot to another."""


@dataclass(slots=True)
class Ending:
    """How it ended: everything done, an interruption, an endpoint that refused, or a budget used up."""

    interrupted: bool = False
    refused: ModelError | None = None
    spent: str | None = None


class Crew:
    """The workers of one run; `play` does one position, and raises only what is to end the run."""

    def __init__(self, gateway: Gateway, say: Callable[[str], None], play: Callable[[int], Awaitable[None]]) -> None:
        self._gateway = gateway
        self._say = say
        self._play = play
        self._ending = Ending()
        self._is_stopping = False

    async def run(self, positions: Iterable[int], open_dialogues: int) -> Ending:
        """Work through these positions; returns how it ended, with everything finished committed.

        Each worker iterates over the positions, and asks for the next only when one is wholly done.
        """
        tune_collector()
        workers = [asyncio.create_task(self._work(positions)) for _ in range(open_dialogues)]
        with handle_signals(lambda: self._interrupt(workers)):
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            # Only a store that fails gets here with work left: what is in flight could not be kept.
            cancel_all(workers)
            results = await asyncio.gather(*workers, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return self._ending

    def _interrupt(self, workers: list[asyncio.Task[None]]) -> None:
        if self._ending.interrupted:
            cancel_all(workers)
            return
        self._ending.interrupted = True
        self._stop()
        asyncio.get_running_loop().call_later(GRACE_S, cancel_all, workers)
        self._say(f"stopping: calls in flight may finish for {GRACE_S:.0f} s; Ctrl-C again ends at once")

    def _stop(self) -> None:
        self._is_stopping = True
        self._gateway.close_gate()

    async def _work(self, positions: Iterable[int]) -> None:
        try:
            for position in positions:
                if self._is_stopping:
                    return
                await self._play_one(position)
        except (StoreError, PromptError):
            self._stop()
            raise

    async def _play_one(self, position: int) -> None:
        try:
            await self._play(position)
        except BudgetSpent as error:
            self._ending.spent = self._ending.spent or str(error)
            self._stop()
        except GateClosed:
            return
        except ModelError as error:
            self._ending.refused = self._ending.refused or error
            self._stop()


def cancel_all(workers: Sequence[asyncio.Task[None]]) -> None:
    """End all workers where they stand."""
    for worker in workers:
        worker.cancel()


def count_open(sessions: int, concurrency: int) -> int:
    """Return how many dialogues to have open at once.

    Rounds of equal size: a last round that is smaller would leave slots empty for as long as a dialogue takes.
    """
    rounds = -(-sessions // (concurrency * OPEN_PER_SLOT))
    return -(-sessions // max(rounds, 1))


def tune_collector() -> None:
    """Keep the garbage collector off what lives as long as the run: measured as a fifth more calls a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@contextmanager
def handle_signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` on Ctrl-C and SIGTERM while the block runs."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)
    for number in caught:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def find_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it exists; a fifth less CPU a call over a network."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
