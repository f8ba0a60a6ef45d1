"""Later judgement: who judged, by which checks and which policy, how judges differ, and the inner voice."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("kind", sa.String(), nullable=False, server_default="generate"))
    op.add_column("dialogues", sa.Column("checks", sa.String(), nullable=True))
    op.add_column("verdicts", sa.Column("about", sa.String(), nullable=False, server_default="line"))
    op.add_column("verdicts", sa.Column("model", sa.String(), nullable=True))
    op.add_column("verdicts", sa.Column("repeat", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("verdicts", sa.Column("judged_in", sa.Integer(), nullable=True))
    op.add_column("decisions", sa.Column("policy_hash", sa.LargeBinary(), nullable=True))
    op.create_table(
        "policies",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "thoughts",
        sa.Column("dialogue_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("judged_in", sa.Integer(), nullable=True),
        sa.Column("call_number", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogues.id"]),
        sa.PrimaryKeyConstraint("dialogue_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disagreements",
        sa.Column("dialogue_id", sa.String(), nullable=False),
        sa.Column("exchange", sa.Integer(), nullable=False),
        sa.Column("rubric", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("spread", sa.Float(), nullable=False),
        sa.Column("verdicts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogues.id"]),
        sa.PrimaryKeyConstraint("dialogue_id", "exchange", "rubric", "version", "item"),
        sqlite_with_rowid=False,
    )
