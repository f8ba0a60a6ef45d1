"""Whatever fails, and wherever, the database stays whole, and a resume ends with each session once and no call lost."""

import asyncio
import multiprocessing
import resource
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from store.db import Database, open_db
from store.errors import StoreError
from store.ledger import Ledger
from store.rows import HASH_BYTES
from store.runs import LEASE_S, Run, count_done, count_failed, end_run, left_positions, list_unfinished, resume_run
from tests.store.test_sessions import begin, make_call, make_record, rows

SESSIONS, CALLS = 4, 3
ALWAYS = 100
PART_BYTES = HASH_BYTES + 1

Told = dict[tuple[int, int], bytes]
"""The key of each call that was reported as committed, by position and number."""


def make_error(message: str, code: int) -> sqlite3.OperationalError:
    """Return an error as SQLite raises it."""
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return error


FULL = make_error("database or disk is full", sqlite3.SQLITE_FULL)
IOERR = make_error("disk I/O error", sqlite3.SQLITE_IOERR_FSYNC)
BUSY = make_error("database is locked", sqlite3.SQLITE_BUSY_SNAPSHOT)


def spoil(database: Database, error: Exception, nth: int, times: int = 1, is_late: bool = False) -> Callable[[], bool]:
    """Let the n-th commit and those after it fail, `is_late` once they are written; tells whether one has failed."""
    dialect: Any = database.dialect
    numbers, commit = count(1), dialect.do_commit
    failed = False

    def do_commit(connection: Any) -> None:
        nonlocal failed
        if not nth <= next(numbers) < nth + times:
            commit(connection)
            return
        failed = True
        if is_late:
            commit(connection)
        raise error

    dialect.do_commit = do_commit
    return lambda: failed


def work(database: Database, run: Run, told: Told, size: int = 1) -> None:
    """Do what is left of a run, all sessions at once; notes each call that the ledger says is committed."""

    async def play(ledger: Ledger, position: int) -> None:
        calls = ledger.open_session(position)
        for number in range(CALLS):
            key = f"{position:8}{number:8}".encode()
            if calls.look_up(key) is None:
                content = f"{position} {number} {'字' * size}"
                told[position, await calls.record(**make_call(content, key=key))] = key
        await ledger.finish(make_record(run, position))

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        left = list(left_positions(database, run))
        ended = await asyncio.gather(*(play(ledger, position) for position in left), return_exceptions=True)
        await ledger.close()
        for error in ended:
            if error is not None:
                raise error

    asyncio.run(act())


def work_a_whole_run(database: Database, told: Told, size: int = 1) -> None:
    """Start a run, do it and end it, as the command does."""
    run = begin(database, SESSIONS)
    status = "interrupted"
    try:
        work(database, run, told, size)
        status = "finished"
    finally:
        end_run(database, run, status)


def tell_failure(action: Callable[..., object], *values: Any) -> str:
    """Return the line that the store ends an action with, or nothing."""
    try:
        action(*values)
    except StoreError as error:
        return str(error)
    return ""


def let_the_lease_run_out(database: Database) -> None:
    """Make a run that could not be let go of look as it does half a minute later."""
    with database.connect().execution_options(writes=True) as db, db.begin():
        db.exec_driver_sql(f"UPDATE runs SET heartbeat_at = heartbeat_at - {LEASE_S + 1}")


def resume(database: Database, told: Told) -> None:
    """Go on with the run, or begin anew where the first one was never stored."""
    unfinished = list_unfinished(database)
    if not unfinished and not count_done(database, 1):
        work_a_whole_run(database, told)
    elif unfinished:
        let_the_lease_run_out(database)
        run = resume_run(database, unfinished[0].id)
        work(database, run, told)
        end_run(database, run, "finished")


