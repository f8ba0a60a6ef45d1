"""A fill ends with each cell holding its N or named as given up, however its sessions end and whatever stops it."""

import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from agents.rehearsal.app import create_app
from graphs.fill import TRIES, Filling
from graphs.trace import rebuild_requests
from graphs.units import CellUnits
from store.coverage import CellCount, count_cells
from store.db import open_db
from store.records import DecisionRecord, DialogueRecord, SeedRecord
from store.reviews import Said, say
from taxonomy.schema import Cell, load_taxonomy
from tests.databases import make_database
from tests.graphs.conftest import TAXONOMY, Factory, read_rows
from tests.witness import Witness, hash_body, let_lease_pass, serve, start, write_endpoint

CELLS = 6
DB = "sqlite:///factory.db"
SHORT = ("--recipe", "interactive", "--set", "exchanges=2", "--taxonomy", "small.yaml", "--json")
CALLS = 5
"""Calls of such a session."""


@pytest.fixture(scope="module")
def small() -> str:
    """Return a taxonomy of a few cells."""
    whole = yaml.load(TAXONOMY.read_text(encoding="utf-8"), yaml.CSafeLoader)
    whole["emotions"] = whole["emotions"][:2]
    for emotion in whole["emotions"]:
        emotion["cells"] = {life: codes[:1] for life, codes in emotion["cells"].items()}
    return yaml.dump(whole, allow_unicode=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, small: str) -> Path:
    """Return a folder that holds the small taxonomy."""
    (tmp_path / "small.yaml").write_text(small, encoding="utf-8")
    return tmp_path


def count(db: str = DB, run_id: int | None = None) -> Mapping[Cell, CellCount]:
    """Return what the database holds of each cell."""
    database = open_db(db)
    counts = count_cells(database, "interactive", "zh", is_rehearsal=True, run_id=run_id)
    database.dispose()
    return counts


def positions(run_id: int) -> list[int]:
    """Return the positions of a run's sessions."""
    return [row[0] for row in read_rows(f"SELECT position FROM dialogues WHERE run_id = {run_id} ORDER BY 1")]


def change(statement: str) -> None:
    """Change the database as somebody else would."""
    with sqlite3.connect("factory.db") as db:
        db.execute(statement)


def test_every_cell_gets_its_number_and_a_second_fill_does_nothing(factory: Factory) -> None:
    told = factory(*SHORT, "--fill", 2)
    assert told.code == 0
    counts = count()
    assert len(counts) == CELLS
    assert all(cell.held == 2 for cell in counts.values())
    assert positions(1) == list(range(2 * CELLS))
    assert told.summary["fill"]["missing"] == told.summary["left"] == 0
    again = factory(*SHORT, "--fill", 2)
    assert (again.code, again.summary["run"]) == (0, None)
    assert "every cell has 2" in again.out
    assert len(read_rows("SELECT id FROM runs")) == 1


@pytest.mark.parametrize("share", [0.05, 0.25, 1.0])
def test_sessions_that_fail_are_made_up_for_until_their_cell_gives_up(
    factory: Factory, folder: Path, share: float
) -> None:
    with serve(create_app(fault_rate=share, faults=("filtered",))) as port:
        told = factory(*SHORT, "--fill", 2, "--model", write_endpoint(folder, port), "--concurrency", 8)
    counts, gave_up = count(run_id=1), told.summary["fill"]["gave_up"]
    lost = {(cell["emotion"], cell["scene"]) for cell in gave_up}
    assert all(cell.held == 2 or (name in lost and cell.own == 2 * TRIES) for name, cell in counts.items())
    assert max(cell.own for cell in counts.values()) <= 2 * TRIES
    assert told.code == (3 if lost else 0)
    assert told.out.count("gave up after 6 sessions") == len(lost)
    assert read_rows("SELECT status FROM runs")[0][0] == "finished"
    if share == 1.0:
        assert len(lost) == CELLS
        assert told.summary["outcomes"] == {"failed": CELLS * 2 * TRIES}


def test_a_fill_tops_up_what_other_runs_made_and_later_runs_go_on_behind_it(factory: Factory) -> None:
    factory(*SHORT, "--count", 4)
    told = factory(*SHORT, "--fill", 1)
    assert sum(told.summary["outcomes"].values()) == CELLS - 4
    assert positions(2) == [4, 5]
    factory(*SHORT, "--count", 1)
    assert positions(3) == [6]
    assert factory(*SHORT, "--fill", 1, "--language", "en").summary["outcomes"] == {"done": CELLS}


