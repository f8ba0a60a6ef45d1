"""A PostgreSQL server of the tests' own: it lives as long as the session, on a free port of this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.system_packages import need

NUMBERS = count()


def as_postgres(*command: str | Path) -> list[str]:
    """Return a command as the user that PostgreSQL wants: it refuses to run as root."""
    words = [str(word) for word in command]
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else words


@contextmanager
def serve_postgres() -> Iterator[str]:
    """Yield the address (user@host:port) of a server that takes any password."""
    initdb, pg_ctl = need("initdb"), need("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="factory-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c dynamic_shared_memory_type=mmap"
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(as_postgres(initdb, "-D", data, "-A", "trust", "-U", "factory"), **quiet)
    subprocess.run(as_postgres(pg_ctl, "-D", data, "-l", folder / "log", "-o", options, "-w", "start"), **quiet)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run(as_postgres(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"), **quiet)
        shutil.rmtree(folder)


def make_database(address: str) -> str:
    """Make an empty database on the server and return its name."""
    name = f"factory_{next(NUMBERS)}"
    engine = create_engine(f"postgresql+psycopg://factory@{address}/postgres")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return name
