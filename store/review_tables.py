"""The tables of the review: who reviews, edits, leases, and the cards that lists and queues read."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from store.tables import CLUSTERED, long_text


class EditRow(SQLModel, table=True):
    """How a person changed an utterance: the words before and after, kept for ever."""

    __tablename__ = "edits"

    review_id: int = Field(primary_key=True, foreign_key="reviews.id")
    dialogue_id: str = Field(foreign_key="dialogues.id", index=True)
    number: int
    before: str = Field(sa_column=long_text(nullable=False))
    after: str = Field(sa_column=long_text(nullable=False))


class ReviewerRow(SQLModel, table=True):
    """Who may review; of the token only its hash is kept."""

    __tablename__ = "reviewers"

    name: str = Field(primary_key=True)
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    created_at: float
    revoked_at: float | None = None


class LoginRow(SQLModel, table=True):
    """A browser that somebody is logged in with; of its cookie only the hash is kept."""

    __tablename__ = "logins"

    cookie_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    reviewer: str
    created_at: float
    until: float


class LeaseRow(SQLModel, table=True):
    """Who has a dialogue before them, and until when nobody else is given it."""

    __tablename__ = "leases"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
    reviewer: str = Field(primary_key=True)
    until: float


class CardRow(SQLModel, table=True):
    """What lists and filters know of a talk; made from the other tables by store.cards, and made anew at any time."""

    __tablename__ = "cards"

    id: int | None = Field(default=None, primary_key=True)
    dialogue_id: str = Field(foreign_key="dialogues.id", unique=True)
    run_id: int
    position: int
    recipe: str
    model: str
    language: str
    emotion: str | None = None
    scene: str | None = None
    seed_id: int = Field(index=True)
    outcome: str
    standing: str
    is_crisis: bool
    is_rehearsal: bool
    is_edited: bool
    exchanges: int
    title: str
    """The client's first words."""
    flags: int
    """Lines that people flagged."""
    comments: int
    given: int
    """People who have given a verdict on the text as it reads."""
    is_disputed: bool
    priority: int
    """What is handed out first has the lowest: 0 danger, 1 in doubt, 2 all else."""
    lot: int
    """A number from 0 to 999 drawn from the id: planned overlap takes those below its share."""
    words_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    """Where its words stand in the index; another number for each edit of its text."""
    created_at: float
    reviewed_at: float | None = None


class CardRuleRow(SQLModel, table=True):
    """A rule that a finding on a talk as it stands names."""

    __tablename__ = "card_rules"
    __table_args__ = CLUSTERED

    rule: str = Field(primary_key=True)
    card_id: int = Field(primary_key=True, foreign_key="cards.id")


class CardScoreRow(SQLModel, table=True):
    """What critics gave a talk as a whole by a rubric: the mean of its items, on the rubric's own scale."""

    __tablename__ = "card_scores"
    __table_args__ = (Index("card_scores_by_score", "rubric", "score", "card_id"), CLUSTERED)

    rubric: str = Field(primary_key=True)
    card_id: int = Field(primary_key=True, foreign_key="cards.id")
    score: float


class StaleRow(SQLModel, table=True):
    """A talk whose card is missing or no longer true."""

    __tablename__ = "stale"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
