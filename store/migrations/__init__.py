"""The schema's history, run by Alembic from the package itself; there is no alembic.ini."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0009"
"""The newest revision: a database that has it is opened without Alembic, which costs a run 11 MB."""


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


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest revision in one transaction."""
    from alembic import command

    with engine.connect().execution_options(writes=True) as db, db.begin():
        if engine.dialect.name == "postgresql":
            # SQLite's write lock keeps two first runs apart; here they need one of their own.
            db.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('psyfoundry_schema'))")
        config = make_config()
        config.attributes["connection"] = db
        command.upgrade(config, "head")