def test_a_dialogue_that_a_person_rejects_is_made_up_for(factory: Factory) -> None:
    factory(*SHORT, "--fill", 1)
    (rejected,) = read_rows(
        "SELECT s.emotion, s.scene FROM dialogues d JOIN seeds s ON s.id = seed_id WHERE d.id='1/3'"
    )
    say(open_db(DB), Said(dialogue_id="1/3", reviewer="a", word="reject", reasons=["other"]))
    told = factory(*SHORT, "--fill", 1)
    assert told.summary["outcomes"] == {"done": 1}
    assert count(run_id=2)[Cell(rejected.emotion, rejected.scene)] == CellCount(accepted=1, rejected=1, own=1)


def test_a_fill_whose_calls_are_used_up_keeps_its_place_in_the_plan(factory: Factory) -> None:
    stopped = factory(*SHORT, "--fill", 2, "--max-calls", 3 * CALLS + 2, "--concurrency", 1)
    assert stopped.code == 3
    assert "go on:" in stopped.out
    missing = stopped.summary["fill"]["missing"]
    assert missing == stopped.summary["left"] == 2 * CELLS - len(positions(1)) > 0
    between = factory(*SHORT, "--count", 3)
    assert f"going on at position {CELLS * 2 * TRIES}" in between.out
    assert (
        f"run 1 fills every cell to 2 and has {len(positions(1))} sessions, {missing} missing; --resume 1"
        in between.out
    )
    resumed = factory("--resume", 1, "--max-calls", 500, "--json")
    assert (resumed.code, sum(resumed.summary["outcomes"].values())) == (0, missing - 3)
    assert all(cell.held == 2 for cell in count().values())
    assert len(positions(1)) == 2 * CELLS - 3
    assert not set(positions(1)) & set(positions(2))


def test_a_run_that_was_killed_after_its_last_session_ends_well(factory: Factory) -> None:
    factory(*SHORT, "--fill", 1)
    factory(*SHORT, "--count", 1)
    change("UPDATE runs SET status = 'interrupted'")
    for run in (1, 2):
        told = factory("--resume", run, "--json")
        assert (told.code, told.summary["outcomes"]) == (0, {})


def test_a_killed_fill_goes_on_without_asking_again_what_was_answered(factory: Factory, folder: Path) -> None:
    witness = Witness(kill_after=8 * CALLS)
    witness._app = create_app(fault_rate=0.1, faults=("filtered",))
    with serve(witness) as port:
        flags = (*SHORT, "--fill", 2, "--concurrency", 4, "--model", write_endpoint(folder, port))
        witness.victim = start(folder, *flags)
        witness.victim.communicate(timeout=60)
        assert witness.victim.returncode == -signal.SIGKILL
        witness.settle()
        answered, before = witness.answered, read_bodies()
        let_lease_pass(folder / "factory.db")
        told = factory("--resume", "--json")
    assert before
    assert not before & Counter(witness.log[answered:])
    counts = count(run_id=1).values()
    assert all(cell.held == 2 or (cell.held < 2 and cell.own == 2 * TRIES) for cell in counts)
    assert told.code == (3 if any(cell.held < 2 for cell in counts) else 0)


def read_bodies() -> Counter[bytes]:
    """Return the requests whose answers are stored."""
    database = open_db(DB)
    bodies = Counter(hash_body(body) for _, body in rebuild_requests(database, 1))
    database.dispose()
    return bodies


def test_a_fill_on_postgresql_leaves_what_one_on_sqlite_leaves(factory: Factory, postgres: str) -> None:
    url = f"postgresql://factory@{postgres}/{make_database(postgres)}"
    for db in (url, DB):
        factory(*SHORT, "--count", 4, "--db", db)
        assert factory(*SHORT, "--fill", 2, "--db", db).code == 0
    query = 'SELECT first_position, "count" FROM runs ORDER BY id'
    driver = url.replace("postgresql:", "postgresql+psycopg:")
    assert read_rows(query, driver) == read_rows(query) == [(0, 4), (4, 8)]
    assert count(url) == count()


