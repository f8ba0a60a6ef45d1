"""Runs the sessions of a plan: dialogues flow on their own, calls pass one gate, and each session ends as one row."""

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from agents.cast import Cast
from agents.errors import ModelError
from agents.gateway import BudgetSpent, GateClosed, Gateway
from agents.prompt import PromptError
from agents.tally import Tally
from graphs.branch import current_branch
from graphs.job import Job
from graphs.progress import Progress
from graphs.record import About, record_failure, record_session
from graphs.state import SessionState, begin_state
from store.errors import StoreError
from store.ledger import Ledger

GRACE_S = 10.0
"""How long what is in flight may go on after Ctrl-C."""
OPEN_PER_SLOT = 4
"""Dialogues open for each call slot: one that waits for a retry or a commit leaves its slot to another."""
STEP_LIMIT = 2_000
"""Supersteps a graph may take; 50 exchanges of the longest recipe take about 500."""


@dataclass(slots=True)
class Ending:
    """How the run ended: all planned sessions, an interruption, an endpoint that refused, or a budget used up."""

    interrupted: bool = False
    refused: ModelError | None = None
    spent: str | None = None


class Runner:
    """Joins a recipe's graph, the models and the ledger for the length of one run."""

    def __init__(
        self,
        *,
        run_id: int,
        job: Job,
        gateway: Gateway,
        ledger: Ledger,
        tally: Tally,
        progress: Progress,
    ) -> None:
        self._run_id = run_id
        self._job = job
        self._graph = job.recipe.build(job.switches).compile()
        self._gateway = gateway
        self._ledger = ledger
        self._tally = tally
        self._progress = progress
        self._ending = Ending()
        self._is_stopping = False

    async def run(self, positions: Iterator[int], open_dialogues: int) -> Ending:
        """Run the sessions at these positions; returns how it ended, with everything finished committed."""
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
        self._progress.say(f"stopping: calls in flight may finish for {GRACE_S:.0f} s; Ctrl-C again ends at once")

    def _stop(self) -> None:
        self._is_stopping = True
        self._gateway.close_gate()

    async def _work(self, positions: Iterator[int]) -> None:
        try:
            for position in positions:
                if self._is_stopping:
                    return
                await self._run_session(position)
        except (StoreError, PromptError):
            self._stop()
            raise

    async def _run_session(self, position: int) -> None:
        job = self._job
        unit = job.units.unit(position)
        about = About(self._run_id, position, job.recipe.name, unit, job.is_rehearsal)
        try:
            state = await self._graph.ainvoke(
                begin_state(unit.plan, unit.brief) | job.recipe.start(job.switches),
                {"recursion_limit": STEP_LIMIT},
                context=self._seat(about),
            )
            copies = await self._ledger.find_near_copies([line.text for line in state["transcript"]])
            record = record_session(about, cast(SessionState, state), job.policy, copies)
        except BudgetSpent as error:
            self._ending.spent = self._ending.spent or str(error)
            self._stop()
            return
        except GateClosed:
            return
        except ModelError as error:
            if error.stops_run:
                self._ending.refused = self._ending.refused or error
                self._stop()
                return
            record = record_failure(about, error.kind, str(error))
        except (StoreError, PromptError):
            raise
        except Exception as error:  # a fault of ours is one session's row, never the end of the run
            record = record_failure(about, "internal", f"{type(error).__name__}: {error}")
        await self._ledger.finish(record)
        self._progress.add(record.outcome)

    def _seat(self, about: About) -> Cast:
        return Cast(
            gateway=self._gateway,
            endpoints=self._job.endpoints,
            ledger=self._ledger.open_session(about.position),
            tally=self._tally,
            session_id=about.session_id,
            seed=about.unit.plan.seed,
            language=about.unit.language,
            branch=current_branch,
        )


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
