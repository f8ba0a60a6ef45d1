"""Reads talks out of the store for an export, some hundred at a time and all of one moment."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, text

from store.coverage import STANDING_COLUMNS
from store.db import explained
from store.export.talk import StoredLine
from store.standing import Choice, People
from store.trace import ROLES, WIDTH

BATCH = 500
Call = tuple[int, int, int]
"""A call's run, position and number."""
HEADS = text(
    f"SELECT d.id, d.run_id, d.position, d.recipe, d.language, d.is_rehearsal, d.checks, d.exchanges, d.parent_id,"
    f" d.request_id, d.risk_tier, d.end_reason, {STANDING_COLUMNS}, s.digest, s.kind AS seed_kind, s.emotion, s.scene,"
    ' s."text" AS seed_text, s.licence, s.source, s.file, s."row", s.row_id FROM dialogues d'
    " JOIN seeds s ON s.id = d.seed_id WHERE d.kind = 'talk' AND d.id > :last ORDER BY d.id LIMIT :most"
)
ROOTS = (
    'SELECT d.id, d.parent_id, d.request_id, s.kind AS seed_kind, s.digest, s.emotion, s.scene, s."text" AS seed_text,'
)
ROOTS += ' s.licence, s.source, s.file, s.row_id, s."row" FROM dialogues d JOIN seeds s ON s.id = d.seed_id'


def asking(query: str) -> Any:
    """Return a query that asks for some ids."""
    return text(query).bindparams(bindparam("ids", expanding=True))


ROOTS_OF = asking(f"{ROOTS} WHERE d.id IN :ids")
LINES = asking(
    'SELECT dialogue_id, number, speaker, "text", reasoning, call_number FROM utterances WHERE dialogue_id IN :ids'
    " ORDER BY dialogue_id, number"
)
THOUGHTS = asking('SELECT dialogue_id, number, "text" FROM thoughts WHERE dialogue_id IN :ids AND "text" IS NOT NULL')
SCORES = asking(
    "SELECT dialogue_id, rubric, version, scores FROM verdicts WHERE dialogue_id IN :ids AND exchange = 0"
    " AND about = 'line' AND scores IS NOT NULL ORDER BY dialogue_id, number"
)
FINDINGS = asking(
    "SELECT DISTINCT f.dialogue_id, f.rule FROM findings f WHERE f.dialogue_id IN :ids AND (f.exchange = 0"
    " OR f.speaker = 'client' OR f.attempt = coalesce((SELECT a.attempt FROM attempts a WHERE"
    " a.dialogue_id = f.dialogue_id AND a.exchange = f.exchange AND a.is_chosen), f.attempt))"
)
"""Of what stands in the dialogue: the whole, the client, and the drafts that were chosen."""
CALLS = (
    "SELECT d.id, k.{column} FROM (SELECT dialogue_id, {which}(number) AS number FROM utterances"
    " WHERE dialogue_id IN :ids AND speaker = 'counselor' GROUP BY dialogue_id) e"
    " JOIN utterances u ON u.dialogue_id = e.dialogue_id AND u.number = e.number"
    " JOIN dialogues d ON d.id = e.dialogue_id"
    " JOIN calls k ON k.run_id = d.run_id AND k.position = d.position AND k.number = u.call_number"
)
SERVED = text(
    "SELECT run_id, position, number, served_model FROM calls WHERE (run_id, position, number) IN :calls"
).bindparams(bindparam("calls", expanding=True))
LAST_MODELS = asking(CALLS.format(column="served_model", which="max"))
FIRST_REQUESTS = asking(CALLS.format(column="messages", which="min"))
PAIRED = asking(
    "SELECT d.id FROM dialogues d WHERE d.id IN :ids AND (EXISTS (SELECT 1 FROM attempts a WHERE a.dialogue_id = d.id"
    " AND NOT a.is_chosen) OR EXISTS (SELECT 1 FROM edits e WHERE e.dialogue_id = d.id) OR EXISTS (SELECT 1 FROM"
    " reviews r WHERE r.verdict = 'prefer' AND (r.dialogue_id = d.id OR r.other_id = d.id)))"
)
CONTENTS = asking("SELECT hash, content FROM messages WHERE hash IN :ids")


class Head(NamedTuple):
    """A talk without its words, with what it was made of, as HEADS asks for it."""

    id: str
    run_id: int
    position: int
    recipe: str
    language: str
    is_rehearsal: bool
    checks: str | None
    exchanges: int
    parent_id: str | None
    request_id: int | None
    risk_tier: str
    end_reason: str | None
    outcome: str
    people: People | None
    is_crisis: bool
    is_edited: bool
    is_checked: int
    choice: Choice | None
    digest: bytes
    seed_kind: str
    emotion: str | None
    scene: str | None
    seed_text: str | None
    licence: str | None
    source: str | None
    file: str | None
    row: int | None
    row_id: str | None


@dataclass(frozen=True, slots=True)
class Root:
    """What a talk was made of in the end: where its words come from, under which licence."""

    kind: str
    digest: bytes
    emotion: str | None
    scene: str | None
    text: str | None
    licence: str | None
    source: str | None
    file: str | None
    row: int | None
    row_id: str | None

    @property
    def is_ours(self) -> bool:
        """Whether nobody else's words are in it: a cell, or a scenario written for one."""
        return self.kind in ("cell", "scenario")


