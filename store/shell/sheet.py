"""Shows one dialogue in a shell as it reads, with what was found, judged, tried and said under each line."""

import json
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.cards import find_standing
from store.db import explained
from store.records import FindingRecord
from store.review.line import Attempt, Line, Said, Verdict
from store.review.view import View, read_view
from store.shell.made import name_unit, tell_made
from store.shell.terminal import paint, show_change, show_line, show_text, tell
from store.tables import CallRow, DialogueRow, SeedRow
from taxonomy.refusal import InputError

NAMES = {
    "zh": {"client": "来访者", "counselor": "咨询师"},
    "en": {"client": "Client", "counselor": "Counselor"},
}
INDENT = "      "
QUOTED = 60
"""Characters of the words that a finding is about."""


def show_dialogue(engine: Engine, id: str, reviewer: str, flags: Namespace) -> None:
    """Print a dialogue for a reviewer, as text or with `flags.json` as one JSON object."""
    view = read_view(engine, id, reviewer, is_full=True)
    if view is None:
        show_made(engine, id, flags)
    elif flags.json:
        from store.review.api import write_view

        tell(json.dumps(write_view(view), ensure_ascii=False))
        return
    else:
        tell("\n".join(list_lines(view, read_unit(engine, id), flags)))
    if flags.calls:
        show_calls(engine, id)


def read_unit(engine: Engine, id: str) -> str:
    """Return where a talk's input came from."""
    with explained(engine), Session(engine) as db:
        return name_unit(db.get(SeedRow, db.get_one(DialogueRow, id).seed_id))


def show_made(engine: Engine, id: str, flags: Namespace) -> None:
    """Print what is stored as a dialogue and is no talk; raises InputError where there is nothing of this id."""
    with explained(engine), Session(engine) as db:
        row = db.get(DialogueRow, id)
        if row is None:
            raise InputError(f"there is no dialogue {id!r}; python -m store.dialogues list names them")
        if flags.json:
            raise InputError(f"{id} is a {row.kind.replace('_', ' ')}; only talks are shown as JSON")
        tell("\n".join(tell_made(db, row)))


def list_lines(view: View, unit: str, flags: Namespace) -> list[str]:
    """Return a talk line by line; `unit` names what it was made of."""
    head = view.head
    marks = [name for name in ("rehearsal", "edited") if head[f"is_{name}"]]
    seen = replace(view.dialogue, people=None) if view.is_blind else view.dialogue
    why = show_line(head["reason"] or head["end_reason"] or "")
    risk = paint(f"risk {head['risk_tier']}", *(("red",) if head["is_crisis"] else ()))
    lines = [
        paint(", ".join([f"{view.id}  {head['recipe']}", unit, *marks]), "bold"),
        f"{head['outcome']} ({why}), {find_standing(seen)}, {risk}",
        "",
    ]
    for line in view.lines:
        lines += tell_line(line, head["language"], flags)
    lines.append("")
    lines += [tell_finding(found, "") for found in view.whole]
    lines += [tell_verdict(verdict) for verdict in view.verdicts]
    lines += [tell_said(said) for said in view.log if said.number is None]
    if view.is_blind:
        lines.append(paint("what others said of it is shown after your own verdict", "faint"))
    return lines


def tell_line(line: Line, language: str, flags: Namespace) -> list[str]:
    """Return an utterance and what hangs on it."""
    told = [f"{INDENT}{paint(f'({one.text})', 'faint')}" for one in (line.reasoning,) if one and flags.reasoning]
    if flags.reasoning and (line.thought or line.problem):
        told.append(f"{INDENT}{paint(f'[{line.thought.text if line.thought else line.problem}]', 'cyan')}")
    text = "".join(paint(piece.text, *(("underline",) if piece.found else ())) for piece in line.passage.pieces)
    speaker = paint(NAMES[language][line.speaker], "bold")
    stage = paint(f"  <{show_line(line.stage)}>", "faint") if line.stage else ""
    told.append(f"{line.number:>3}  {speaker}: {text}{stage}")
    told += [f"{INDENT}{tell_finding(found, line.raw)}" for found in line.findings]
    told += [f"{INDENT}{tell_verdict(verdict)}" for verdict in line.verdicts]
    if flags.attempts:
        told += tell_attempts(line.attempts, line.raw)
    return told + [f"{INDENT}{tell_said(said)}" for said in line.said]


def tell_finding(found: FindingRecord, words: str) -> str:
    """Return what a check found, with the words it is about."""
    start, end = found.span
    about = show_line(words[start:end])
    quoted = f" “{about[:QUOTED]}{'…' if len(about) > QUOTED else ''}”" if about else ""
    return f"{paint(f'finding {found.rule} ({found.severity}):', 'yellow')}{quoted} {show_line(found.reason)}"


def tell_verdict(verdict: Verdict) -> str:
    """Return what a critic judged, with its quotes."""
    by = f" by {show_line(verdict.model)}" if verdict.model else ""
    about = f" on the {verdict.about}" if verdict.about != "line" else ""
    if verdict.unscored:
        return f"verdict {verdict.rubric}{by}{about}: unscored: {show_line(verdict.unscored)}"
    told = ", ".join(
        f"{show_line(item)} {score:g}" + (f" “{show_line(quote)}”" if (quote := verdict.quotes.get(item)) else "")
        for item, score in verdict.scores.items()
    )
    return f"verdict {verdict.rubric}{by}{about}: {told} {show_line(verdict.reason)}".rstrip()


def tell_attempts(attempts: Sequence[Attempt], stands: str) -> list[str]:
    """Return the drafts of a reply that were not said, each as a change towards what was."""
    told = []
    for draft in attempts:
        if not draft.is_chosen:
            told.append(f"{INDENT}attempt {draft.number}: {show_change(draft.passage.text, stands)}")
            told += [f"{INDENT}  {tell_finding(found, draft.passage.text)}" for found in draft.findings]
            told += [f"{INDENT}  {tell_verdict(verdict)}" for verdict in draft.verdicts]
    return told


def tell_said(said: Said) -> str:
    """Return a line of the log."""
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(said.at))
    word = f"{said.word}{' (settles it)' if said.is_adjudication else ''}{' (taken back)' if said.is_undone else ''}"
    scores = ", ".join(f"{name} {score:g}" for name, score in said.scores.items())
    parts = [", ".join(said.reasons), scores, said.other_id, show_line(said.comment)]
    told = paint(" ".join([f"{day} {said.reviewer}: {word}", *filter(None, parts)]), "cyan")
    return told + (f"\n{INDENT}  {show_change(said.before, said.after)}" if said.word == "edit" else "")


def show_calls(engine: Engine, id: str) -> None:
    """Print the calls behind a dialogue."""
    with explained(engine), Session(engine) as db:
        row = db.get_one(DialogueRow, id)
        query = select(CallRow).where(CallRow.run_id == row.run_id, CallRow.position == row.position)
        for call in db.exec(query.order_by(col(CallRow.number))):
            tokens = f"{call.prompt_tokens} + {call.completion_tokens} tokens"
            tell(f"call {call.number}: {call.branch} on {show_text(call.served_model)}, {tokens}, {call.outcome}")