def check_is_whole(database: Database, told: Told) -> None:
    """Check that nothing is broken, half-written or lost."""
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    assert rows(database, "PRAGMA foreign_key_check") == []
    children = ("profiles", "utterances", "attempts", "findings", "verdicts", "decisions")
    counts = ", ".join(f"(SELECT count(*) FROM {child} WHERE dialogue_id = dialogues.id)" for child in children)
    assert all(tuple(row) == (1, 2, 2, 1, 2, 1) for row in rows(database, f"SELECT {counts} FROM dialogues"))
    calls = rows(database, "SELECT position, number, key, content, messages, parameters_hash FROM calls")
    stored = {(call.position, call.number): call for call in calls}
    assert {place: stored[place].key for place in told} == told
    assert all(stored[place].content.split()[:2] == key.decode().split() for place, key in told.items())
    parts = {
        call.messages[at + 1 : at + PART_BYTES] for call in calls for at in range(0, len(call.messages), PART_BYTES)
    }
    assert parts <= {row.hash for row in rows(database, "SELECT hash FROM messages")}
    assert {call.parameters_hash for call in calls} <= {
        row.hash for row in rows(database, "SELECT hash FROM parameters")
    }


def check_is_complete(database: Database, told: Told) -> None:
    """Check that each session and each call is there exactly once."""
    check_is_whole(database, told)
    positions = [row.position for row in rows(database, "SELECT position FROM dialogues ORDER BY position")]
    assert positions == list(range(SESSIONS))
    assert tuple(rows(database, "SELECT count(*), count(DISTINCT key) FROM calls")[0]) == (SESSIONS * CALLS,) * 2
    assert list_unfinished(database) == []


@pytest.mark.parametrize(
    ("error", "times", "is_late", "expected"),
    [
        (FULL, 1, False, "database or disk is full; free some space, then --resume goes on"),
        (FULL, ALWAYS, False, "database or disk is full; free some space, then --resume goes on"),
        (IOERR, 1, False, "disk I/O error"),
        (IOERR, 1, True, "disk I/O error"),
        (BUSY, ALWAYS, False, "database is locked"),
    ],
    ids=["full", "full for good", "i/o error", "i/o error after the commit", "locked for good"],
)
def test_a_run_whose_nth_commit_fails_can_be_resumed_whatever_n_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, times: int, is_late: bool, expected: str
) -> None:
    monkeypatch.setattr("store.db.WAITS_S", (0.0,) * 5)
    for nth in count(1):
        url, told = f"sqlite:///{tmp_path}/{nth}.db", Told()
        database = open_db(url)
        has_failed = spoil(database, error, nth, times, is_late)
        failure = tell_failure(work_a_whole_run, database, told)
        assert failure == (f"{url}: {expected}" if has_failed() else "")
        database.dispose()
        database = open_db(url)
        check_is_whole(database, told)
        resume(database, told)
        check_is_complete(database, told)
        database.dispose()
        if not has_failed():
            break
    assert nth > 2 + CALLS  # the start, each round of calls, the sessions and the end


@pytest.mark.parametrize("times", [1, 5])
def test_a_lock_that_passes_is_noticed_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    monkeypatch.setattr("store.db.WAITS_S", (0.0,) * 5)
    for nth in count(1):
        database, told = open_db(f"sqlite:///{tmp_path}/{nth}.db"), Told()
        run = begin(database, SESSIONS)
        has_failed = spoil(database, BUSY, nth, times)
        work(database, run, told)
        if not has_failed():
            break
        assert len(told) == SESSIONS * CALLS
        end_run(database, run, "finished")
        check_is_complete(database, told)
        database.dispose()
    assert nth > CALLS


def test_a_lost_serialisation_is_noticed_by_nobody(database: Database) -> None:
    run, told = begin(database, SESSIONS), Told()
    lost = psycopg.errors.SerializationFailure("could not serialize access") if is_postgres(database) else BUSY
    has_failed = spoil(database, lost, 2, times=2)
    work(database, run, told)
    assert has_failed()
    assert len(told) == SESSIONS * CALLS == rows(database, "SELECT count(*) FROM calls")[0][0]


def is_postgres(database: Database) -> bool:
    """Whether a database is PostgreSQL."""
    return database.dialect.name == "postgresql"