def test_a_dry_run_says_what_is_missing_and_writes_nothing(factory: Factory, folder: Path) -> None:
    told = factory(*SHORT, "--fill", 2, "--dry-run")
    assert told.code == 0
    assert f"{CELLS} lack {2 * CELLS} in all" in told.out
    assert f"estimate: {2 * CELLS} sessions, {2 * CELLS * CALLS} calls" in told.out
    assert f"at most, with 6 sessions a cell: {6 * CELLS} sessions" in told.out
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_a_paid_fill_is_asked_about_at_its_dearest(factory: Factory, folder: Path) -> None:
    flags = [flag for flag in SHORT if flag != "--json"]
    with serve(create_app()) as port:
        model = write_endpoint(folder, port)
        plain = model.read_text("utf-8")

        def price(factor: float) -> None:
            prices = f"{{input: {4 * factor}, cached_input: {factor}, output: {16 * factor}}}"
            model.write_text(f"{plain}prices: {prices}\ncurrency: CNY\n", encoding="utf-8")

        price(100)
        told = factory(*flags, "--fill", 1, "--model", model, "--dry-run")
        least, most = (float(cost) for cost in re.findall(r"at most ([\d.]+) CNY", told.out))
        assert most == pytest.approx(TRIES * least, rel=0.01)
        price(100 * 4 / least)
        refused = factory(*flags, "--fill", 1, "--model", model)
        assert refused.code == 2
        assert "--yes" in refused.err
        assert f"at most, with {TRIES} sessions a cell: {TRIES * CELLS} sessions" in refused.out
        price(100 * 4 / most)
        assert factory(*flags, "--fill", 1, "--model", model).code == 0


def test_what_leaves_no_room_for_a_fill_is_refused(factory: Factory, folder: Path) -> None:
    (folder / "texts.jsonl").write_text('{"text": "最近总睡不着。"}\n', encoding="utf-8")
    for flags, expected in (
        (("--fill", 2, "--count", 4), "leave out --count"),
        (("--fill", 2, "--seeds", "texts.jsonl"), "leave out --seeds"),
        (("--fill", 0), "fill"),
        (("--resume", "--fill", 2), "leave out --fill"),
    ):
        told = factory(*flags)
        assert told.code == 2
        assert expected in told.err
        assert len(told.err.splitlines()) == 1


def test_all_that_is_needed_is_handed_out_at_once_in_the_order_of_the_plan(folder: Path) -> None:
    units = CellUnits(load_taxonomy(folder / "small.yaml"), folder / "small.yaml", 0, "zh")
    assert list(Filling(units, 3, {})) == list(range(3 * CELLS))
    stored = [0, 1, 2, 7]
    filling = Filling(units, 2, {}, stored=stored)
    assert sorted([*stored, *list(filling)[: 2 * CELLS - 4]]) == list(range(2 * CELLS))


def play(filling: Filling, workers: int, kept: float, random: Random) -> list[int]:
    """Play a fill's sessions with so many workers, ended in any order; return the positions in the order they went."""
    idle = [iter(filling) for _ in range(workers)]
    busy: dict[int, Iterator[int]] = {}
    taken: list[int] = []
    while idle or busy:
        while idle:
            worker = idle.pop()
            position = next(worker, None)
            if position is not None:
                taken.append(position)
                busy[position] = worker
        if busy:
            ended = random.choice(list(busy))
            idle.append(busy.pop(ended))
            filling.settle(end_session(ended, "accept" if random.random() < kept else "reject"))
    return taken


def end_session(position: int, choice: str) -> DialogueRecord:
    """Return the record of a session with this decision on it."""
    fields: dict[str, Any] = {"plan": {}, "risk_tier": "none", "is_crisis": False, "is_rehearsal": True}
    decided = DecisionRecord("default", 1, choice, (), "{}")
    return DialogueRecord(1, position, SeedRecord("cell"), "session", "zh", "done", **fields, decision=decided)


@pytest.mark.parametrize("seed", range(12))
def test_no_cell_gets_too_much_and_no_worker_leaves_a_need_behind(folder: Path, seed: int) -> None:
    random = Random(seed)
    units = CellUnits(load_taxonomy(folder / "small.yaml"), folder / "small.yaml", seed, "zh")
    first, wanted, kept = random.randrange(20), random.randint(1, 4), random.choice((0.0, 0.2, 0.5, 0.8, 1.0))
    counts = {cell: CellCount(accepted=random.randrange(3), waiting=random.randrange(2)) for cell in units.cells[1:]}
    filling = Filling(units, wanted, counts, first=first)
    least, most = filling.left, filling.most
    taken = play(filling, random.randint(1, 30), kept, random)
    lost = len(filling.list_lost())
    assert len(taken) >= least or lost
    assert len(set(taken)) == len(taken) <= most
    assert all(first <= position < first + filling.reserve(first) for position in taken)
    assert filling.left == 0
    assert filling.missing == 0 if kept == 1.0 else (filling.missing > 0) == (lost > 0)
    by_cell: dict[Cell | None, list[int]] = {}
    for position in taken:
        by_cell.setdefault(units.unit(position).plan.cell, []).append(position)
    for cell, went in by_cell.items():
        on_the_way = (units.unit(position).plan.cell for position in range(first, went[-1] + 1))
        assert len(went) == sum(other == cell for other in on_the_way), "an attempt passed over a position"
        assert len(went) <= TRIES * wanted
