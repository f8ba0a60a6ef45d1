"""The tables of training: jobs, what each was made of and how it ended, their metrics, and this database's name."""

from sqlalchemy import BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.tables import CLUSTERED, long_text


def wide(**options: bool) -> Column[int]:
    """Return a column for whole numbers of 64 bits."""
    return Column(BigInteger, **options)  # type: ignore[arg-type]


class DatabaseRow(SQLModel, table=True):
    """The name of this database, drawn once: what its jobs write on disk is known by it. One row."""

    __tablename__ = "database_name"

    number: int = Field(primary_key=True)
    name: str


class JobRow(SQLModel, table=True):
    """A fine-tune: what is trained on what with which code, who holds it, and how far it is."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("trigger_mix", "trigger_after"),)

    id: int | None = Field(default=None, primary_key=True)
    state: str
    """See store.jobs.State."""
    reason: str | None = Field(default=None, sa_column=long_text())
    wish: str | None = None
    """`cancel`, where somebody has asked for its end."""
    model: str
    """The base model as the configuration names it."""
    mix: str
    mix_sha256: str
    shards: str
    """The folder of the export."""
    shard_hashes: str = Field(sa_column=long_text(nullable=False))
    """The sha256 of each shard by its path, as JSON."""
    config_file: str
    config: str = Field(sa_column=long_text(nullable=False))
    """The configuration as it was read."""
    accelerate: str
    world_size: int
    """Ranks on all machines together."""
    machines: int = 1
    machine_rank: int = 0
    command: str = Field(default="[]", sa_column=long_text(nullable=False))
    settings: str = Field(default="{}", sa_column=long_text(nullable=False))
    """What the command is made from again when the job goes on, as JSON."""
    workdir: str
    folder: str
    """Where log, marker and configuration stand."""
    output: str
    """Where the trainer writes: metrics, checkpoints, the model."""
    versions: str = Field(sa_column=long_text(nullable=False))
    git_commit: str | None = None
    trigger_mix: str | None = None
    trigger_after: int | None = None
    """The job that was triggered for this mix before, 0 for none; a job is followed by one alone."""
    trigger_count: int | None = None
    """Accepted dialogues in the mix when it was triggered."""
    owner: str
    host: str
    boot: str
    """Which boot of the host, and which of its process tables."""
    token: str
    """Stands in the environment of every process of the trainer."""
    follower_pid: int
    follower_started: int = Field(sa_column=wide(nullable=False))
    """Ticks since the boot: with it a process is mistaken for no later one of the same number."""
    trainer_pid: int | None = None
    trainer_started: int | None = Field(default=None, sa_column=wide())
    launches: int = 1
    heartbeat_at: float
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    spent_s: float = 0.0
    """Seconds of the launches before this one."""
    step: int | None = None
    steps: int | None = None
    loss: float | None = None
    eval_loss: float | None = None
    tokens_per_s: float | None = None
    loss_tokens_per_s: float | None = None
    mfu: float | None = None
    eta_s: float | None = None
    read_bytes: int = Field(default=0, sa_column=wide(nullable=False))
    """How much of the trainer's metrics is stored."""


class JobMetricRow(SQLModel, table=True):
    """What the trainer told of one step."""

    __tablename__ = "job_metrics"
    __table_args__ = CLUSTERED

    job_id: int = Field(primary_key=True, foreign_key="jobs.id")
    step: int = Field(primary_key=True)
    at: float
    epoch: float | None = None
    loss: float | None = None
    eval_loss: float | None = None
    grad_norm: float | None = None
    learning_rate: float | None = None
    tokens: int | None = Field(default=None, sa_column=wide())
    loss_tokens: int | None = Field(default=None, sa_column=wide())
    tokens_per_s: float | None = None
    loss_tokens_per_s: float | None = None
    mfu: float | None = None
