"""Review: the log of what people say, edits, reviewers and their browsers, leases, and what lists know of a talk."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PEOPLE = """
UPDATE dialogues SET people = coalesce(
    (SELECT verdict FROM reviews r WHERE r.dialogue_id = dialogues.id AND r.is_adjudication
     AND r.verdict <> 'comment' ORDER BY r.id DESC LIMIT 1),
    CASE WHEN EXISTS (SELECT 1 FROM reviews r WHERE r.dialogue_id = dialogues.id AND r.verdict = 'accept')
         THEN CASE WHEN EXISTS (SELECT 1 FROM reviews r WHERE r.dialogue_id = dialogues.id AND r.verdict = 'reject')
              THEN 'disputed' ELSE 'accept' END
         WHEN EXISTS (SELECT 1 FROM reviews r WHERE r.dialogue_id = dialogues.id AND r.verdict = 'reject')
         THEN 'reject' END)
WHERE id IN (SELECT dialogue_id FROM reviews)
"""


def upgrade() -> None:
    op.add_column("dialogues", sa.Column("people", sa.String(), nullable=True))
    op.add_column("dialogues", sa.Column("request_id", sa.Integer(), nullable=True))
    for column in (
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("guide", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("span_start", sa.Integer(), nullable=True),
        sa.Column("span_end", sa.Integer(), nullable=True),
        sa.Column("scores", sa.Text(), nullable=True),
        sa.Column("other_id", sa.String(), nullable=True),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("way", sa.String(), nullable=False, server_default="page"),
        sa.Column("seconds", sa.Float(), nullable=True),
    ):
        op.add_column("reviews", column)
    op.create_index("reviews_by_reviewer", "reviews", ["reviewer", "dialogue_id"])
    op.create_index("reviews_by_word", "reviews", ["reviewer", "verdict"])
    where = sa.text("undoes IS NOT NULL")
    op.create_index("reviews_undoes", "reviews", ["undoes"], sqlite_where=where, postgresql_where=where)
    op.execute(PEOPLE)
    op.create_table(
        "edits",
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("dialogue_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"]),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogues.id"]),
        sa.PrimaryKeyConstraint("review_id"),
    )
    op.create_index("ix_edits_dialogue_id", "edits", ["dialogue_id"])
    op.create_table(
        "reviewers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "logins",
        sa.Column("cookie_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("cookie_hash"),
    )
    op.create_table(
        "leases",
        sa.Column("dialogue_id", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogues.id"]),
        sa.PrimaryKeyConstraint("dialogue_id", "reviewer"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cards",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("lot", sa.Integer(), nullable=False),
        sa.Column("shuffle", sa.Integer(), nullable=False),
        sa.Column("is_crisis", sa.Boolean(), nullable=False),
        sa.Column("is_rehearsal", sa.Boolean(), nullable=False),
        sa.Column("is_edited", sa.Boolean(), nullable=False),
        sa.Column("is_disputed", sa.Boolean(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("exchanges", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("seed_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("emotion", sa.String(), nullable=True),
        sa.Column("scene", sa.String(), nullable=True),
        sa.Column("recipe", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("reviewed_at", sa.Float(), nullable=True),
        sa.Column("words_id", sa.BigInteger(), nullable=False),
        sa.Column("dialogue_id", sa.String(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogues.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dialogue_id"),
    )
    for name in ("outcome", "standing", "language", "emotion", "scene", "recipe", "model", "is_rehearsal", "priority"):
        op.create_index(f"cards_by_{name}", "cards", [name, "id"])
    op.create_index("cards_by_created_at", "cards", ["created_at", "id"])
    op.create_index("cards_by_chance", "cards", ["shuffle", "id"])
    op.create_index(
        "cards_progress",
        "cards",
        ["recipe", "language", "standing", "emotion", "scene", "priority", "given", "is_disputed"],
    )
    for name, columns, asked in (
        ("cards_in_danger", ["id"], "is_crisis"),
        ("cards_edited", ["id"], "is_edited"),
        ("cards_disputed", ["id"], "is_disputed"),
        ("cards_flagged", ["id"], "flags > 0"),
        ("cards_commented", ["id"], "comments > 0"),
        ("cards_of_seed", ["seed_id", "recipe", "model", "id"], "outcome = 'done'"),
        ("cards_twice", ["dialogue_id"], "given > 1"),
        ("cards_unread", ["priority", "id"], "given = 0"),
        ("cards_read_once", ["priority", "id", "lot"], "given = 1"),
    ):
        where = sa.text(asked)
        op.create_index(name, "cards", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "card_rules",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "card_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "card_scores",
        sa.Column("rubric", sa.String(), nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("rubric", "card_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("card_scores_by_score", "card_scores", ["rubric", "score", "card_id"])
    op.create_table(
        "card_judges",
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reviewer", "card_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("card_judges_by_card", "card_judges", ["card_id"])
    op.create_table(
        "rival_seeds",
        sa.Column("seed_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seed_id"], ["seeds.id"]),
        sa.PrimaryKeyConstraint("seed_id"),
    )
    op.create_table(
        "stale",
        sa.Column("dialogue_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogues.id"]),
        sa.PrimaryKeyConstraint("dialogue_id"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO stale (dialogue_id) SELECT id FROM dialogues WHERE kind = 'talk'")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE words USING fts5(body, content='', columnsize=0, tokenize='ascii')")
    else:
        op.execute("CREATE TABLE words (rowid bigint PRIMARY KEY, body tsvector NOT NULL)")
        op.execute("CREATE INDEX words_body ON words USING gin (body)")
