"""Writes what people said of dialogues, for training and for other tools; one database gives the same bytes each time.

`jsonl` and `csv` hold a line of the log each, those that were taken back included. `argilla` holds a dialogue each in
the shape of Argilla 2 (Record.to_dict), and `pairs` an edit of a reply each, as a preference after the talk so far.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Engine

from store.blind import list_verdicts
from store.filters import Filter
from store.judging import StoredDialogue
from store.labelled import Labelled, number_reviewers, read_labelled
from store.standing import list_standing

Form = Literal["jsonl", "csv", "argilla", "pairs"]
ROLES = {"client": "user", "counselor": "assistant"}
COLUMNS = (
    "line", "dialogue", "recipe", "model", "language", "emotion", "scene", "outcome", "standing", "is_rehearsal",
    "reviewer", "word", "is_adjudication", "is_taken_back", "reasons", "comment", "number", "speaker", "text",
    "span_start", "span_end", "scores", "other", "undoes", "before", "after", "guide", "wanted", "way", "seconds", "at",
)  # fmt: skip
ACTIVE = tuple("=+-@\t\r\n＝＋－＠")
"""What a cell begins with where a spreadsheet would take it for a formula; the wide ones are typed in Chinese."""


def write_labels(
    engine: Engine, asked: Filter, form: Form, *, viewer: str = "", anonymous: bool = False, bom: bool = False
) -> Iterator[str]:
    """Yield the text of a file, piece by piece, of the dialogues of a filter in the order of their plans.

    Where a `viewer` is named, what others said is left out where the viewer has not judged. `anonymous` writes
    reviewers as numbers; a name within a comment stays. `bom` begins a CSV with a byte order mark.
    """
    names = number_reviewers(engine) if anonymous else {}
    if form == "csv":
        yield ("\ufeff" if bom else "") + write_row(COLUMNS)
    write = WRITERS[form]
    for labelled in read_labelled(engine, asked, viewer):
        yield "".join(write(labelled, lambda name: names.get(name, name)))


def list_records(labelled: Labelled, name_of: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Yield each line of a log with what it is about; `text` is the utterance as it read then."""
    standing = {line.id for line in list_standing(labelled.log)}
    changes = {edit["review_id"]: edit for edit in labelled.edits}
    for row in labelled.rows:
        edit, number = changes.get(row["id"]), row["number"]
        about = labelled.dialogue.utterances[number] if number is not None else None
        values = {
            **{name: labelled.card[name] for name in COLUMNS[2:9]},
            **{name: row[name] for name in COLUMNS if name in row},
            "line": row["id"],
            "dialogue": row["dialogue_id"],
            "standing": None if labelled.is_blind else labelled.card["standing"],
            "is_rehearsal": bool(labelled.card["is_rehearsal"]),
            "reviewer": name_of(row["reviewer"]),
            "word": row["verdict"],
            "is_adjudication": bool(row["is_adjudication"]),
            "is_taken_back": row["verdict"] != "undo" and row["id"] not in standing,
            "reasons": json.loads(row["reasons"]) if row["reasons"] else [],
            "scores": json.loads(row["scores"]) if row["scores"] else {},
            "speaker": about.speaker if about else None,
            "text": labelled.read_at(number, row["id"]) if about else None,
            "other": row["other_id"],
            "before": edit["before"] if edit else None,
            "after": edit["after"] if edit else None,
            "at": datetime.fromtimestamp(row["created_at"], UTC).isoformat(timespec="milliseconds"),
        }
        yield {name: values[name] for name in COLUMNS}


def write_json(record: Mapping[str, Any]) -> str:
    """Return a record as a line of JSON."""
    return json.dumps(record, ensure_ascii=False) + "\n"


def write_row(cells: Sequence[Any]) -> str:
    """Return a row of a CSV as RFC 4180 has it, with no cell that a spreadsheet would compute."""
    held = io.StringIO()
    csv.writer(held, lineterminator="\r\n").writerow([neutralise(cell) for cell in cells])
    return held.getvalue()


