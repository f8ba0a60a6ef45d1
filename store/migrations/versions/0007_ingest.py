"""Ingest: where a seed came from, in which language and under which licence, and the other texts of its row."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("seeds", sa.Column("run_id", sa.Integer(), nullable=True))
    for name in ("language", "licence", "source"):
        op.add_column("seeds", sa.Column(name, sa.String(), nullable=True))
    op.add_column("seeds", sa.Column("fields", sa.Text(), nullable=True))
    op.create_index("seeds_by_run", "seeds", ["run_id", "row"])
