"""Opens the database: creates, upgrades or refuses it. Also python -m store.db upgrade|check|backup [--db URL]."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from dotenv import dotenv_values
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from store.address import mask_url
from store.errors import StoreError
from taxonomy.command import Parser, run_main
from taxonomy.refusal import InputError

SCHEMA_TABLE = "psyfoundry_schema"
"""The table in which Alembic notes our revision; a database without it is not ours."""
DEFAULT_URL = "sqlite:///factory.db"
WAIT_MS = 10_000
WAITS_S = (0.01, 0.05, 0.2, 0.5, 1.0)
"""Waited before each further try of a transaction that lost to another one."""
LOST = ("40001", "40P01")
"""What PostgreSQL calls a lost serialisation and a deadlock."""
SQLITE_HEAD = b"SQLite format 3\x00"

Database = Engine
"""An open database; the name under which the other packages know it."""


Result = TypeVar("Result")


def open_db(url: str, *, create: bool = True, synchronous: str = "full") -> Engine:
    """Return an engine on a database with the current schema.

    An empty or missing one is created (unless `create` is false), an older one of ours is backed up and upgraded;
    `synchronous` is SQLite's own setting, "full" or "normal". Raises StoreError, with nothing changed, for a foreign,
    newer, corrupt, unreadable or unwritable one; InputError for a URL of another kind.
    """
    parsed = parse_url(url)
    shown = mask_url(url)
    if parsed.get_backend_name() == "sqlite":
        try:
            check_file(parsed, create)
        except OSError as error:
            raise StoreError(f"{shown}: {error.strerror}") from None
    engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    if parsed.get_backend_name() == "sqlite":
        prepare_sqlite(engine, synchronous)
    try:
        with engine.connect() as db:
            tables = set(inspect(db).get_table_names())
            revision = read_revision(db) if SCHEMA_TABLE in tables else None
        bring_up_to_date(engine, tables, revision, shown, create)
        if engine.dialect.name == "sqlite":
            keep_write_ahead_log(engine)
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise StoreError(f"{shown}: {explain(error)}") from None
    except StoreError:
        engine.dispose()
        raise
    return engine


def choose_url(flag: str | None) -> str:
    """Return the database to use: the flag's, else DATABASE_URL's from the environment or .env, else the default."""
    named = flag or os.environ.get("DATABASE_URL") or dotenv_values(".env").get("DATABASE_URL")
    return named or DEFAULT_URL


def parse_url(url: str) -> URL:
    """Return the parsed URL with its driver; raises InputError where it is not SQLite or PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InputError(f"--db {mask_url(url)!r}: write sqlite:///file.db or postgresql://host/name") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return parsed.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise InputError(f"--db {mask_url(url)!r}: only sqlite:/// and postgresql:// are kept here")


def check_file(url: URL, create: bool) -> None:
    """Raise StoreError where a SQLite path cannot be our database."""
    if url.database in (None, "", ":memory:"):
        raise InputError("--db: name a file, such as sqlite:///factory.db; a database in memory keeps nothing")
    path = Path(unquote(str(url.database)))
    if path.is_dir():
        raise StoreError(f"{path} is a directory; name a file in it")
    if not path.exists():
        if not create:
            raise StoreError(f"{path} does not exist; name the database of an earlier run")
        if not path.parent.is_dir():
            raise StoreError(f"{path.parent} does not exist; make the folder first")
        if not os.access(path.parent, os.W_OK):
            raise StoreError(f"{path.parent} cannot be written to")
        return
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(f"{path} cannot be read and written; change its permissions or name another file")
    with path.open("rb") as file:
        head = file.read(len(SQLITE_HEAD))
    if head and head != SQLITE_HEAD:
        raise StoreError(f"{path} is not a SQLite database; it is left as it is")


