"""A database is created, opened, backed up or refused; one that is not ours is never touched."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from store.db import SCHEMA_TABLE, Database, open_db, parse_url, read_revision
from store.errors import StoreError
from store.migrations import HEAD, create_schema, upgrade
from taxonomy.refusal import InputError, Refusal

HOUSE = Path(__file__).parents[2]


def test_a_missing_database_is_made_and_opened_again(url: str) -> None:
    open_db(url).dispose()
    open_db(url, create=False).dispose()


def describe_schema(engine: Database) -> dict[str, list[str]]:
    """Return all that a database tells of its tables; the order of columns is no matter."""
    known, told = inspect(engine), {}
    for table in known.get_table_names():
        parts = [known.get_pk_constraint(table), *known.get_columns(table), *known.get_foreign_keys(table)]
        parts += [*known.get_unique_constraints(table), *known.get_check_constraints(table), *known.get_indexes(table)]
        told[table] = sorted(json.dumps(part, default=str, sort_keys=True) for part in parts)
    return told


def test_history_leads_to_the_schema_that_an_empty_database_is_made_with(database: Database, another_url: str) -> None:
    engine = create_engine(parse_url(another_url))
    upgrade(engine)
    made = describe_schema(database)
    assert len(made) > 25
    assert describe_schema(engine) == made
    for each in (database, engine):
        with each.connect() as db:
            assert read_revision(db) == HEAD
    engine.dispose()


def test_of_two_first_runs_the_later_finds_the_schema_made(database: Database) -> None:
    made = describe_schema(database)
    create_schema(database)
    assert describe_schema(database) == made


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE patients (name TEXT)")


def newer(path: Path) -> None:
    open_db(f"sqlite:///{path}").dispose()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE {SCHEMA_TABLE} SET version_num = '9999'")


def corrupt(path: Path) -> None:
    open_db(f"sqlite:///{path}").dispose()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[100:1100] = b"\x5a" * 1000
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (foreign, "holds other tables (patients)"),
        (newer, "newer schema (9999)"),
        (corrupt, "malformed"),
        (lambda path: path.write_text("dear diary, today", encoding="utf-8"), "not a SQLite database"),
        (lambda path: path.mkdir(), "is a directory"),
    ],
    ids=["foreign", "newer", "corrupt", "not a database", "directory"],
)
def test_what_is_not_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], object], expected: str
) -> None:
    path = tmp_path / "their.db"
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError) as told:
        open_db(f"sqlite:///{path}")
    assert expected in str(told.value)
    assert "\n" not in str(told.value)
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://u:canary@h/x", "only sqlite"),
        ("sqlite://", "name a file"),
        ("not a url", "write sqlite"),
        ("sqlite:////nowhere/at/all.db", "does not exist"),
        ("postgresql://u:canary@127.0.0.1:9/x", "127.0.0.1:9"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_without_its_password(url: str, expected: str) -> None:
    with pytest.raises(Refusal) as told:
        open_db(url)
    assert expected in str(told.value)
    assert "canary" not in str(told.value)
    assert isinstance(told.value, InputError | StoreError)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run python -m store.db in a folder."""
    environment = os.environ | {"PYTHONPATH": str(HOUSE)}
    command = [sys.executable, "-m", "store.db", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_makes_checks_and_copies_a_database(tmp_path: Path) -> None:
    assert run(tmp_path, "check").returncode == 1
    assert run(tmp_path, "upgrade").returncode == 0
    assert "sound" in run(tmp_path, "check").stdout
    assert run(tmp_path, "backup").returncode == 0
    (copy,) = tmp_path.glob("*.bak")
    with sqlite3.connect(copy) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    assert run(tmp_path, "chek").returncode == 2


def test_the_database_of_dot_env_is_used_where_none_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///mine.db\n", encoding="utf-8")
    assert run(tmp_path, "upgrade").returncode == 0
    assert (tmp_path / "mine.db").exists()
    assert "mine.db" in run(tmp_path, "check").stdout
    assert run(tmp_path, "check", "--db", "sqlite:///other.db").returncode == 1
