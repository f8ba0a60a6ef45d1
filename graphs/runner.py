"""Runs the sessions of a plan: dialogues flow on their own, calls pass one gate, and each session ends as one row."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import cast

from agents.cast import Cast
from agents.checks import load_checks
from agents.errors import ModelError
from agents.gateway import GateClosed, Gateway
from agents.ledger import PastLost
from agents.prompt import PromptError
from agents.tally import Tally
from graphs.branch import current_branch
from graphs.crew import Crew, Ending
from graphs.job import Job
from graphs.progress import Progress
from graphs.record import About, list_lines, record_failure, record_session
from graphs.requests import AgainUnit, mark
from graphs.state import SessionState, begin_state
from store.errors import StoreError
from store.ledger import Ledger
from store.near import read_wording
from store.records import DialogueRecord
from store.requests import NO_ANSWER

STEP_LIMIT = 2_000
"""Supersteps a graph may take; 50 exchanges of the longest recipe take about 500."""


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
        settle: Callable[[DialogueRecord], None] | None = None,
    ) -> None:
        self._run_id = run_id
        self._job = job
        self._graph = job.recipe.build(job.switches).compile()
        self._gateway = gateway
        self._ledger = ledger
        self._tally = tally
        self._progress = progress
        self._settle = settle
        load_checks()
        self._crew = Crew(gateway, progress.say, self._run_session)

    async def run(self, positions: Iterable[int], open_dialogues: int) -> Ending:
        """Run the sessions at these positions; `settle` is told what came of one before the next is asked for."""
        return await self._crew.run(positions, open_dialogues)

    async def _run_session(self, position: int) -> None:
        job = self._job
        unit = job.units.unit(position)
        unit = replace(unit, language=job.recipe.speaks(job.switches) or unit.language)
        about = About(self._run_id, position, job.recipe.name, job.recipe.makes, unit, job.is_rehearsal)
        again = unit if isinstance(unit, AgainUnit) else None
        try:
            if again is not None:
                await self._ledger.take_over(again.origin, again.numbers, position)
            state = await self._graph.ainvoke(
                begin_state(unit.plan, unit.brief) | job.recipe.start(job.switches),
                {"recursion_limit": STEP_LIMIT},
                context=self._seat(about),
            )
            wording = read_wording(list_lines(about.kind, cast(SessionState, state)), about.kind, unit.language)
            copy = await self._ledger.find_near_copy(wording, again.root if again is not None else unit.parent_id)
            record = record_session(about, cast(SessionState, state), job.policy, wording, copy)
        except ModelError as error:
            if error.stops_run:
                raise
            record = record_failure(about, error.kind, str(error))
        except PastLost as error:
            record = record_failure(about, NO_ANSWER, str(error))
        except (GateClosed, StoreError, PromptError):
            raise
        except Exception as error:  # a fault of ours is one session's row, never the end of the run
            record = record_failure(about, "internal", f"{type(error).__name__}: {error}")
        if again is not None:
            record = mark(record, again)
        await self._ledger.finish(record)
        self._progress.add(record.outcome)
        if self._settle is not None:
            self._settle(record)

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
            past=about.unit.past if isinstance(about.unit, AgainUnit) else None,
        )
