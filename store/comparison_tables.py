"""The tables of comparisons: what each model answered in writing, how it was judged, and which sessions it has."""

from sqlmodel import Field, SQLModel

from store.tables import CLUSTERED, long_text


class ComparisonAnswerRow(SQLModel, table=True):
    """One model's answer to one question, with what the checks found in it; `run_id` is the comparison's own run."""

    __tablename__ = "comparison_answers"
    __table_args__ = CLUSTERED

    run_id: int = Field(primary_key=True, foreign_key="runs.id")
    position: int = Field(primary_key=True)
    """The question's place in the comparison; its calls stand there in the ledger."""
    model: str = Field(primary_key=True)
    """The endpoint's name."""
    text: str | None = Field(default=None, sa_column=long_text())
    reasoning: str | None = Field(default=None, sa_column=long_text())
    failure: str | None = Field(default=None, sa_column=long_text())
    """Why there is no text."""
    findings: str = Field(sa_column=long_text(nullable=False))
    """As JSON."""
    checks: str
    """The version of the checks."""
    call_number: int | None = None


class ComparisonVerdictRow(SQLModel, table=True):
    """What the judge scored of one answer; without scores it is unscored, and says why."""

    __tablename__ = "comparison_verdicts"
    __table_args__ = CLUSTERED

    run_id: int = Field(primary_key=True, foreign_key="runs.id")
    position: int = Field(primary_key=True)
    model: str = Field(primary_key=True)
    rubric: str = Field(primary_key=True)
    version: int
    judge: str
    scores: str | None = Field(default=None, sa_column=long_text())
    quotes: str | None = Field(default=None, sa_column=long_text())
    reason: str | None = Field(default=None, sa_column=long_text())
    unscored: str | None = Field(default=None, sa_column=long_text())
    call_number: int | None = None


class ComparisonPairRow(SQLModel, table=True):
    """Which of two answers the judge preferred, shown in this order; without a choice it is unscored, and says why."""

    __tablename__ = "comparison_pairs"
    __table_args__ = CLUSTERED

    run_id: int = Field(primary_key=True, foreign_key="runs.id")
    position: int = Field(primary_key=True)
    first: str = Field(primary_key=True)
    """The model whose answer stood first."""
    second: str = Field(primary_key=True)
    judge: str
    choice: str | None = None
    """`first`, `second` or `same`."""
    reason: str | None = Field(default=None, sa_column=long_text())
    unscored: str | None = Field(default=None, sa_column=long_text())
    call_number: int | None = None


class ComparisonSessionsRow(SQLModel, table=True):
    """The run in which one model sat in the counselor's chair."""

    __tablename__ = "comparison_sessions"
    __table_args__ = CLUSTERED

    run_id: int = Field(primary_key=True, foreign_key="runs.id")
    model: str = Field(primary_key=True)
    sessions_run_id: int = Field(foreign_key="runs.id")
