"""Keeps the machine out of the tests: its keys and settings, a slow disk, and signals that a shell has switched off."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import serve_postgres

SETTINGS = ("DATABASE_URL", "PSYFOUNDRY_MODEL")
LONGEST = ("train/test_loop.py", "graphs/test_promises.py", "train/test_zero.py")
"""Files of minutes: begun last, one of them would keep a single process busy while all others are done."""
MEMORY = Path("/dev/shm")
ROOM = 12 * 2**30
"""Bytes free in memory, of which the files and databases of two processes of tests take less than half."""

# Each exchange is written through to the disk, and the tests shall not wait for a slow one.
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; all others keep their order."""
    ranks = {str(Path(__file__).parent / name): rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(str(item.path), len(ranks)))


@pytest.fixture(scope="session", autouse=True)
def pass_on_no_deafness() -> None:
    """Have the commands that tests start hear an interrupt and a hangup, also under nohup or behind a shell's "&".

    Deafness is passed on to a command, a handler is not; with it this process itself still outlives a hangup.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def forget_the_machines_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove them from this process and from the commands a test starts."""
    for name in list(os.environ):
        if name.endswith("API_KEY") or name in SETTINGS:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Yield the address of a PostgreSQL server, started by the first test that asks for it."""
    with serve_postgres() as address:
        yield address
