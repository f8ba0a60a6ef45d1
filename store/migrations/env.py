"""Alembic's entry: runs the scripts on the connection it is handed."""

from alembic import context

from store.db import SCHEMA_TABLE
from store.migrations import load_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=load_tables(),
    version_table=SCHEMA_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
