"""Asks every model the questions and the judge about their answers; each question is kept whole before it counts."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from agents.cast import Cast, Role
from agents.checks.version import checks_version
from agents.critic import Judgement
from agents.endpoint import Endpoint
from agents.errors import ModelError
from agents.gateway import Gateway
from agents.pairwise import Preferred, hide_speaker, prefer
from agents.question_set import Question
from agents.rubric import load_rubric
from agents.single_answer import answer_question, check_answer, judge_answer
from agents.tally import Tally
from agents.transcript import Utterance
from graphs.compare.plan import Contest
from graphs.crew import Crew, Ending, count_open, find_loop_factory
from graphs.progress import Progress
from graphs.spending import open_budget
from store.comparison_rows import AnswerRecord, Asked, PairRecord
from store.comparisons import ANSWERING, PREFERRING, SCORING, list_asked, save_asked
from store.db import Database
from store.errors import StoreError
from store.ledger import Ledger, SessionCalls
from store.records import FindingRecord, VerdictRecord
from store.runs import Run, end_run

STRIDE = 104_729
"""Between the seeds of two questions; the seed is the same for every model."""
SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Desk:
    """What asking one question works with."""

    contest: Contest
    gateway: Gateway
    tally: Tally
    run: int

    def seat(self, calls: SessionCalls, position: int, question: Question, branch: str, model: str = "") -> Cast:
        """Return the cast of one call; its branch keeps it apart from all others about the question."""
        contest = self.contest
        counselor: dict[Role, Endpoint] = {"counselor": contest.models[model]} if model else {}
        return Cast(
            gateway=self.gateway,
            endpoints={"critic": contest.judge, **counselor},
            ledger=calls,
            tally=self.tally,
            session_id=f"{self.run}/{position}",
            seed=(contest.config.seed + STRIDE * position) % SEEDS,
            language=question.language or "zh",
            branch=lambda: branch,
        )


@dataclass(frozen=True, slots=True)
class Came:
    """What came of the questions in this process."""

    ending: Ending
    left: int


def ask_all(
    contest: Contest,
    database: Database,
    run: Run,
    environment: Mapping[str, str],
    elsewhere: tuple[int, float],
) -> Came:
    """Ask what is left; calls and money spent `elsewhere` count to the limits. The run is let go of if any is left."""
    done = list_asked(database, run.id)
    left = [place for place in range(len(contest.questions)) if place not in done]
    tally = Tally()
    budget = open_budget(contest.config, tally, database, run.id, elsewhere)
    progress = Progress(len(contest.questions), len(done), tally, f"comparison {run.id}", unit="question")
    started = time.monotonic()

    async def act() -> Ending:
        gateway = Gateway(environment, contest.config.concurrency, budget=budget)
        for endpoint in (*contest.models.values(), contest.judge):
            gateway.open_client(endpoint)
        ledger = Ledger(database, run.id, run.owner)
        desk = Desk(contest, gateway, tally, run.id)

        async def play(position: int) -> None:
            asked = await ask_one(desk, ledger.open_session(position), position)
            await ledger.keep(lambda db, _: save_asked(db, run.id, position, asked))
            progress.add("failed" if any(answer.failure for answer in asked.answers) else "answered")

        try:
            crew = Crew(gateway, progress.say, play)
            # One iterator for all workers: each takes the next that is left.
            return await crew.run(iter(left), max(1, count_open(len(left), contest.config.concurrency)))
        finally:
            await ledger.close()
            await gateway.aclose()

    if not left:
        return Came(Ending(), 0)
    still = len(left)
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as loop:
            ending = loop.run(act())
        still = len(contest.questions) - len(list_asked(database, run.id))
    finally:
        progress.close()
        if still:
            # A database that failed above fails here as well; the first of the two errors is the one to tell.
            with suppress(StoreError):
                end_run(database, run, "interrupted")
    counted = ", ".join(f"{count} {name}" for name, count in sorted(progress.outcomes.items())) or "none"
    print(f"questions: {counted} in {time.monotonic() - started:.0f} s, {still} left; {tally.calls} calls")
    return Came(ending, still)


async def ask_one(desk: Desk, calls: SessionCalls, position: int) -> Asked:
    """Ask every model one question, then the judge about each answer and about each pair in both orders."""
    contest = desk.contest
    question = contest.questions[position]
    answers = [await answer(desk, calls, position, model) for model in contest.models]
    shown = {each.model: hide_speaker(each.text, contest.names) for each in answers if each.text is not None}
    verdicts = {}
    for model, text in shown.items():
        scored = [await score(desk, calls, position, model, text, rubric) for rubric in contest.list_rubrics(question)]
        verdicts[model] = tuple(scored)
    pairs = []
    for first, second in contest.orders:
        if first in shown and second in shown:
            cast = desk.seat(calls, position, question, f"{PREFERRING}{first}/{second}")
            told = await ask_preference(cast, question, shown[first], shown[second])
            judge = contest.judge.model_for("critic")
            pairs.append(PairRecord(first, second, judge, told.choice, told.reason, told.unscored, told.call))
    return Asked(tuple(answers), verdicts, tuple(pairs))


async def answer(desk: Desk, calls: SessionCalls, position: int, model: str) -> AnswerRecord:
    """Ask one model; one that gives no usable answer has a row that says why, unless its endpoint stops the run."""
    question = desk.contest.questions[position]
    cast = desk.seat(calls, position, question, ANSWERING + model, model)
    try:
        said = await answer_question(cast, question.text)
    except ModelError as error:
        if error.stops_run:
            raise
        return AnswerRecord(model, None, "", f"{error.kind}: {error}", (), checks_version(), None)
    found = tuple(
        FindingRecord(1, 0, "counselor", each.rule, each.version, each.severity, each.span, each.reason)
        for each in check_answer(question, said)
    )
    return AnswerRecord(model, said.text, said.reasoning, "", found, checks_version(), said.call)


async def score(desk: Desk, calls: SessionCalls, position: int, model: str, shown: str, rubric: str) -> VerdictRecord:
    """Ask the judge about one answer; where it gives no readable verdict, that answer is unscored."""
    question = desk.contest.questions[position]
    cast = desk.seat(calls, position, question, f"{SCORING}{rubric}/{model}")
    judge = desk.contest.judge.model_for("critic")
    held = load_rubric(rubric)
    try:
        said = await judge_answer(cast, question, Utterance("counselor", shown), rubric)
    except ModelError as error:
        if error.stops_run:
            raise
        said = Judgement(rubric, held.version, held.scope, None, {}, "", None, str(error), judge)
    return VerdictRecord(
        1, 0, rubric, said.version, said.scores, said.quotes, said.reason, said.unscored, said.call, judge
    )  # fmt: skip


async def ask_preference(cast: Cast, question: Question, first: str, second: str) -> Preferred:
    """Ask the judge about two answers in this order; a fault of its endpoint leaves the pair unscored."""
    try:
        return await prefer(cast, question.text, first, second)
    except ModelError as error:
        if error.stops_run:
            raise
        return Preferred(None, "", str(error))
