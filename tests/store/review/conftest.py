"""A database in a file, for what does not depend on which kind of database it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.db import Database, open_db


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database."""
    made = open_db(f"sqlite:///{tmp_path}/factory.db")
    yield made
    made.dispose()
