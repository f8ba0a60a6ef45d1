"""Alembic's entry: runs the scripts on the connection it is handed."""

from alembic import context
from sqlmodel import SQLModel

import store.comparison_tables  # noqa: F401  # the metadata is filled by importing the tables
import store.job_tables  # noqa: F401
import store.review_tables  # noqa: F401
import store.tables  # noqa: F401
from store.db import SCHEMA_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    version_table=SCHEMA_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
