"""The tables of the review: who reviews, edits, leases, and the cards that lists and queues read."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, text
from sqlmodel import Field, SQLModel

from store.tables import CLUSTERED, long_text

WIDE = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits in both databases: SQLite takes only a column that is called INTEGER for the number of a row."""
LED_BY = (
    "outcome", "standing", "language", "emotion", "scene", "recipe", "model", "is_rehearsal", "priority", "created_at",
)  # fmt: skip
KEPT_APART = {
    "in_danger": "is_crisis",
    "edited": "is_edited",
    "disputed": "is_disputed",
    "flagged": "flags > 0",
    "commented": "comments > 0",
}
"""The few cards of which something holds, each with an index of its own."""


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
    """What lists and filters know of a talk; made from the other tables by store.cards, and made anew at any time.

    Every column that a filter names leads to its cards in the order of their ids.
    """

    __tablename__ = "cards"
    __table_args__ = (
        *(Index(f"cards_by_{name}", name, "id") for name in LED_BY),
        *(
            Index(f"cards_{name}", "id", sqlite_where=text(asked), postgresql_where=text(asked))
            for name, asked in KEPT_APART.items()
        ),
        Index("cards_by_chance", "shuffle", "id"),
        Index(
            "cards_of_seed",
            "seed_id",
            "recipe",
            "model",
            "id",
            sqlite_where=text("outcome = 'done'"),
            postgresql_where=text("outcome = 'done'"),
        ),
        Index(
            "cards_progress",
            "recipe",
            "language",
            "standing",
            "emotion",
            "scene",
            "priority",
            "given",
            "is_disputed",
        ),
        Index("cards_twice", "dialogue_id", sqlite_where=text("given > 1"), postgresql_where=text("given > 1")),
        Index("cards_unread", "priority", "id", sqlite_where=text("given = 0"), postgresql_where=text("given = 0")),
        Index(
            "cards_read_once",
            "priority",
            "id",
            "lot",
            sqlite_where=text("given = 1"),
            postgresql_where=text("given = 1"),
        ),
    )

    id: int = Field(sa_column=Column(WIDE, primary_key=True, autoincrement=False))
    """Made of run and position by store.cards.card_id: the order of ids is the order of the plans."""
    run_id: int
    position: int
    priority: int
    """What is handed out first has the lowest: 0 danger, 1 in doubt, 2 all else."""
    lot: int
    """A number from 0 to 999 drawn from the id: planned overlap takes those below its share."""
    shuffle: int
    """A number of 31 bits drawn from the id, of which the lot knows nothing: the order by chance."""
    is_crisis: bool
    is_rehearsal: bool
    is_edited: bool
    is_disputed: bool
    is_settled: bool
    """Whether everybody may see what was said of it: it was adjudicated, or all who were asked disagree."""
    exchanges: int
    flags: int
    """Lines that people flagged."""
    comments: int
    given: int
    """People who have given a verdict on the text as it reads."""
    seed_id: int
    outcome: str
    standing: str
    shown: str
    """The standing as it is shown to who has not judged it: as nobody had, unless it is settled."""
    language: str
    emotion: str | None = None
    scene: str | None = None
    recipe: str
    model: str
    created_at: float
    reviewed_at: float | None = None
    words_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Where its words stand in the index: its id and how often its text was edited."""
    dialogue_id: str = Field(foreign_key="dialogues.id", unique=True)
    rules: str = Field(sa_column=long_text(nullable=False))
    """The rules that findings on the talk as it stands name, as JSON."""
    scores: str = Field(sa_column=long_text(nullable=False))
    """What critics gave the whole talk, as JSON: by rubric the mean of its items, on the rubric's own scale."""
    title: str
    """The client's first words."""


class CardRuleRow(SQLModel, table=True):
    """A rule of a card, to be found by."""

    __tablename__ = "card_rules"
    __table_args__ = CLUSTERED

    rule: str = Field(primary_key=True)
    card_id: int = Field(sa_column=Column(BigInteger, primary_key=True))


class CardScoreRow(SQLModel, table=True):
    """A score of a card, to be found by."""

    __tablename__ = "card_scores"
    __table_args__ = (Index("card_scores_by_score", "rubric", "score", "card_id"), CLUSTERED)

    rubric: str = Field(primary_key=True)
    card_id: int = Field(sa_column=Column(BigInteger, primary_key=True))
    score: float


class CardJudgeRow(SQLModel, table=True):
    """Somebody whose verdict on a talk as it reads stands."""

    __tablename__ = "card_judges"
    __table_args__ = (Index("card_judges_by_card", "card_id"), CLUSTERED)

    reviewer: str = Field(primary_key=True)
    card_id: int = Field(sa_column=Column(BigInteger, primary_key=True))


class RivalSeedRow(SQLModel, table=True):
    """A seed that two recipes or two models have talked on."""

    __tablename__ = "rival_seeds"

    seed_id: int = Field(primary_key=True, foreign_key="seeds.id")


class StaleRow(SQLModel, table=True):
    """A talk whose card is missing or no longer true."""

    __tablename__ = "stale"
    __table_args__ = CLUSTERED

    dialogue_id: str = Field(primary_key=True, foreign_key="dialogues.id")
