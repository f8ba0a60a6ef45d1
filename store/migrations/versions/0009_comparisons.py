"""Comparisons: answers of several models to the same questions, what was said of them, and their sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def place() -> list[sa.Column[int]]:
    return [
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
    ]


def run() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["run_id"], ["runs.id"])


def upgrade() -> None:
    op.create_table(
        "comparison_answers",
        *place(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("reasoning", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("checks", sa.String(), nullable=False),
        sa.Column("call_number", sa.Integer(), nullable=True),
        run(),
        sa.PrimaryKeyConstraint("run_id", "position", "model"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "comparison_verdicts",
        *place(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("rubric", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=True),
        sa.Column("quotes", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("unscored", sa.Text(), nullable=True),
        sa.Column("call_number", sa.Integer(), nullable=True),
        run(),
        sa.PrimaryKeyConstraint("run_id", "position", "model", "rubric"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "comparison_pairs",
        *place(),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("unscored", sa.Text(), nullable=True),
        sa.Column("call_number", sa.Integer(), nullable=True),
        run(),
        sa.PrimaryKeyConstraint("run_id", "position", "first", "second"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "comparison_sessions",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("sessions_run_id", sa.Integer(), nullable=False),
        run(),
        sa.ForeignKeyConstraint(["sessions_run_id"], ["runs.id"]),
        sa.PrimaryKeyConstraint("run_id", "model"),
        sqlite_with_rowid=False,
    )
