"""A shell on a database that is empty."""

import pytest

from store.db import Database
from tests.store.shell.desk import Run, sit_down


@pytest.fixture
def run(url: str, database: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a verb."""
    return sit_down(url, monkeypatch, capfd)
