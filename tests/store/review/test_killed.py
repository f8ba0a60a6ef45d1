"""No verdict that was confirmed to a reviewer is lost, however often the server is killed while it writes."""

import signal
import threading
import time
from random import Random
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from store.db import Database, open_db
from tests.store.review.served import Served
from tests.store.review.talks import keep_talks

FEW, MANY = 3, 20
TALKS = 60


def write_until_killed(served: Served, chance: Random, confirmed: dict[int, tuple[str, str]]) -> None:
    """Post verdicts, comments and edits and note each that is confirmed, until the server is gone."""
    while True:
        id = f"1/{chance.randrange(TALKS)}"
        bodies: list[dict[str, Any]] = [
            {"word": "accept"},
            {"word": "reject", "reasons": ["pii"]},
            {"word": "comment", "comment": f"{chance.random()}"},
            {"word": "edit", "number": 1, "text": f"{chance.random()}"},
        ]
        body = chance.choice(bodies)
        try:
            answer = served.post(f"/api/dialogues/{id}/say?queue=1", body)
        except httpx2.TransportError:
            return
        assert answer.status_code == 200, answer.text
        confirmed[answer.json()["line"]] = (id, body["word"])


def kill_while_writing(engine: Database, kills: int, seed: int) -> int:
    """Kill the server so often while three browsers write; returns how many lines had been confirmed."""
    keep_talks(engine, TALKS)
    chance = Random(seed)
    confirmed: dict[int, tuple[str, str]] = {}
    url = f"sqlite:///{engine.url.database}"
    for _ in range(kills):
        served = Served(url, "--overlap", "0")
        try:
            served.enter()
            workers = [
                threading.Thread(target=write_until_killed, args=(served, Random(chance.random()), confirmed))
                for _ in range(3)
            ]
            for worker in workers:
                worker.start()
            time.sleep(chance.uniform(0.1, 1.0))
            served.process.send_signal(signal.SIGKILL)
            for worker in workers:
                worker.join(30)
                assert not worker.is_alive()
        finally:
            served.stop()
    again = open_db(url)
    with again.connect() as db:
        kept = {row.id: (row.dialogue_id, row.verdict) for row in db.execute(text("SELECT * FROM reviews"))}
        assert db.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        edits = db.execute(text("SELECT count(*) FROM edits")).scalar_one()
    again.dispose()
    assert {line: kept.get(line) for line in confirmed} == confirmed
    assert edits == sum(word == "edit" for _, word in kept.values())
    return len(confirmed)


def test_nothing_confirmed_is_lost_in_a_few_kills(engine: Database) -> None:
    assert kill_while_writing(engine, FEW, seed=1) > FEW


@pytest.mark.slow
def test_nothing_confirmed_is_lost_in_twenty_kills(engine: Database) -> None:
    assert kill_while_writing(engine, MANY, seed=2) > 10 * MANY