def neutralise(cell: Any) -> str:
    """Return a value as the text of a cell; what looks like a formula begins with an apostrophe."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, list):
        cell = ";".join(cell)
    elif isinstance(cell, dict):
        cell = ";".join(f"{name}={value:g}" for name, value in cell.items())
    told = str(cell)
    return f"'{told}" if told.startswith(ACTIVE) else told


def write_lines(labelled: Labelled, name_of: Callable[[str], str]) -> Iterator[str]:
    """Yield the lines of a log as JSON."""
    return (write_json(record) for record in list_records(labelled, name_of))


def write_rows(labelled: Labelled, name_of: Callable[[str], str]) -> Iterator[str]:
    """Yield the lines of a log as rows of a table."""
    return (write_row(list(record.values())) for record in list_records(labelled, name_of))


def write_pairs(labelled: Labelled, name_of: Callable[[str], str]) -> Iterator[str]:
    """Yield each edit of a reply that stands as a preference of the words after it over those before."""
    standing = {line.id for line in list_standing(labelled.log) if line.word == "edit"}
    lines = labelled.dialogue.utterances
    authors = {row["id"]: row["reviewer"] for row in labelled.rows}
    for edit in labelled.edits:
        number, id = edit["number"], edit["review_id"]
        if id in standing and id in authors and lines[number].speaker == "counselor":
            talk = [{"role": ROLES[lines[n].speaker], "content": labelled.read_at(n, id)} for n in range(number)]
            yield write_json(
                {
                    "prompt": talk,
                    "chosen": [{"role": "assistant", "content": edit["after"]}],
                    "rejected": [{"role": "assistant", "content": edit["before"]}],
                    "dialogue": labelled.dialogue.id,
                    "number": number,
                    "reviewer": name_of(authors[id]),
                    "standing": None if labelled.is_blind else labelled.card["standing"],
                    "is_rehearsal": labelled.dialogue.is_rehearsal,
                }
            )


def write_argilla(labelled: Labelled, name_of: Callable[[str], str]) -> Iterator[str]:
    """Yield a dialogue as a record: people's last verdicts as responses, the policy's and the critics' as suggestions.

    A user of Argilla is a UUID, here one drawn from the name; `metadata.reviewers` has the names in the order of
    `responses.verdict`.
    """
    dialogue, card = labelled.dialogue, labelled.card
    rows = {row["id"]: row for row in labelled.rows}
    verdicts = [rows[line.id] for line in list_verdicts(labelled.log).values() if line.id in rows]
    if not verdicts:
        return
    responses: dict[str, list[dict[str, Any]]] = {}
    for row in verdicts:
        answers = {"verdict": row["verdict"], "reasons": json.loads(row["reasons"] or "[]"), "comment": row["comment"]}
        for question, value in (answers | json.loads(row["scores"] or "{}")).items():
            if value:
                user = str(uuid5(NAMESPACE_URL, f"reviewer:{name_of(row['reviewer'])}"))
                responses.setdefault(question, []).append({"value": value, "user_id": user, "status": "submitted"})
    kept = ("recipe", "model", "language", "emotion", "scene", "outcome")
    about = {name: card[name] for name in kept if card[name]}
    about |= {"flags": sum(row["verdict"] == "flag" for row in labelled.rows)}
    yield write_json(
        {
            "id": dialogue.id,
            "fields": {"dialogue": [{"role": ROLES[one.speaker], "content": one.text} for one in dialogue.utterances]},
            "metadata": about | {"reviewers": [name_of(row["reviewer"]) for row in verdicts]},
            "suggestions": list_suggestions(dialogue),
            "responses": responses,
            "vectors": {},
        }
    )


def list_suggestions(dialogue: StoredDialogue) -> dict[str, dict[str, Any]]:
    """Return what the policy chose as `verdict`, and by rubric what critics gave the whole talk, in words."""
    suggested: dict[str, dict[str, Any]] = {}
    if dialogue.decision is not None and dialogue.decision.choice in ("accept", "reject"):
        suggested["verdict"] = {"value": dialogue.decision.choice, "score": None, "agent": "policy"}
    for one in dialogue.verdicts:
        if one.exchange == 0 and one.about == "line" and one.scores:
            told = ", ".join(f"{item} {score:g}" for item, score in one.scores.items())
            suggested[one.rubric] = {"value": told, "score": None, "agent": one.model or None}
    return suggested


WRITERS: dict[Form, Callable[[Labelled, Callable[[str], str]], Iterator[str]]] = {
    "jsonl": write_lines,
    "csv": write_rows,
    "argilla": write_argilla,
    "pairs": write_pairs,
}
