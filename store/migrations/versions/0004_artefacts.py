"""What a method makes beside the talk: plans, outlines, drafts, scenarios."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artefacts",
        sa.Column("dialogue_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("exchange", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("call_number", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["dialogue_id"], ["dialogues.id"]),
        sa.PrimaryKeyConstraint("dialogue_id", "number"),
        sqlite_with_rowid=False,
    )