@contextmanager
def frozen(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees the store as it is at this moment, however long it is read."""
    with explained(engine), engine.connect() as db:
        if engine.dialect.name == "postgresql":
            db = db.execution_options(isolation_level="REPEATABLE READ")
        with db.begin():
            yield db


def fetch(db: Connection, query: Any, **values: Any) -> list[Any]:
    """Return the rows of a query as the driver's own tuples, which is twice as fast as rows with names."""
    cursor = db.execute(query, values).cursor
    assert cursor is not None
    return list(cursor.fetchall())


def count_talks(db: Connection) -> int:
    """Return how many talks there are."""
    count: int = db.execute(text("SELECT count(*) FROM dialogues WHERE kind = 'talk'")).scalar_one()
    return count


def scan_heads(db: Connection) -> Iterator[list[Head]]:
    """Yield all talks without their words, a batch at a time."""
    last = ""
    while batch := list(map(Head._make, fetch(db, HEADS, last=last, most=BATCH))):
        yield batch
        last = batch[-1].id


def read_lines(db: Connection, ids: Sequence[str]) -> dict[str, list[StoredLine]]:
    """Return the utterances of some talks, by id and in order."""
    lines: dict[str, list[StoredLine]] = {id: [] for id in ids}
    for line in fetch(db, LINES, ids=list(ids)):
        lines[line[0]].append(line)
    return lines


def read_thoughts(db: Connection, ids: Sequence[str]) -> dict[str, dict[int, str]]:
    """Return the counselor's own thoughts, by id and number of the utterance."""
    thoughts: dict[str, dict[int, str]] = {}
    for id, number, said in db.execute(THOUGHTS, {"ids": list(ids)}):
        thoughts.setdefault(id, {})[number] = said
    return thoughts


def read_scores(db: Connection, ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return by id and rubric the mean of the items over those who judged the whole by the rubric's newest version."""
    given: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for id, rubric, version, told in db.execute(SCORES, {"ids": list(ids)}):
        if scores := json.loads(told):
            mean = sum(scores.values()) / len(scores)
            given.setdefault(id, {}).setdefault(rubric, []).append((version, mean))
    return {id: {name: mean_of_newest(means) for name, means in sorted(by.items())} for id, by in given.items()}


def mean_of_newest(means: Sequence[tuple[int, float]]) -> float:
    """Return the mean over the verdicts of the newest version."""
    newest = max(version for version, _ in means)
    kept = sorted(mean for version, mean in means if version == newest)
    return sum(kept) / len(kept)


def read_findings(db: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return by id the rules that findings on the talk as it stands name."""
    found: dict[str, list[str]] = {}
    for id, rule in db.execute(FINDINGS, {"ids": list(ids)}):
        found.setdefault(id, []).append(rule)
    return {id: sorted(rules) for id, rules in found.items()}


def read_models(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the model of each talk's last reply; a talk that was brought in has none."""
    return {row.id: row.served_model for row in db.execute(LAST_MODELS, {"ids": list(ids)})}


def read_served(db: Connection, heads: Sequence[Head], lines: Mapping[str, Sequence[StoredLine]]) -> dict[str, str]:
    """Return what `read_models` does, by the calls that stand beside the lines."""
    last: dict[Call, str] = {}
    for head in heads:
        replies = (line[5] for line in reversed(lines[head.id]) if line[2] == "counselor")
        if (number := next(replies, None)) is not None:
            last[head.run_id, head.position, number] = head.id
    served = fetch(db, SERVED, calls=list(last)) if last else []
    return {last[run_id, position, number]: model for run_id, position, number, model in served}


def read_systems(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the system prompt that was sent for each talk's first reply, where one was."""
    sent: dict[str, list[bytes]] = {}
    for id, packed in db.execute(FIRST_REQUESTS, {"ids": list(ids)}):
        parts = [bytes(packed)[start : start + WIDTH] for start in range(0, len(packed), WIDTH)]
        sent[id] = [part[1:] for part in parts if ROLES[chr(part[0])] == "system"]
    hashes = sorted({key for keys in sent.values() for key in keys})
    held = {bytes(key): content for key, content in db.execute(CONTENTS, {"ids": hashes})} if hashes else {}
    return {id: "\n\n".join(held[key] for key in keys if key in held) for id, keys in sent.items() if keys}


def read_paired(db: Connection, ids: Sequence[str]) -> set[str]:
    """Return those that may hold a better and a worse reply: a draft sent back, an edit, a talk preferred."""
    return set(db.execute(PAIRED, {"ids": list(ids)}).scalars())


def find_root(db: Connection, row: Any, known: dict[str, Any]) -> Root:
    """Return what a talk was made of: a dialogue made of a dialogue goes back to that one's input.

    `known` holds the talks on the way, so that no chain is read twice.
    """
    while row.seed_kind == "dialogue":
        above = read_known(db, row.parent_id or row.row_id, known)
        if above is None:
            break
        row = above
    return Root(
        row.seed_kind, bytes(row.digest), row.emotion, row.scene, row.seed_text, row.licence, row.source, row.file,
        row.row, row.row_id,
    )  # fmt: skip


def find_family(db: Connection, row: Any, known: dict[str, Any]) -> str:
    """Return the id of the talk that this one is another try of, since somebody wished it run again; else its own."""
    while row.request_id is not None and row.parent_id is not None:
        above = read_known(db, row.parent_id, known)
        if above is None:
            break
        row = above
    id: str = row.id
    return id


def read_known(db: Connection, id: str, known: dict[str, Any]) -> Any:
    """Return what is asked of a talk that another one was made of, None where it is not stored."""
    if id not in known:
        known[id] = db.execute(ROOTS_OF, {"ids": [id]}).one_or_none()
    return known[id]
