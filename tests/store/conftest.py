"""Databases of a test's own: SQLite in a folder, PostgreSQL in a cluster that lives as long as the session."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from store.db import Database, open_db
from tests.system_packages import need

NUMBERS = count()


def as_postgres(folder: Path, *command: str | Path) -> list[str]:
    """Return a command as the user that PostgreSQL wants: it refuses to run as root."""
    words = [str(word) for word in command]
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else words


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Yield the URL of a server on a free port of this machine."""
    initdb, pg_ctl = need("initdb"), need("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="factory-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    subprocess.run(
        as_postgres(folder, initdb, "-D", data, "-A", "trust", "-U", "factory"), check=True, stdout=subprocess.DEVNULL
    )
    start = as_postgres(folder, pg_ctl, "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL)
    try:
        yield f"postgresql://factory@127.0.0.1:{port}"
    finally:
        stop = as_postgres(folder, pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")
        subprocess.run(stop, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that is empty, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/factory.db"
    server = request.getfixturevalue("postgres")
    name = f"factory_{next(NUMBERS)}"
    engine = create_engine(f"{server}/postgres".replace("postgresql", "postgresql+psycopg"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Yield a database with the current schema, once for each kind."""
    engine = open_db(url)
    yield engine
    engine.dispose()
