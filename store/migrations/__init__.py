"""The schema: made at once where there is none, else changed by its history, which Alembic runs without an ini file."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, MetaData, create_mock_engine, inspect, make_url

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0009"
"""The newest revision: a database that has it or is made with it needs no Alembic, which costs a run 11 MB."""
WORDS = {
    "sqlite": ("CREATE VIRTUAL TABLE words USING fts5(body, content='', columnsize=0, tokenize='ascii')",),
    "postgresql": (
        "CREATE TABLE words (rowid bigint PRIMARY KEY, body tsvector NOT NULL)",
        "CREATE INDEX words_body ON words USING gin (body)",
    ),
}
"""The index of words, which each database keeps in a kind of its own."""


def make_config() -> "Config":
    """Return Alembic's configuration for the scripts in this folder."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


@cache
def head_revision() -> str:
    """Return the newest revision there is a script for."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(make_config()).get_current_head()
    if head is None:
        raise RuntimeError("store/migrations/versions holds no revision")
    return head


@cache
def known_revisions() -> frozenset[str]:
    """Return all revisions there are scripts for."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(make_config()).walk_revisions()
    return frozenset(script.revision for script in scripts)


@contextmanager
def hold_schema(engine: Engine) -> Iterator[Connection]:
    """Lend a connection in a transaction that no other process changes the schema beside."""
    with engine.connect().execution_options(writes=True) as db, db.begin():
        if engine.dialect.name == "postgresql":
            # SQLite's write lock keeps two first runs apart; here they need one of their own.
            db.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('psyfoundry_schema'))")
        yield db


def create_schema(engine: Engine) -> None:
    """Make the newest schema in an empty database in one transaction; its history would take several times as long."""
    from store.db import SCHEMA_TABLE

    with hold_schema(engine) as db:
        # Where it stands by now, another first run was quicker.
        if not inspect(db).has_table(SCHEMA_TABLE):
            statements = list_statements(engine.dialect.name)
            # SQLite's driver takes them one by one; a server is asked once instead of seventy times.
            for each in statements if engine.dialect.name == "sqlite" else [";\n".join(statements)]:
                db.exec_driver_sql(each)


@cache
def list_statements(dialect: str) -> tuple[str, ...]:
    """Return what makes the newest schema, in the words of a kind of database."""
    from store.db import SCHEMA_TABLE

    made: list[str] = []
    kind = make_url(f"{dialect}://").get_dialect()()
    teller = create_mock_engine(f"{dialect}://", lambda told, *_: made.append(str(told.compile(dialect=kind))))
    load_tables().create_all(teller, checkfirst=False)
    noted = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {SCHEMA_TABLE}_pkc PRIMARY KEY (version_num)"
    note = (f"CREATE TABLE {SCHEMA_TABLE} ({noted})", f"INSERT INTO {SCHEMA_TABLE} (version_num) VALUES ('{HEAD}')")
    return (*made, *WORDS[dialect], *note)


def load_tables() -> MetaData:
    """Return the tables of the newest schema; they are known once their modules are imported."""
    from sqlmodel import SQLModel

    import store.comparison_tables  # noqa: F401
    import store.job_tables  # noqa: F401
    import store.review_tables  # noqa: F401
    import store.tables  # noqa: F401

    return SQLModel.metadata


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest revision in one transaction."""
    from alembic import command

    with hold_schema(engine) as db:
        config = make_config()
        config.attributes["connection"] = db
        command.upgrade(config, "head")
