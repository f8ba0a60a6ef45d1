"""Lists, search and the queue stay quick however many talks there are."""

from pathlib import Path

import pytest

from store.cards import refresh_cards
from store.db import open_db
from store.filters import Filter, read_filter
from store.listing import list_page
from store.queue import next_item, release
from store.review.settings import Settings
from tests.bench.review import ASKED, copy_cards, fill, measure


@pytest.mark.slow
def test_every_filter_is_quick_among_80_000_talks(tmp_path: Path) -> None:
    path = tmp_path / "factory.db"
    fill(path, 8_000)
    database = open_db(f"sqlite:///{path}")
    assert refresh_cards(database) == 8_000
    copy_cards(path, 10)

    def take(_: int) -> None:
        id = next_item(database, "eva", Filter(), Settings())
        assert id is not None
        release(database, id, "eva")

    assert measure(take)["p95_cpu_ms"] < 50
    for name, asked in ASKED.items():
        told = read_filter(asked)

        def look(_: int, told: Filter = told) -> None:
            list_page(database, told, viewer="eva")

        assert measure(look)["p95_cpu_ms"] < (100 if "text" in asked else 50), name
    assert list_page(database, Filter()).is_more
    database.dispose()
