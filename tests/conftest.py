"""Keeps the machine's own keys and settings out of the tests: none reaches a paid endpoint or a real database."""

import os
from collections.abc import Iterator

import pytest

from tests.databases import serve_postgres

SETTINGS = ("DATABASE_URL", "PSYFOUNDRY_MODEL")


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
