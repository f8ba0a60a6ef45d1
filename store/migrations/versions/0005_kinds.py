"""Dialogues that are no talk: scenarios and treatment plans, and the dialogue that something was made from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dialogues", sa.Column("kind", sa.String(), nullable=False, server_default="talk"))
    op.add_column("dialogues", sa.Column("parent_id", sa.String(), nullable=True))
