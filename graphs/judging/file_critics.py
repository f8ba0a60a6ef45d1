"""Judges a file of dialogues: the rules' findings first, then what critics say, all as lines of JSON on stdout."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from agents.checks.lexicon import language_of
from agents.critic import Judgement
from agents.transcript import Utterance
from graphs.judging.critics import Question, Work, judge_lines, list_questions
from graphs.judging.estimate import Asked, estimate_judging, measure_lines
from graphs.judging.file import Summary, judge_file, read_transcripts
from graphs.judging.launch import Plan, Source, launch
from store.db import open_db
from store.decontamination import load_evaluation
from taxonomy.refusal import InputError
from taxonomy.source import digest_file, show_path


def judge_a_file(plan: Plan, path: Path, against: Sequence[Path]) -> int:
    """Print findings, texts of evaluation files and verdicts of critics; returns the exit code."""
    summary = Summary()
    evaluation = load_evaluation(against) if against else None
    for line in judge_file(path, plan.policy, evaluation, summary):
        print(json.dumps(line, ensure_ascii=False))
    summary.print()
    if not summary.dialogues:
        raise InputError(f"{show_path(path)}: no row holds a dialogue")
    return ask_critics(plan, path) if plan.rubrics else 0


def ask_critics(plan: Plan, path: Path) -> int:
    """Print what critics say of a file's dialogues; their calls are kept, so that the same command goes on."""
    waiting: dict[int, tuple[str, list[Utterance]]] = {}
    stdout = sys.stdout
    model = plan.endpoints["critic"].model_for("critic")
    asked = []
    for _, lines in read_transcripts(path, Summary()):
        questions = list_questions(lines, (), plan.rubrics, model, plan.repeats)
        asked.append(Asked(measure_lines(lines), language_of(join(lines)), tuple(questions)))

    def list_positions() -> Iterator[int]:
        # A dialogue is in memory only while it is judged.
        for row, lines in read_transcripts(path, Summary()):
            waiting[row.row] = (row.id, lines)
            yield row.row

    async def play(work: Work, position: int) -> str:
        id, lines = waiting.pop(position)
        language = language_of(join(lines))
        answers = await judge_lines(work, position, lines, language, plan.rubrics, plan.repeats)
        for question, said in answers:
            print(json.dumps(word_verdict(id, question, said), ensure_ascii=False), file=stdout)
        return "unscored" if any(said.scores is None for _, said in answers) else "judged"

    database = open_db(plan.config.db, synchronous=plan.config.synchronous)
    source = Source(f"{path.name} {digest_file(path)}", len(asked), list_positions(), play)
    # The words of the run go beside the verdicts, not among them.
    with redirect_stdout(sys.stderr):
        code, _ = launch(plan, database, estimate_judging(asked, plan.endpoints), source)
    return code


def join(lines: Sequence[Utterance]) -> str:
    """Return what is said in a dialogue as one text."""
    return "\n".join(line.text for line in lines)


def word_verdict(id: str, question: Question, said: Judgement) -> dict[str, Any]:
    """Return a verdict as it is printed."""
    return {
        "id": id,
        "exchange": question.exchange,
        "rubric": said.rubric,
        "version": said.version,
        "model": said.model,
        "repeat": question.repeat,
        "scores": said.scores,
        "quotes": said.quotes,
        "reason": said.reason,
        "unscored": said.unscored or None,
    }
