"""Lists and shows what was made beside the talks: scenarios, treatment plans, and whatever else has no card."""

import json

from sqlmodel import Session, col, select

from store.shell.terminal import show_text
from store.standing import Standing, standing_of
from store.tables import ArtefactRow, DecisionRow, DialogueRow, SeedRow

MOST = 1_000
"""Made things listed at once."""


def find_standing(db: Session, dialogue: DialogueRow) -> Standing:
    """Return a dialogue's standing from its newest decision and from what people say."""
    decision = db.exec(
        select(DecisionRow).where(DecisionRow.dialogue_id == dialogue.id).order_by(col(DecisionRow.id).desc())
    ).first()
    return standing_of(
        dialogue.outcome,
        decision.choice if decision else None,  # type: ignore[arg-type]
        dialogue.people,  # type: ignore[arg-type]
        is_crisis=dialogue.is_crisis,
        is_edited=dialogue.is_edited,
        is_seen=not dialogue.is_edited or dialogue.checks is not None,
    )


def name_unit(seed: SeedRow | None) -> str:
    """Return where a dialogue's input came from, in a few words."""
    if seed is None:
        return ""
    if seed.emotion is not None:
        return f"{seed.emotion} x {seed.scene}"
    if seed.kind == "dialogue":
        return f"dialogue {seed.row_id}"
    return show_text(f"{seed.file}:{seed.row}" + (f" ({seed.row_id})" if seed.row_id else ""))


def list_made(db: Session, run: int) -> list[DialogueRow]:
    """Return what a run made that is no talk, in the order of its plan."""
    query = select(DialogueRow).where(DialogueRow.run_id == run, col(DialogueRow.kind) != "talk")
    return list(db.exec(query.order_by(col(DialogueRow.position)).limit(MOST)))


def tell_made(db: Session, row: DialogueRow) -> list[str]:
    """Return something made as it reads."""
    rehearsal = ", rehearsal" if row.is_rehearsal else ""
    unit = name_unit(db.get(SeedRow, row.seed_id))
    why = show_text(row.reason or row.end_reason or "")
    lines = [
        f"{row.id}  {row.recipe} ({row.kind.replace('_', ' ')}), {unit}{rehearsal}",
        f"{row.outcome} ({why}), {find_standing(db, row)}, risk {row.risk_tier}\n",
    ]
    query = select(ArtefactRow).where(ArtefactRow.dialogue_id == row.id, ArtefactRow.kind == row.kind)
    for artefact in db.exec(query.order_by(col(ArtefactRow.number))):
        lines += word_artefact(json.loads(artefact.body))
    return lines


def word_artefact(body: object, indent: str = "") -> list[str]:
    """Return what was made, part by part; what has parts or lines of its own stands indented below its name."""
    if not isinstance(body, dict | list):
        return [indent + line for line in show_text(str(body)).split("\n")]
    named = body.items() if isinstance(body, dict) else [("-", part) for part in body]
    lines = []
    for name, part in named:
        inner = word_artefact(part, indent + "  ")
        mark = indent + (f"{show_text(str(name))}:" if isinstance(body, dict) else "-")
        is_plain = len(inner) == 1 and not isinstance(part, dict | list)
        lines += [f"{mark} {inner[0].strip()}"] if is_plain else [mark, *inner]
    return lines
