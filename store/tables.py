"""The tables. Everything about a session hangs on its dialogue, and every utterance on the call that wrote it."""

from typing import Literal

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

Outcome = Literal["done", "rejected", "failed"]
UNDOING = text("undoes IS NOT NULL")
CLUSTERED = {"sqlite_with_rowid": False}
"""SQLite keeps such a table in the order of its key, without an index beside it."""


def long_text(**options: bool) -> Column[str]:
    """Return a column for text of any length."""
    return Column(Text, **options)  # type: ignore[arg-type]


class RunRow(SQLModel, table=True):
    """One invocation: what was asked for, with which code, and whether somebody is at it."""

    __tablename__ = "runs"

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(default="generate", sa_column_kwargs={"server_default": "generate"})
    recipe: str
    language: str
    plan_seed: int
    source: str
    first_position: int
    count: int
    config: str = Field(sa_column=long_text(nullable=False))
    versions: str = Field(sa_column=long_text(nullable=False))
    prompts: str = Field(sa_column=long_text(nullable=False))
    git_commit: str | None = None
    is_rehearsal: bool
    status: str
    owner: str | None = None
    heartbeat_at: float
    started_at: float
    ended_at: float | None = None


class SeedRow(SQLModel, table=True):
    """A unit of input: a cell, a scenario of a cell, a dialogue, or a text with the file and row it came from.

    What an ingest brought in has its run, language, licence and source; of kind `row` it is where a dialogue came from.
    """

    __tablename__ = "seeds"
    __table_args__ = (Index("seeds_by_run", "run_id", "row"),)

    id: int | None = Field(default=None, primary_key=True)
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    kind: str
    emotion: str | None = None
    scene: str | None = None
    text: str | None = Field(default=None, sa_column=long_text())
    file: str | None = None
    row: int | None = None
    row_id: str | None = None
    run_id: int | None = None
    """The ingest that brought it in."""
    language: str | None = None
    licence: str | None = None
    source: str | None = None
    """The data set by name: the same row is brought in once for each."""
    fields: str | None = Field(default=None, sa_column=long_text())
    """The other texts of its row by name, as JSON."""


class DialogueRow(SQLModel, table=True):
    """The record of one session; `id` is <run>/<position in the plan>."""

    __tablename__ = "dialogues"
    __table_args__ = (Index("dialogues_by_run", "run_id", "position", unique=True),)

    id: str = Field(primary_key=True)
    run_id: int = Field(foreign_key="runs.id")
    position: int
    seed_id: int = Field(foreign_key="seeds.id")
    kind: str = Field(default="talk", sa_column_kwargs={"server_default": "talk"})
    """A talk, or what was made for one or of one: a scenario, a treatment plan; see store.records.Kind."""
    parent_id: str | None = None
    """The dialogue it was made from."""
    recipe: str
    language: str
    outcome: str
    reason: str | None = Field(default=None, sa_column=long_text())
    error_kind: str | None = None
    end_reason: str | None = None
    plan: str = Field(sa_column=long_text(nullable=False))
    risk_tier: str
    is_crisis: bool
    is_rehearsal: bool
    is_edited: bool = False
    people: str | None = None
    """What people say of it: the log of reviews folded by store.standing.people_say, written with each line of it."""
    request_id: int | None = None
    """The line of the log that asked for it, where somebody wished a dialogue run again."""
    exchanges: int
    checks: str | None = None
    """The version of the checks that have seen it; None where none have."""
    created_at: float


class ProfileRow(SQLModel, table=True):
    """What the client played from, as JSON; the counselor never saw it."""

    __tablename__ = "profiles"

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    body: str = Field(sa_column=long_text(nullable=False))


class UtteranceRow(SQLModel, table=True):
    """One speaker's message: what was said, what was thought, and the call that made it."""

    __tablename__ = "utterances"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    number: int = Field(primary_key=True)
    speaker: str
    text: str = Field(sa_column=long_text(nullable=False))
    reasoning: str | None = Field(default=None, sa_column=long_text())
    stage: str | None = None
    call_number: int | None = None


class AttemptRow(SQLModel, table=True):
    """A counselor's draft that was judged; its words stand in the call that wrote it."""

    __tablename__ = "attempts"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    exchange: int = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    call_number: int
    is_chosen: bool


class ArtefactRow(SQLModel, table=True):
    """What a method made beside the talk, as JSON: a plan, an outline, a draft that was merged, a scenario."""

    __tablename__ = "artefacts"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    number: int = Field(primary_key=True)
    kind: str
    exchange: int
    body: str = Field(sa_column=long_text(nullable=False))
    call_number: int | None = None


class FindingRow(SQLModel, table=True):
    """What a check found on a line; exchange and attempt say which."""

    __tablename__ = "findings"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    number: int = Field(primary_key=True)
    exchange: int
    attempt: int
    speaker: str
    rule: str
    version: int
    severity: str
    span_start: int
    span_end: int
    reason: str = Field(sa_column=long_text(nullable=False))