def prepare_sqlite(engine: Engine, synchronous: str) -> None:
    """Set every connection up: how commits reach the disk, waiting for locks, transactions of our own."""

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None
        for pragma in (f"synchronous={synchronous}", "foreign_keys=ON", f"busy_timeout={WAIT_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(db: Connection) -> None:
        writes = db.get_execution_options().get("writes", False)
        db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def keep_write_ahead_log(engine: Engine) -> None:
    """Let readers and the writer work side by side; the file remembers it, so only a database of ours is told."""
    connection = engine.raw_connection()
    try:
        # SQLite does not wait for this lock: another process may be opening the file too.
        persist(lambda: connection.cursor().execute("PRAGMA journal_mode=WAL"))
    finally:
        connection.close()


def bring_up_to_date(engine: Engine, tables: set[str], revision: str | None, shown: str, create: bool) -> None:
    """Create or upgrade the schema; refuses a database that is not ours or from a newer version."""
    from store.migrations import HEAD, create_schema, known_revisions, upgrade

    if revision == HEAD:
        return
    if revision is None:
        if tables:
            some = ", ".join(sorted(tables)[:3])
            raise StoreError(f"{shown} holds other tables ({some}); it is left as it is, name another database")
        if not create:
            raise StoreError(f"{shown} is empty; name the database of an earlier run")
        create_schema(engine)
        return
    if revision not in known_revisions():
        raise StoreError(f"{shown} has a newer schema ({revision}); use the version that made it, or a later one")
    kept = back_up(engine)
    upgrade(engine)
    print(f"{shown}: schema upgraded from {revision} to {HEAD}; {kept}")


def read_revision(db: Connection) -> str | None:
    """Return the revision noted in our schema table."""
    found: str | None = db.exec_driver_sql(f"SELECT version_num FROM {SCHEMA_TABLE}").scalar()
    return found


def back_up(engine: Engine, folder: Path | None = None) -> str:
    """Copy a SQLite database beside itself; returns a sentence on where, or on what is the user's to do."""
    if engine.dialect.name != "sqlite":
        return "no copy was made: PostgreSQL is backed up with pg_dump"
    path = Path(str(engine.url.database))
    copy = (folder or path.parent) / f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak"
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        shutil.copymode(path, copy)
    except (sqlite3.Error, OSError) as error:
        copy.unlink(missing_ok=True)
        raise StoreError(f"{copy} cannot be written ({explain(error)}); nothing was changed") from None
    return f"the copy from before is {copy}"


def explain(error: Exception) -> str:
    """Return a database error in one line, without statements, parameters or passwords."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    line = mask_url(" ".join(str(cause).split()))[:300]
    if "malformed" in line or "not a database" in line:
        return f"{line}; restore a copy, nothing was changed"
    if "disk is full" in line or "No space left" in line:
        return f"{line}; free some space, then --resume goes on"
    return line


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn a failure of the database into a StoreError of one line."""
    try:
        yield
    except SQLAlchemyError as error:
        shown = engine.url.set(drivername=engine.url.get_backend_name())
        raise StoreError(f"{mask_url(str(shown))}: {explain(error)}") from None


def persist(action: Callable[[], Result]) -> Result:
    """Return what a transaction returns, begun anew as long as it only loses to another one, a few times."""
    for wait in WAITS_S:
        try:
            return action()
        except (DBAPIError, sqlite3.Error) as error:
            if not has_lost(error):
                raise
        time.sleep(wait)
    return action()


def has_lost(error: DBAPIError | sqlite3.Error) -> bool:
    """Whether a transaction failed for no other reason than another one at the same time."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return getattr(cause, "sqlstate", None) in LOST
    # The low byte is the error; the rest says which kind of it, such as BUSY_SNAPSHOT.
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def main() -> int:
    """Upgrade, check or back up a database."""
    parser = Parser("store.db", description=__doc__)
    parser.add_argument("verb", choices=("upgrade", "check", "backup"))
    parser.add_argument("--db", metavar="URL", help=f"default $DATABASE_URL, else {DEFAULT_URL}")
    flags = parser.parse_args()
    engine = open_db(choose_url(flags.db), create=flags.verb == "upgrade")
    shown = mask_url(engine.url.render_as_string(hide_password=True))
    if flags.verb == "backup":
        print(f"{shown}: {back_up(engine)}")
        return 0
    if flags.verb == "check" and engine.dialect.name == "sqlite":
        with engine.connect() as db:
            problems = [str(row[0]) for row in db.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
            orphans = db.exec_driver_sql("PRAGMA foreign_key_check").all()
        if problems or orphans:
            raise StoreError(f"{shown}: {'; '.join(problems[:3])} {len(orphans)} rows without a parent; restore a copy")
    print(f"{shown}: the schema is current" + (" and the file is sound" if flags.verb == "check" else ""))
    return 0


if __name__ == "__main__":
    run_main(main)
