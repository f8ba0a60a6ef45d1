"""Measures lists, search and queue among very many talks: python -m tests.bench.review [--talks 100000] [--times 10].

The talks are written by SQL, as long as real ones; the cards are made by store.cards. With --times 10 each card is
copied to ten runs, which gives a million of them; words are kept of the first tenth alone.
"""

import argparse
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from store.cards import POSITION_BITS, refresh_cards
from store.db import Database, open_db
from store.facets import count_facets
from store.filters import Filter, read_filter
from store.listing import list_page
from store.matching import read_map
from store.pairs import next_pair
from store.queue import next_item, release
from store.remembered import MEMORY
from store.review.saying import record
from store.review.settings import Settings
from store.review_tables import CardRow
from store.reviews import Said
from store.rows import insert
from store.tables import (
    CallRow,
    DecisionRow,
    DialogueRow,
    FindingRow,
    ReviewRow,
    RunRow,
    SeedRow,
    UtteranceRow,
    VerdictRow,
)

ROUNDS = 40
RUNS = 40
RECIPES = ("session", "smile", "cpsycoun", "cactus", "magnet", "autocbt")
MODELS = ("deepseek-r1", "qwen2.5-7b", "rehearsal")
RULES = [f"rule_{number}" for number in range(30)]
WHO = ("ann", "ben", "cleo", "dora")
ASKED: dict[str, dict[str, str]] = {
    "all": {},
    "standing": {"standing": "waiting"},
    "run": {"run": "7"},
    "emotion": {"emotion": "panic"},
    "family": {"family": "anxiety"},
    "crisis": {"crisis": "yes"},
    "model": {"model": "qwen2.5-7b"},
    "rule, frequent": {"rule": "rule_0"},
    "rule, rare": {"rule": "rule_29"},
    "reviewer": {"reviewer": "ann"},
    "text, frequent": {"text": "睡觉"},
    "text, rare": {"text": "失眠药"},
    "text and emotion": {"text": "睡觉", "emotion": "panic"},
    "score range": {"rubric": "session", "score_from": "4.5"},
    "score range, by score": {"rubric": "session", "score_to": "2", "sort": "score_up"},
    "waiting, in danger, zh": {"standing": "waiting", "crisis": "yes", "language": "zh"},
    "accepted, recipe, model, zh": {"standing": "accepted", "recipe": "cactus", "model": "rehearsal", "language": "zh"},
    "rule, standing, danger first": {"rule": "rule_1", "standing": "waiting", "sort": "danger"},
    "nothing matches": {"standing": "accepted", "outcome": "failed"},
    "danger first": {"sort": "danger"},
    "disputed first": {"sort": "disputed"},
    "by chance": {"sort": "random-7"},
    "emotion, by chance": {"emotion": "panic", "sort": "random-7"},
    "one week": {"date_from": "2026-03-01", "date_to": "2026-03-07"},
    "edited": {"edited": "yes"},
}


def make_line(chance: random.Random, words: list[str]) -> str:
    """Return a line of some sixty characters."""
    said = "".join(chance.choice(words) + chance.choice("，。的了是") for _ in range(20))
    return said + ("睡觉。" if chance.random() < 0.01 else "") + ("失眠药。" if chance.random() < 0.0002 else "")


