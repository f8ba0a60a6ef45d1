"""The schema's history, run by Alembic from the package itself; there is no alembic.ini."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def make_config() -> Config:
    """Return Alembic's configuration for the scripts in this folder."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


@cache
def head_revision() -> str:
    """Return the newest revision."""
    head = ScriptDirectory.from_config(make_config()).get_current_head()
    if head is None:
        raise RuntimeError("store/migrations/versions holds no revision")
    return head


@cache
def known_revisions() -> frozenset[str]:
    """Return all revisions there are scripts for."""
    scripts = ScriptDirectory.from_config(make_config()).walk_revisions()
    return frozenset(script.revision for script in scripts)


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest revision in one transaction."""
    with engine.connect().execution_options(writes=True) as db, db.begin():
        if engine.dialect.name == "postgresql":
            # SQLite's write lock keeps two first runs apart; here they need one of their own.
            db.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('psyfoundry_schema'))")
        config = make_config()
        config.attributes["connection"] = db
        command.upgrade(config, "head")
