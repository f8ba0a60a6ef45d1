"""Databases of a test's own, once for each kind there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.db import Database, open_db
from tests.databases import make_database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/factory.db"
    address = request.getfixturevalue("postgres")
    return f"postgresql://factory@{address}/{make_database(address)}"


@pytest.fixture
def another_url(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a second database of the same kind that is empty."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/another.db"
    address = request.getfixturevalue("postgres")
    return f"postgresql://factory@{address}/{make_database(address)}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Yield a database with the current schema."""
    engine = open_db(url)
    yield engine
    engine.dispose()
