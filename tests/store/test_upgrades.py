"""An older database is copied and upgraded; one that may not be written to is refused and left as it is."""

import os
import pwd
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from store.db import SCHEMA_TABLE, open_db
from store.errors import StoreError
from store.migrations import HEAD, head_revision, known_revisions, make_config
from tests.store.test_failing_commits import (
    SESSIONS,
    Told,
    check_is_complete,
    in_a_child,
    tell_failure,
    work_a_whole_run,
)
from tests.store.test_sessions import rows

CHECKOUT = Path(__file__).parents[2]
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("mood", sa.String(), nullable=True))
    {then}
"""


@contextmanager
def add_migration(folder: Path, then: str) -> Iterator[None]:
    """Add a revision to the shipped ones; it does something after it has added a column."""
    folder.mkdir()
    (folder / "next.py").write_text(MIGRATION.format(head=head_revision(), then=then), encoding="utf-8")

    def make_longer_config() -> Config:
        config = make_config()
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", f"{CHECKOUT}/store/migrations/versions{os.pathsep}{folder}")
        return config

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.migrations.make_config", make_longer_config)
        patch.setattr("store.migrations.HEAD", "next")
        for cached in (head_revision, known_revisions):
            patch.setattr(f"store.migrations.{cached.__name__}", cached.__wrapped__)
        yield


def make_old_database(path: Path) -> dict[str, list[Any]]:
    """Make a database with the shipped schema and one finished run; returns what is in it."""
    database = open_db(f"sqlite:///{path}")
    work_a_whole_run(database, Told())
    database.dispose()
    return read_all(path)


def read_all(path: Path) -> dict[str, list[Any]]:
    """Return the rows of every table of a SQLite file but those of the index of words."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {
            table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
            if "psy" not in table and not table.startswith("words")
        }


def test_an_older_database_is_copied_and_upgraded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "factory.db"
    before = make_old_database(path)
    with add_migration(tmp_path / "versions", "pass"):
        database = open_db(f"sqlite:///{path}")
        told = capsys.readouterr().out
        assert rows(database, "SELECT id, mood FROM runs") == [(1, None)]
        check_is_complete(database, Told())
        database.dispose()
        (copy,) = tmp_path.glob("factory.db.*.bak")
        assert (
            told
            == f"sqlite:///{path}: schema upgraded from {head_revision()} to next; the copy from before is {copy}\n"
        )
        assert read_all(copy) == before
        open_db(f"sqlite:///{path}").dispose()
        assert capsys.readouterr().out == ""


def test_an_upgrade_that_fails_half_way_leaves_the_old_database(tmp_path: Path) -> None:
    path = tmp_path / "factory.db"
    before = make_old_database(path)
    statement = 'op.execute("INSERT INTO nowhere VALUES (1)")'
    with add_migration(tmp_path / "versions", statement), pytest.raises(StoreError, match="no such table: nowhere"):
        open_db(f"sqlite:///{path}")
    assert read_all(path) == before
    database = open_db(f"sqlite:///{path}")
    work_a_whole_run(database, Told())
    assert rows(database, "SELECT count(*) FROM dialogues") == [(2 * SESSIONS,)]
    database.dispose()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that every user can reach; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def become_nobody() -> None:
    """Give up root, which may write to read-only files too."""
    if os.geteuid() == 0:
        os.setuid(pwd.getpwnam("nobody").pw_uid)


def open_and_tell(url: str) -> str:
    """Return why a database cannot be opened."""
    return tell_failure(open_db, url)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "expected"),
    [
        (0o444, 0o777, "cannot be read and written; change its permissions or name another file"),
        (0o666, 0o555, "readonly database|unable to open database file"),
        (0o666, 0o700, "Permission denied"),
    ],
    ids=["file", "folder", "hidden folder"],
)
def test_what_is_read_only_is_refused_in_one_line_and_left_as_it_is(
    open_folder: Path, file_mode: int, folder_mode: int, expected: str
) -> None:
    if folder_mode == 0o700 and os.geteuid() != 0:
        folder_mode = 0o000
    path = open_folder / "factory.db"
    before = make_old_database(path)
    path.chmod(file_mode)
    open_folder.chmod(folder_mode)
    told = in_a_child(become_nobody, (), open_and_tell, f"sqlite:///{path}")
    open_folder.chmod(0o755)
    assert re.search(expected, told)
    assert "\n" not in told
    assert read_all(path) == before


def test_the_revision_that_is_opened_without_alembic_is_the_newest() -> None:
    assert head_revision() == HEAD


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"])
def test_a_database_of_each_earlier_release_is_copied_and_upgraded(tmp_path: Path, revision: str) -> None:
    """The old database is made by the real scripts and filled with what its own columns can hold."""
    path = tmp_path / "old.db"
    current = make_old_database(tmp_path / "current.db")
    make_release(path, revision, tmp_path / "current.db")
    before = read_all(path)
    open_db(f"sqlite:///{path}").dispose()
    (copy,) = tmp_path.glob("*.bak")
    after = read_all(path)
    assert read_all(copy) == before
    assert after.keys() == current.keys()
    for table in ("utterances", "findings", "calls", "messages"):
        assert after[table] == current[table] == before[table]
    assert after["seeds"] == current["seeds"]
    assert [row[: len(old)] for row, old in zip(after["seeds"], before["seeds"], strict=True)] == before["seeds"]
    with closing(sqlite3.connect(path)) as db:
        assert set(db.execute("SELECT kind FROM runs").fetchall()) == {("generate",)}
        assert set(db.execute("SELECT checks FROM dialogues").fetchall()) == {(None,)}
        assert set(db.execute("SELECT repeat, model FROM verdicts").fetchall()) == {(0, None)}


def make_release(path: Path, revision: str, filled: Path) -> None:
    """Make a database as a release made it, with the rows of a filled one in the columns that it had."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = make_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("ATTACH ? AS filled", (str(filled),))
        names = [name for (name,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
        for table in names:
            if table != SCHEMA_TABLE and not table.startswith("words"):
                columns = ", ".join(f'"{row[1]}"' for row in db.execute(f"PRAGMA main.table_info({table})"))
                db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM filled.{table}")