class VerdictRow(SQLModel, table=True):
    """What a critic judged; without scores it is unscored, and says why."""

    __tablename__ = "verdicts"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    number: int = Field(primary_key=True)
    exchange: int
    attempt: int
    rubric: str
    version: int
    scores: str | None = Field(default=None, sa_column=long_text())
    quotes: str | None = Field(default=None, sa_column=long_text())
    reason: str | None = Field(default=None, sa_column=long_text())
    unscored: str | None = Field(default=None, sa_column=long_text())
    about: str = Field(default="line", sa_column_kwargs={"server_default": "line"})
    """`line`: what was said, with its raw reasoning; `thought`: the inner voice beside it, by its writings."""
    model: str | None = None
    repeat: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    judged_in: int | None = None
    """The run that asked; None where it was the dialogue's own."""
    call_number: int | None = None


class DisagreementRow(SQLModel, table=True):
    """How far the highest score of an item lies from the lowest, where several verdicts judge the same."""

    __tablename__ = "disagreements"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    exchange: int = Field(primary_key=True)
    rubric: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    item: str = Field(primary_key=True)
    spread: float
    verdicts: int


class ThoughtRow(SQLModel, table=True):
    """A counselor's thought in its own voice, beside the raw reasoning of the same utterance."""

    __tablename__ = "thoughts"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    number: int = Field(primary_key=True)
    text: str | None = Field(default=None, sa_column=long_text())
    problem: str | None = Field(default=None, sa_column=long_text())
    """Why there is no text."""
    version: int
    model: str
    judged_in: int | None = None
    call_number: int | None = None


class BandRow(SQLModel, table=True):
    """A piece of a dialogue's MinHash signature: two dialogues that share one may be near copies."""

    __tablename__ = "bands"
    __table_args__ = CLUSTERED

    band: int = Field(sa_column=Column(BigInteger, primary_key=True))
    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    version: int


class DecisionRow(SQLModel, table=True):
    """What a policy decided, and why; the newest one counts."""

    __tablename__ = "decisions"

    id: int | None = Field(default=None, primary_key=True)
    dialogue_id: str = Field(foreign_key="dialogues.id", index=True)
    policy: str
    version: int
    choice: str
    reasons: str = Field(sa_column=long_text(nullable=False))
    policy_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: float


class PolicyRow(SQLModel, table=True):
    """A policy as it was when it decided, as JSON, stored once under its hash."""

    __tablename__ = "policies"

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    name: str
    version: int
    body: str = Field(sa_column=long_text(nullable=False))


class ReviewRow(SQLModel, table=True):
    """A line of the log of what people said and did; lines are only added, and one may take an earlier one back."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index("reviews_by_reviewer", "reviewer", "dialogue_id"),
        Index("reviews_by_word", "reviewer", "verdict"),
        Index("reviews_undoes", "undoes", sqlite_where=UNDOING, postgresql_where=UNDOING),
    )

    id: int | None = Field(default=None, primary_key=True)
    dialogue_id: str = Field(foreign_key="dialogues.id", index=True)
    reviewer: str
    verdict: str
    """The word: see store.standing.Word."""
    is_adjudication: bool = False
    comment: str | None = Field(default=None, sa_column=long_text())
    created_at: float
    reasons: str | None = Field(default=None, sa_column=long_text())
    """Ids of reasons, as JSON."""
    guide: int | None = None
    """The version of the list of reasons and scales."""
    number: int | None = None
    """The utterance it is about, where it is about one."""
    span_start: int | None = None
    span_end: int | None = None
    scores: str | None = Field(default=None, sa_column=long_text())
    other_id: str | None = None
    """The dialogue beside it, where one of a pair is preferred."""
    undoes: int | None = None
    wanted: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """How many people had to accept it when this was said."""
    way: str = Field(default="page", sa_column_kwargs={"server_default": "page"})
    """`page`, `shell` or `bulk`."""
    seconds: float | None = None
    """How long it was looked at."""


class MessageRow(SQLModel, table=True):
    """A part of requests, stored once under the hash of its text."""

    __tablename__ = "messages"

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    content: str = Field(sa_column=long_text(nullable=False))


class ParametersRow(SQLModel, table=True):
    """All of a request but messages and seed, as JSON, stored once under its hash."""

    __tablename__ = "parameters"

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    requested_model: str
    body: str = Field(sa_column=long_text(nullable=False))


class CallRow(SQLModel, table=True):
    """One answered call: the request by hashes, the answer, and what it took.

    `messages` holds 11 bytes a part: the first letter of its role and the hash of its text.
    """

    __tablename__ = "calls"

    run_id: int = Field(primary_key=True, foreign_key="runs.id")
    position: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    agent: str
    branch: str
    prompt_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    messages: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    parameters_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    seed: int | None = None
    outcome: str
    content: str = Field(sa_column=long_text(nullable=False))
    reasoning: str | None = Field(default=None, sa_column=long_text())
    finish: str
    served_model: str
    fingerprint: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    latency_ms: int
    price: float | None = None
    currency: str | None = None
    created_at: float