def insert_all(db: sqlite3.Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    """Write rows; what they do not name is empty."""
    empty = dict.fromkeys(table.model_fields)
    db.executemany(insert(table).text, (empty | row for row in rows))


def fill(path: Path, talks: int) -> None:
    """Make a database of so many talks in 40 runs, without cards."""
    open_db(f"sqlite:///{path}").dispose()
    chance = random.Random(1)
    characters = "".join(chr(0x4E00 + number) for number in range(0, 3000, 2))
    words = ["".join(chance.choices(characters, k=chance.choice((1, 2, 2, 2, 3)))) for _ in range(8_000)]
    bodies = [[make_line(chance, words) for _ in range(16)] for _ in range(5_000)]
    cells = read_map().cells
    each = talks // RUNS
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript("PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;")
        run = {"recipe": "session", "language": "zh", "plan_seed": 0, "source": "", "first_position": 0, "count": each}
        run |= {"kind": "generate", "config": "{}", "versions": "{}", "prompts": "{}", "is_rehearsal": False}
        run |= {"status": "done", "heartbeat_at": 0.0, "started_at": 0.0}
        insert_all(db, RunRow, (run | {"id": number} for number in range(1, RUNS + 1)))
        seeds = [(cell, number) for cell in cells for number in range(4)]
        insert_all(db, SeedRow, (
            {"id": id, "digest": b"%d" % id, "kind": "cell", "emotion": cell.emotion, "scene": cell.scene}
            for id, (cell, _) in enumerate(seeds, 1)
        ))  # fmt: skip
        insert_all(db, DialogueRow, (make_dialogue(run, position, random.Random(f"{run}/{position}"), len(seeds))
                                     for run, position in list_places(each)))  # fmt: skip
        insert_all(db, UtteranceRow, (
            {"dialogue_id": f"{run}/{position}", "number": number, "speaker": ("client", "counselor")[number % 2],
             "text": line, "call_number": number}
            for run, position in list_places(each)
            for number, line in enumerate(bodies[(run * 131 + position * 7) % len(bodies)])
        ))  # fmt: skip
        call = {"key": b"k", "agent": "counselor", "branch": "counselor", "prompt_hash": b"p", "messages": b"",
                "parameters_hash": b"q", "outcome": "ok", "content": "", "finish": "stop", "latency_ms": 1,
                "created_at": 0.0, "number": 15}  # fmt: skip
        insert_all(db, CallRow, (call | {"run_id": run, "position": position, "served_model": MODELS[run % 3]}
                                 for run, position in list_places(each)))  # fmt: skip
        for table, make in ((FindingRow, make_findings), (VerdictRow, make_verdicts), (DecisionRow, make_decisions),
                            (ReviewRow, make_reviews)):  # fmt: skip
            insert_all(db, table, (
                {"dialogue_id": f"{run}/{position}"} | row
                for run, position in list_places(each)
                for row in make(random.Random(f"{table.__name__}/{run}/{position}"))
            ))  # fmt: skip
        db.execute("UPDATE dialogues SET people = (SELECT verdict FROM reviews r WHERE r.dialogue_id = dialogues.id)")
        db.execute("INSERT INTO stale SELECT id FROM dialogues")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def list_places(each: int) -> Iterator[tuple[int, int]]:
    """Yield run and position of every talk."""
    return ((run, position) for run in range(1, RUNS + 1) for position in range(each))


def make_dialogue(run: int, position: int, chance: random.Random, seeds: int) -> dict[str, Any]:
    """Return the row of a talk: 5 % in danger, 8 % rejected by the recipe, 4 % failed."""
    is_crisis = chance.random() < 0.05
    return {
        "id": f"{run}/{position}", "run_id": run, "position": position, "seed_id": 1 + (position * 13 + run) % seeds,
        "kind": "talk", "recipe": RECIPES[run % 6], "language": "en" if run % 7 == 0 else "zh", "plan": "{}",
        "outcome": chance.choices(("done", "rejected", "failed"), (88, 8, 4))[0],
        "risk_tier": "passive" if is_crisis else "none", "is_crisis": is_crisis, "is_rehearsal": run % 3 == 2,
        "is_edited": chance.random() < 0.002, "exchanges": 8, "checks": "1",
        "created_at": 1.767e9 + run * 604_800 + position,
    }  # fmt: skip


def make_findings(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield up to three findings, of rules that are the rarer the higher their number."""
    for number in range(chance.choice((0, 0, 1, 1, 2, 3))):
        rule = RULES[min(int(chance.expovariate(0.25)), len(RULES) - 1)]
        yield {"number": number, "exchange": 1, "attempt": 0, "speaker": "counselor", "rule": rule, "version": 1,
               "severity": "note", "span_start": 0, "span_end": 1, "reason": "r"}  # fmt: skip


def make_verdicts(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield a critic's verdict on most talks."""
    if chance.random() < 0.9:
        scores = {name: chance.randint(1, 5) for name in "abcd"}
        yield {"number": 0, "exchange": 0, "attempt": 0, "rubric": "session", "version": 1, "about": "line",
               "repeat": 0, "scores": json.dumps(scores)}  # fmt: skip


def make_decisions(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield what a policy decided."""
    choice = chance.choices(("accept", "reject", "person"), (55, 15, 30))[0]
    yield {"policy": "default", "version": 1, "choice": choice, "reasons": "[]", "created_at": 0.0}


def make_reviews(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield a person's verdict on one talk in ten."""
    if chance.random() < 0.1:
        yield {"reviewer": chance.choice(WHO), "verdict": chance.choice(("accept", "accept", "reject")),
               "is_adjudication": False, "wanted": 1, "way": "page", "created_at": 0.0}  # fmt: skip


def copy_cards(path: Path, times: int) -> None:
    """Copy every card to more runs, with dialogues that are but a row and have no words."""
    names = [name for name in CardRow.model_fields if name not in ("id", "run_id", "words_id", "dialogue_id")]
    heads = [name for name in DialogueRow.model_fields if name not in ("id", "run_id")]
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript("PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;")
        db.execute("CREATE TEMP TABLE first AS SELECT * FROM cards")
        db.execute("CREATE TEMP TABLE heads AS SELECT * FROM dialogues")
        for copy in range(1, times):
            runs, ids = copy * 1000, copy * 1000 << POSITION_BITS
            db.execute(
                f"INSERT INTO runs ({', '.join(n for n in RunRow.model_fields if n != 'id')}, id) SELECT "
                f"{', '.join(n for n in RunRow.model_fields if n != 'id')}, id + {runs} FROM runs WHERE id < 1000"
            )
            db.execute(
                f"INSERT INTO dialogues (id, run_id, {', '.join(heads)}) SELECT (run_id + {runs}) || '/' ||"
                f" position, run_id + {runs}, {', '.join(heads)} FROM temp.heads"
            )
            db.execute(
                f"INSERT INTO cards (id, run_id, words_id, dialogue_id, {', '.join(names)}) SELECT id + {ids},"
                f" run_id + {runs}, words_id + {ids << 10}, (run_id + {runs}) || '/' || position,"
                f" {', '.join(names)} FROM temp.first"
            )
            for table, extra in (("card_rules", "rule"), ("card_scores", "rubric, score"), ("card_judges", "reviewer")):
                db.execute(f"INSERT INTO {table} (card_id, {extra}) SELECT card_id + {ids}, {extra} FROM {table}"
                           f" WHERE card_id < {1000 << POSITION_BITS}")  # fmt: skip
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def measure(act: Callable[[int], object], rounds: int = ROUNDS, *, forget: bool = True) -> dict[str, float]:
    """Return p50 and p95 in milliseconds, by the clock and of this thread alone.

    Nothing is remembered from one round to the next, unless `forget` is false.
    """
    wall, cpu = [], []
    for number in range(rounds):
        if forget:
            MEMORY.clear()
        began, worked = time.perf_counter(), time.thread_time()
        act(number)
        cpu.append((time.thread_time() - worked) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    named = (("", sorted(wall)), ("_cpu", sorted(cpu)))
    return {f"p{share}{kind}_ms": round(spent[rounds * share // 100], 1) for kind, spent in named for share in (50, 95)}


def list_sizes(path: Path) -> dict[str, float]:
    """Return the megabytes of cards, of what hangs on them, of words, and of each index of cards."""
    with closing(sqlite3.connect(path)) as db:
        sizes = db.execute("SELECT name, sum(pgsize) / 1e6 FROM dbstat WHERE name LIKE '%card%' OR name LIKE 'words%'"
                           " GROUP BY name ORDER BY 2 DESC")  # fmt: skip
        return {name: round(size, 1) for name, size in sizes}


def show(name: str, figures: object) -> None:
    """Print a figure as one line."""
    print(f"{name:<36}{json.dumps(figures, ensure_ascii=False)}", flush=True)


def measure_lists(database: Database) -> None:
    """Print the figures of every filter: its first page, and the page after that."""
    for name, asked in ASKED.items():
        told = read_filter(asked)
        first = list_page(database, told, viewer="eva")
        show(name, measure(lambda _, told=told: list_page(database, told, viewer="eva")) | {"count": first.count})  # type: ignore[misc]
    places: list[str | None] = [None]

    def turn(_: int) -> None:
        places[0] = list_page(database, Filter(standing="waiting"), places[0]).next

    show("the next page", measure(turn, forget=False))
    show("facets", measure(lambda _: count_facets(database), 10))
    show("next pair", measure(lambda _: next_pair(database, "ann"), 20))


def measure_queue(database: Database) -> None:
    """Print the figures of the next item and of a verdict with the next item; they leave their lines in the log."""
    settings = Settings()
    for name, asked in ASKED.items():
        if "sort" not in asked and "reviewer" not in asked:
            told = read_filter(asked)

            def take(number: int, told: Filter = told) -> None:
                id = next_item(database, f"asks {number}", told, settings)
                if id is not None:
                    release(database, id, f"asks {number}")

            show(f"next item: {name}", measure(take))
    places = {"id": next_item(database, "eva", Filter(), settings)}

    def judge(_: int) -> None:
        said = Said(dialogue_id=str(places["id"]), reviewer="eva", word="accept")
        record(database, said, settings)
        places["id"] = next_item(database, "eva", Filter(), settings)

    show("a verdict and the next item", measure(judge, 100))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a database that is kept, and used where it is there")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = flags.keep or Path(folder) / "factory.db"
        is_there = path.exists()
        if not is_there:
            began = time.perf_counter()
            fill(path, flags.talks)
            show("filled, s", round(time.perf_counter() - began, 1))
        database = open_db(f"sqlite:///{path}")
        if not is_there:
            began = time.perf_counter()
            made = refresh_cards(database)
            show(f"made {made} cards, ms each", round((time.perf_counter() - began) * 1000 / made, 3))
            if flags.times > 1:
                copy_cards(path, flags.times)
        show("sizes, MB", list_sizes(path) | {"all": round(path.stat().st_size / 1e6)})
        measure_lists(database)
        measure_queue(database)
        database.dispose()


if __name__ == "__main__":
    main()
