"""Shows stored dialogues in a shell: python -m store.dialogues list | show ID [--reasoning] [--calls] [--db URL]."""

import json
import unicodedata
from argparse import Namespace
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.db import DEFAULT_URL, choose_url, open_db
from store.standing import Standing, standing_of
from store.tables import (
    ArtefactRow,
    CallRow,
    DecisionRow,
    DialogueRow,
    FindingRow,
    SeedRow,
    ThoughtRow,
    UtteranceRow,
    VerdictRow,
)
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError

Numbered = TypeVar("Numbered", UtteranceRow, FindingRow, VerdictRow, ThoughtRow, ArtefactRow)
NAMES = {
    "zh": {"client": "来访者", "counselor": "咨询师"},
    "en": {"client": "Client", "counselor": "Counselor"},
}


def show_text(text: str) -> str:
    """Return model text without control characters, so that nothing in it can steer a terminal."""
    return "".join(char if char == "\n" or unicodedata.category(char)[0] != "C" else "�" for char in text)


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


def list_dialogues(engine: Engine, flags: Namespace) -> None:
    """Print one line a dialogue, newest run first."""
    with Session(engine) as db:
        query = select(DialogueRow).order_by(col(DialogueRow.run_id).desc(), col(DialogueRow.position))
        if flags.run is not None:
            query = query.where(DialogueRow.run_id == flags.run)
        if flags.outcome is not None:
            query = query.where(DialogueRow.outcome == flags.outcome)
        for row in db.exec(query.limit(flags.limit)):
            seed = db.get(SeedRow, row.seed_id)
            unit = name_unit(seed)
            fields = {
                "id": row.id,
                "kind": row.kind,
                "outcome": row.outcome,
                "standing": find_standing(db, row),
                "exchanges": row.exchanges,
                "end": row.end_reason or row.error_kind or "",
                "risk": row.risk_tier,
                "unit": unit,
                "rehearsal": row.is_rehearsal,
            }
            if flags.json:
                print(json.dumps(fields, ensure_ascii=False))
            else:
                mark = "  rehearsal" if row.is_rehearsal else ""
                print(
                    f"{row.id:<10}{row.outcome:<10}{fields['standing']:<10}{row.exchanges:>3}  "
                    f"{fields['end']:<13}{row.risk_tier:<9}{unit}{mark}"
                )


def name_unit(seed: SeedRow | None) -> str:
    """Return where a dialogue's input came from, in a few words."""
    if seed is None:
        return ""
    if seed.emotion is not None:
        return f"{seed.emotion} x {seed.scene}"
    if seed.kind == "dialogue":
        return f"dialogue {seed.row_id}"
    return f"{seed.file}:{seed.row}" + (f" ({seed.row_id})" if seed.row_id else "")


def show_dialogue(engine: Engine, flags: Namespace) -> None:
    """Print a dialogue as it reads, with what was found and judged."""
    with Session(engine) as db:
        row = db.get(DialogueRow, flags.id)
        if row is None:
            raise InputError(f"there is no dialogue {flags.id!r}; python -m store.dialogues list names them")
        rehearsal = ", rehearsal" if row.is_rehearsal else ""
        made = "" if row.kind == "talk" else f" ({row.kind.replace('_', ' ')})"
        print(f"{row.id}  {row.recipe}{made}, {name_unit(db.get(SeedRow, row.seed_id))}{rehearsal}")
        why = row.reason or row.end_reason or ""
        print(f"{row.outcome} ({show_text(why)}), {find_standing(db, row)}, risk {row.risk_tier}\n")
        lines = of_dialogue(db, UtteranceRow, row.id)
        thoughts = {thought.number: thought for thought in of_dialogue(db, ThoughtRow, row.id)}
        for line in lines:
            if flags.reasoning and line.reasoning:
                print(f"    ({show_text(line.reasoning)})")
            if flags.reasoning and line.number in thoughts:
                thought = thoughts[line.number]
                print(f"    [{show_text(thought.text or thought.problem or '')}]")
            print(f"{NAMES[row.language][line.speaker]}: {show_text(line.text)}")
        for artefact in of_dialogue(db, ArtefactRow, row.id):
            if artefact.kind == row.kind:
                print("\n".join(word_artefact(json.loads(artefact.body))))
        print()
        for found in of_dialogue(db, FindingRow, row.id):
            place = f"exchange {found.exchange}, {found.speaker}, attempt {found.attempt}"
            print(f"finding {found.rule} ({found.severity}) at {place}: {show_text(found.reason)}")
        for verdict in of_dialogue(db, VerdictRow, row.id):
            if verdict.exchange == 0 or verdict.reason or verdict.unscored:
                place = f"exchange {verdict.exchange}" if verdict.exchange else "session"
                place += f", {verdict.about}" if verdict.about != "line" else ""
                told = verdict.scores or f"unscored: {show_text(verdict.unscored or '')}"
                by = f" by {show_text(verdict.model)}" if verdict.model else ""
                print(f"verdict {verdict.rubric}{by} on {place}: {told} {show_text(verdict.reason or '')}")
        if flags.calls:
            query = select(CallRow).where(CallRow.run_id == row.run_id, CallRow.position == row.position)
            for call in db.exec(query.order_by(col(CallRow.number))):
                tokens = f"{call.prompt_tokens} + {call.completion_tokens} tokens"
                print(f"call {call.number}: {call.branch} on {call.served_model}, {tokens}, {call.outcome}")


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


def of_dialogue(db: Session, table: type[Numbered], dialogue_id: str) -> Sequence[Numbered]:
    """Return a dialogue's rows of a table, in order."""
    query = select(table).where(table.dialogue_id == dialogue_id)
    return db.exec(query.order_by(col(table.number))).all()


def build_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("store.dialogues", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show")
    listing = verbs.add_parser("list", help="one line a dialogue")
    listing.add_argument("--run", type=int, metavar="N", help="only this run")
    listing.add_argument("--outcome", choices=("done", "rejected", "failed"), help="only these")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="at most N; default 50")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    showing = verbs.add_parser("show", help="one dialogue as it reads")
    showing.add_argument("id", metavar="ID", help="<run>/<position>")
    thinking = "the counselor's reasoning in round brackets too, and its inner voice in square ones"
    showing.add_argument("--reasoning", action="store_true", help=thinking)
    showing.add_argument("--calls", action="store_true", help="the calls behind it too")
    for verb in (listing, showing):
        verb.add_argument("--db", metavar="URL", help=f"default $DATABASE_URL, else {DEFAULT_URL}")
    return parser


def main() -> int:
    """List or show."""
    flags = build_parser().parse_args()
    engine = open_db(choose_url(flags.db), create=False)
    (list_dialogues if flags.verb == "list" else show_dialogue)(engine, flags)
    return 0


if __name__ == "__main__":
    run_main(main)
