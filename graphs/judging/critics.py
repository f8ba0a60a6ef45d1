"""Asks a critic about dialogues, stored or in a file: each missing verdict once, none of them paid twice."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agents.cast import Cast, Role
from agents.critic import Judgement, judge_session, judge_turn
from agents.endpoint import Endpoint
from agents.gateway import Gateway
from agents.pairwise import hide_names, hide_speaker
from agents.policy import Policy
from agents.rubric import load_rubric
from agents.tally import Tally
from agents.transcript import Language, Utterance
from graphs.judging.decision import change_of, choose_policy, decide_again
from graphs.record import record_verdict
from graphs.state import Judged
from store import judging
from store.db import Database
from store.judging import StoredDialogue
from store.ledger import Ledger, SessionCalls
from store.records import VerdictRecord

BY_TURN = ("turn", "reasoning")
"""Scopes of a rubric that is asked for each line of the counselor."""
STRIDE = 7_919
"""Between the seeds of two repeats, or they would be one answer given twice."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a judging run works with."""

    run_id: int
    engine: Database
    gateway: Gateway
    ledger: Ledger
    tally: Tally
    endpoints: Mapping[Role, Endpoint]
    policy: Policy | None
    """The policy that was named; without one each dialogue keeps its own."""
    default_policy: Policy

    def seat(
        self, calls: SessionCalls, session_id: str, language: Language, seed: int, branch: str, repeat: int = 0
    ) -> Cast:
        """Return the cast of one question; its branch keeps its calls apart from all others of the dialogue."""
        return Cast(
            gateway=self.gateway,
            endpoints=self.endpoints,
            ledger=calls,
            tally=self.tally,
            session_id=session_id,
            seed=seed + STRIDE * repeat,
            language=language,
            branch=lambda: branch,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One verdict that is missing: a rubric on an exchange (0 is the whole session), for the `repeat`-th time."""

    rubric: str
    exchange: int
    repeat: int

    @property
    def branch(self) -> str:
        """Where its calls stand in the ledger."""
        return f"judge/{self.rubric}/{self.exchange}/{self.repeat}"


def read_lines(dialogue: StoredDialogue) -> list[Utterance]:
    """Return a stored dialogue as checks and critics read it."""
    return [
        Utterance("client" if line.speaker == "client" else "counselor", line.text, line.reasoning, line.call_number)
        for line in dialogue.utterances
    ]


def hide_counselor(lines: Sequence[Utterance], names: Sequence[str]) -> list[Utterance]:
    """Return a dialogue as a critic reads it who may not know which model speaks; a client may repeat its name."""
    return [
        replace(line, text=hide_speaker(line.text, names), reasoning=hide_speaker(line.reasoning, names))
        if line.speaker == "counselor"
        else replace(line, text=hide_names(line.text, names))
        for line in lines
    ]


def list_questions(
    lines: Sequence[Utterance], verdicts: Sequence[VerdictRecord], rubrics: Sequence[str], model: str, repeats: int
) -> list[Question]:
    """Return the verdicts that this judge has not given yet by the current version of each rubric."""
    questions = []
    for name in rubrics:
        rubric = load_rubric(name)
        replies = sum(line.speaker == "counselor" for line in lines)
        exchanges = range(1, replies + 1) if rubric.scope in BY_TURN else range(1)
        mine = (name, rubric.version, "line")
        given = [
            told.exchange
            for told in verdicts
            if (told.rubric, told.version, told.about) == mine and told.model in (model, "")
        ]
        questions += [
            Question(name, exchange, repeat)
            for exchange in exchanges
            for repeat in range(given.count(exchange), repeats)
        ]
    return questions


async def answer(cast: Cast, lines: Sequence[Utterance], question: Question) -> Judgement:
    """Ask one question."""
    if load_rubric(question.rubric).scope not in BY_TURN:
        return await judge_session(cast, lines, question.rubric)
    replies = [number for number, line in enumerate(lines) if line.speaker == "counselor"]
    number = replies[question.exchange - 1]
    return await judge_turn(cast, lines[:number], lines[number], question.rubric)


def list_given(dialogue: StoredDialogue, is_afresh: bool) -> list[VerdictRecord]:
    """Return the verdicts that need not be given again; afresh, those count that were asked for after the session.

    A recipe that rejects by its critic keeps what that critic happened to like: only a second verdict is fair to all.
    """
    return [told for told in dialogue.verdicts if told.judged_in is not None or not is_afresh]


async def judge_stored(
    work: Work,
    id: str,
    rubrics: Sequence[str],
    repeats: int,
    is_afresh: bool = False,
    blind_to: Sequence[str] | None = None,
) -> list[Judgement]:
    """Ask what is missing about a stored dialogue, then store the verdicts and what the policy makes of them.

    Where it is to be blind, the critic alone reads other lines than those stored.
    """
    dialogue = await asyncio.to_thread(judging.read_dialogue, work.engine, id)
    if dialogue is None:
        return []
    lines = read_lines(dialogue)
    model = work.endpoints["critic"].model_for("critic")
    questions = list_questions(lines, list_given(dialogue, is_afresh), rubrics, model, repeats)
    if not questions:
        return []
    calls = work.ledger.open_session(dialogue.position, run_id=dialogue.run_id)
    language: Language = "zh" if dialogue.language == "zh" else "en"
    seed = int(dialogue.plan.get("seed", 0))
    shown = lines if blind_to is None else hide_counselor(lines, blind_to)
    judgements = []
    for question in questions:
        cast = work.seat(calls, id, language, seed, question.branch, question.repeat)
        judgements.append(await answer(cast, shown, question))
    records = [
        record_verdict(
            Judged(question.exchange, dialogue.chosen.get(question.exchange, 0), said), question.repeat, work.run_id
        )
        for question, said in zip(questions, judgements, strict=True)
    ]
    verdicts = (*dialogue.verdicts, *records)
    policy = choose_policy(dialogue, work.policy, work.default_policy)
    decided, apart = decide_again(dialogue, policy, dialogue.findings, verdicts)
    judged = judging.Judged(dialogue, verdicts=records, disagreements=apart, decision=change_of(dialogue, decided))
    await work.ledger.keep(lambda db, now: judging.save_one(db, judged, now))
    return judgements


async def judge_lines(
    work: Work, position: int, lines: Sequence[Utterance], language: Language, rubrics: Sequence[str], repeats: int
) -> list[tuple[Question, Judgement]]:
    """Ask all about a dialogue that is not stored; its calls are kept under the judging run."""
    calls = work.ledger.open_session(position)
    model = work.endpoints["critic"].model_for("critic")
    answers = []
    for question in list_questions(lines, (), rubrics, model, repeats):
        cast = work.seat(calls, f"{work.run_id}/{position}", language, position, question.branch, question.repeat)
        answers.append((question, await answer(cast, lines, question)))
    return answers
