"""Judges what is stored: by the rules and the policy, then by critics where they were asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.rubric import load_rubric
from agents.transcript import Language
from graphs.judging.critics import Work, judge_stored, list_given, list_questions, read_lines
from graphs.judging.decision import Contradiction
from graphs.judging.estimate import Asked, estimate_judging, measure_lines
from graphs.judging.launch import Plan, Source, launch
from graphs.judging.rules import USUAL_RUBRIC, Tally, judge_all
from graphs.judging.voice import list_missing, voice_stored
from store.db import Database, open_db
from store.judging import StoredDialogue, list_ids, read_dialogues

SHOWN = 20


def judge_the_store(plan: Plan, *, run: int | None, recipe: str | None) -> tuple[int, dict[str, Any]]:
    """Judge what the plan names; returns the exit code, and the summary for a machine."""
    database = open_db(plan.config.db, create=False, synchronous=plan.config.synchronous)
    ids = list_ids(database, run=run, recipe=recipe, outcomes=("done", "rejected"))
    told: dict[str, Any] = {"dialogues": len(ids)}
    if not ids:
        print("no dialogue to judge")
        return 0, told
    if not plan.dry_run:
        tally = judge_all(database, ids, plan.policy, plan.default_policy)
        print_tally(tally)
        told |= describe(tally)
    if not plan.endpoints:
        return 0, told
    code, asked = ask_critics(plan, database, list_ids(database, run=run, recipe=recipe))
    return code, told | asked


def ask_critics(plan: Plan, database: Database, ids: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Ask what is missing about finished dialogues."""
    targets: list[str] = []
    asked: list[Asked] = []
    unfit = 0
    for dialogue in read_dialogues(database, ids):
        missing = find_missing(plan, dialogue)
        if missing.is_empty:
            continue
        if plan.is_rehearsal and not dialogue.is_rehearsal:
            unfit += 1
            continue
        targets.append(dialogue.id)
        asked.append(missing)
    if unfit:
        print(f"{unfit} dialogues were not rehearsed: what a rehearsal model says of them means nothing; --model NAME")
    if not targets:
        print("no verdict is missing")
        return (0, {"asked": 0})

    async def play(work: Work, position: int) -> str:
        told = await judge_stored(work, targets[position], plan.rubrics, plan.repeats, plan.is_afresh, plan.blind_to)
        problems = [said.unscored for said in told]
        if plan.inner_voice:
            problems += [thought.problem for thought in await voice_stored(work, targets[position])]
        return "unscored" if any(problems) else "judged"

    # One iterator for all workers: each takes the next that is left.
    source = Source("", len(targets), iter(range(len(targets))), play)
    return launch(plan, database, estimate_judging(asked, plan.endpoints), source)


def find_missing(plan: Plan, dialogue: StoredDialogue) -> Asked:
    """Return what a critic and the inner voice have not said of a dialogue yet."""
    lines = read_lines(dialogue)
    model = plan.endpoints["critic"].model_for("critic")
    language: Language = "zh" if dialogue.language == "zh" else "en"
    questions = list_questions(lines, list_given(dialogue, plan.is_afresh), plan.rubrics, model, plan.repeats)
    thoughts = len(list_missing(dialogue)) if plan.inner_voice else 0
    return Asked(measure_lines(lines), language, tuple(questions), thoughts)


def print_tally(tally: Tally) -> None:
    """Print what came of the rules and the policy."""
    print(f"{tally.seen} dialogues, {tally.rechecked} of them not seen by the current checks before")
    if tally.rechecked:
        print(f"  {tally.changed} with other findings than before, {tally.raised} raised to a risk tier")
    if tally.copies:
        print(f"  {tally.copies} nearly the same as an older one")
    if tally.left_alone:
        print(f"  {len(tally.left_alone)} changed while they were judged; run it again for them")
    for (before, after), count in sorted((+tally.decisions).items()):
        print(f"  {count} decided anew: {before} -> {after}")
    if tally.contradictions:
        print(f"people decided otherwise on {len(tally.contradictions)}, and their word stands:")
        for one in tally.contradictions[:SHOWN]:
            print(f"  {word_contradiction(one)}")
        if len(tally.contradictions) > SHOWN:
            print(f"  and {len(tally.contradictions) - SHOWN} more; --json names them all")
    if tally.unjudged:
        rubric = load_rubric(USUAL_RUBRIC)
        print(
            f"{tally.unjudged} have no verdict by {rubric.name} {rubric.version}: --rubric {rubric.name} asks a critic"
        )


def word_contradiction(one: Contradiction) -> str:
    """Return a contradiction in one line."""
    why = f" ({'; '.join(one.reasons)})" if one.reasons else ""
    return f"{one.id}: {one.people} by people, the policy would {one.choice}{why}"


def describe(tally: Tally) -> Mapping[str, Any]:
    """Return the same for a machine."""
    return {
        "rechecked": tally.rechecked,
        "other_findings": tally.changed,
        "raised": tally.raised,
        "near_copies": tally.copies,
        "left_alone": tally.left_alone,
        "decisions": {f"{before} -> {after}": count for (before, after), count in sorted((+tally.decisions).items())},
        "contradictions": [
            {"id": one.id, "people": one.people, "policy": one.choice, "reasons": list(one.reasons)}
            for one in tally.contradictions
        ],
        "without_usual_verdict": tally.unjudged,
    }
