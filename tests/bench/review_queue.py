"""Measures the queue among very many talks: python -m tests.bench.review_queue [--talks 100000] [--keep FILE].

First the next item alone, for the filters of tests.bench.review, for somebody new and for somebody who has judged half
of the talks alone. Then a real server: verdict and next item over a port, and its memory over so many requests.
"""

import argparse
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from store.cards import refresh_cards
from store.db import Database, open_db
from store.filters import read_filter
from store.queue import next_item
from store.review.settings import Settings
from tests.bench.review import ASKED, fill, measure, show
from tests.store.review.served import Served

SETTINGS = Settings()
REQUESTS = 2_000
HALF = (
    "INSERT INTO card_judges (reviewer, card_id) SELECT 'half', id FROM cards WHERE given = 0 AND id % 2 = 0"
    " AND outcome = 'done'",
    "INSERT INTO reviews (dialogue_id, reviewer, verdict, is_adjudication, created_at) SELECT c.dialogue_id, 'half',"
    " 'accept', 0, 0 FROM cards c JOIN card_judges j ON j.card_id = c.id WHERE j.reviewer = 'half'",
    "UPDATE cards SET given = 1 WHERE id IN (SELECT card_id FROM card_judges WHERE reviewer = 'half')",
)
"""What half of the talks look like that one person has judged; a filter's own order is left as it is."""


def take_next(database: Database, name: str, query: dict[str, str]) -> str | None:
    """Return the next item and give it back, so that the next one is looked for as well."""
    id = next_item(database, name, read_filter(query), SETTINGS)
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("DELETE FROM leases"))
    return id


def measure_next(database: Database, name: str) -> None:
    """Print the time that the next item takes for each filter."""
    for label, query in ASKED.items():
        figures = measure(lambda _, query=query: take_next(database, name, query), 20)  # type: ignore[misc]
        show(f"next for {name}, {label}", figures | {"found": take_next(database, name, query) is not None})


def read_rss(process: int) -> float:
    """Return the megabytes that a process holds."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure_server(path: Path) -> None:
    """Print the time of a verdict with the next item over a port, and the server's memory."""
    served = Served(f"sqlite:///{path}")
    try:
        served.enter()
        url = served.post("/api/next").json()["url"]
        spent: list[float] = []
        sizes: dict[int, float] = {}
        for number in range(REQUESTS):
            if number % (REQUESTS // 8) == 0:
                sizes[number] = round(read_rss(served.process.pid), 1)
            began = time.perf_counter()
            answer = served.post(f"/api{url.partition('?')[0]}/say?queue=1", {"word": "accept", "seconds": 30})
            spent.append((time.perf_counter() - began) * 1000)
            url = answer.json()["next"]
        sizes[REQUESTS] = round(read_rss(served.process.pid), 1)
        spent.sort()
        middle, late = spent[REQUESTS // 2], spent[int(REQUESTS * 0.95)]
        show("verdict and next over a port, ms", {"p50": round(middle, 1), "p95": round(late, 1)})
        show("memory by request, MB", sizes)
        sizes = {0: round(read_rss(served.process.pid), 1)}
        spent = []
        for number in range(1, REQUESTS + 1):
            page = ("/dialogues", "/dialogues?standing=waiting&text=睡觉", url, "/queue", "/progress")[number % 5]
            began = time.perf_counter()
            served.client.get(page).raise_for_status() if page != "/queue" else served.client.get(page)
            spent.append((time.perf_counter() - began) * 1000)
            if number % (REQUESTS // 8) == 0:
                sizes[number] = round(read_rss(served.process.pid), 1)
        spent.sort()
        show(
            "pages over a port, ms",
            {"p50": round(spent[REQUESTS // 2], 1), "p95": round(spent[int(REQUESTS * 0.95)], 1)},
        )
        show("memory by page, MB", sizes)
    finally:
        served.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="a database of tests.bench.review; it is changed")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = flags.keep or Path(folder) / "factory.db"
        if not path.exists():
            fill(path, flags.talks)
        database = open_db(f"sqlite:///{path}")
        refresh_cards(database)
        measure_next(database, "new")
        with closing(sqlite3.connect(path)) as db, db:
            for statement in HALF:
                db.execute(statement)
        measure_next(database, "half")
        database.dispose()
        measure_server(path)


if __name__ == "__main__":
    main()