def test_what_is_not_a_lost_race_is_not_tried_again(tmp_path: Path) -> None:
    for error in (FULL, IOERR, make_error("no such table: calls", sqlite3.SQLITE_ERROR)):
        database = open_db(f"sqlite:///{tmp_path}/{error.sqlite_errorcode}.db")
        run = begin(database, SESSIONS)
        has_failed = spoil(database, error, 1)
        with pytest.raises(StoreError):
            work(database, run, Told())
        assert has_failed()
        assert rows(database, "SELECT count(*) FROM calls") == [(0,)]
        database.dispose()


def test_a_writer_that_breaks_leaves_nobody_waiting(database: Database) -> None:
    run = begin(database, SESSIONS)

    async def act() -> None:
        ledger = Ledger(database, run.id, run.owner)
        spoil(database, ZeroDivisionError("a fault of ours"), 1)
        calls = ledger.open_session(0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(calls.record(**make_call()), timeout=10)
        await ledger.close()

    asyncio.run(act())


def test_another_program_that_holds_the_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.db.WAIT_MS", 10)
    database, told = open_db(f"sqlite:///{tmp_path}/factory.db"), Told()
    run = begin(database, SESSIONS)
    with closing(sqlite3.connect(tmp_path / "factory.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.5, other.execute, ("COMMIT",))
        release.start()
        work(database, run, told)
        release.join()
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("store.db.WAITS_S", (0.0,) * 5)
        with pytest.raises(StoreError, match="database is locked"):
            work(database, Run(run.id, run.owner, SESSIONS, 1, {}), told)
    end_run(database, run, "finished")
    check_is_complete(database, told)
    database.dispose()


def test_a_database_that_may_not_grow_is_told_and_resumed(tmp_path: Path) -> None:
    url, told = f"sqlite:///{tmp_path}/factory.db", Told()
    database = open_db(url)
    pages = rows(database, "PRAGMA page_count")[0][0]
    database.dispose()

    @event.listens_for(database, "connect")
    def limit(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 6}")

    with pytest.raises(StoreError, match="disk is full; free some space, then --resume goes on"):
        work_a_whole_run(database, told, size=1_000)
    assert 0 < len(told) < SESSIONS * CALLS
    database.dispose()
    database = open_db(url)
    check_is_whole(database, told)
    resume(database, told)
    check_is_complete(database, told)
    database.dispose()


def in_a_child(
    set_up: Callable[..., object], values: tuple[object, ...], action: Callable[..., Any], *told: Any
) -> Any:
    """Return what an action returns in a process of its own, after it was set up."""
    with multiprocessing.get_context("fork").Pool(1, set_up, values) as pool:
        return pool.apply(action, told)


def limit_files(size: int) -> None:
    """Let no file of this process grow beyond a size."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def work_until_it_fails(url: str) -> tuple[Told, str]:
    """Return what was reported as committed before the failure, and the failure."""
    told = Told()
    database = open_db(url)
    failure = tell_failure(work_a_whole_run, database, told, 20_000)
    database.dispose()
    return told, failure


@pytest.mark.parametrize("size", [120_000, 300_000, 600_000])
def test_a_file_that_cannot_be_written_on_is_told_and_resumed(tmp_path: Path, size: int) -> None:
    url = f"sqlite:///{tmp_path}/factory.db"
    open_db(url).dispose()
    told, failure = in_a_child(limit_files, (size,), work_until_it_fails, url)
    assert failure.startswith(f"{url}: ")
    assert "disk" in failure
    database = open_db(url)
    check_is_whole(database, told)
    resume(database, told)
    check_is_complete(database, told)
    database.dispose()


def test_the_sessions_that_are_left_are_found_window_by_window(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.runs.WINDOW", 3)
    begin(database)
    run = Run(1, "", first_position=5, count=8, config={})
    stored = (5, 8, 9, 10, 12, 40)

    async def act() -> None:
        ledger = Ledger(database, run.id, begin(database).owner)
        for position in stored:
            await ledger.finish(make_record(run, position))
        await ledger.close()

    asyncio.run(act())
    assert list(left_positions(database, run)) == [6, 7, 11]
    assert count_done(database, run.id) == len(stored)
    assert count_failed(database, run.id) == 0
    assert {left.id: left.done for left in list_unfinished(database)} == {1: len(stored), 2: 0}
