"""Cards are made beside the page for as long as it is served, and what keeps them from it does not end the page."""

import threading
import time

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from store.cards import count_stale
from store.db import Database
from store.review import upkeep
from tests.store.review.talks import keep_talks
from tests.store.review.visit import ORIGIN, open_page


def wait_for_cards(engine: Database) -> None:
    """Wait until every card is made."""
    limit = time.monotonic() + 20
    while count_stale(engine):
        assert time.monotonic() < limit
        time.sleep(0.02)


def make_stale(engine: Database) -> None:
    """Have every card made anew."""
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("INSERT INTO stale SELECT id FROM dialogues"))


def test_cards_are_made_while_the_page_is_served_and_not_afterwards(engine: Database) -> None:
    keep_talks(engine, 60)
    make_stale(engine)
    with TestClient(open_page(engine), base_url=ORIGIN):
        wait_for_cards(engine)
    assert not any(thread.name == "cards" for thread in threading.enumerate())
    make_stale(engine)
    time.sleep(0.1)
    assert count_stale(engine) == 60


def test_a_failure_is_told_and_the_cards_are_made_once_it_is_over(
    engine: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(upkeep, "LOOK_S", 0.02)
    keep_talks(engine, 30)
    make_stale(engine)
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("ALTER TABLE cards RENAME TO elsewhere"))
    told = ""
    with upkeep.Upkeep(engine):
        limit = time.monotonic() + 20
        while "cards are not being made: " not in told:
            assert time.monotonic() < limit
            time.sleep(0.02)
            told += capsys.readouterr().err
        with engine.connect().execution_options(writes=True) as db, db.begin():
            db.execute(text("ALTER TABLE elsewhere RENAME TO cards"))
        wait_for_cards(engine)
