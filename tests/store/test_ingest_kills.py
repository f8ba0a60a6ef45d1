"""An ingest that is killed leaves whole batches, goes on by the same command, and waits while another one writes."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from store.db import open_db
from store.errors import StoreError
from store.formats import load_format
from store.formats.carriers.choose import choose_carrier
from store.ingest.bring import bring_in
from store.ingest.prepared import Asking
from store.ingest.runs import hold_run
from store.ingest.save import BATCH
from store.runs import LEASE_S
from tests.databases import make_database
from tests.store.test_ingest import talk

HOUSE = Path(__file__).parents[2]
ROWS = 12 * BATCH


def write_talks(folder: Path, count: int = ROWS) -> Path:
    path = folder / "talks.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(talk(number), ensure_ascii=False) + "\n" for number in range(count))
    return path


def start(path: Path, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "store.ingest", str(path), "--db", url, "--json"]
    environment = os.environ | {"PYTHONPATH": str(HOUSE)}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, cwd=path.parent, **pipes)


def count(url: str, table: str) -> int:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as db:
        found: int = db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    engine.dispose()
    return found


def let_the_lease_run_out(url: str) -> None:
    """Set the heartbeat of the dead run back, which else is waited for."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as db:
        db.execute(text("UPDATE runs SET heartbeat_at = heartbeat_at - :lease"), {"lease": LEASE_S})
    engine.dispose()


@pytest.mark.parametrize("moment", [0.15, *(pytest.param(moment, marks=pytest.mark.slow) for moment in (0.0, 0.4))])
def test_a_killed_ingest_leaves_whole_batches_and_the_same_command_goes_on(
    url: str, tmp_path: Path, moment: float
) -> None:
    open_db(url).dispose()
    path = write_talks(tmp_path)
    child = start(path, url)
    while child.poll() is None and count(url, "dialogues") == 0:
        time.sleep(0.005)
    time.sleep(moment)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    kept = count(url, "dialogues")
    assert kept % BATCH == 0
    assert count(url, "seeds") == kept
    assert count(url, "utterances") == 2 * kept
    let_the_lease_run_out(url)
    goes_on = start(path, url)
    out, err = goes_on.communicate()
    assert (goes_on.returncode, err) == (0, "")
    told = json.loads(out.splitlines()[-1])
    assert (told["in"], told["known"]) == (ROWS - kept, kept)
    assert [count(url, table) for table in ("dialogues", "seeds", "utterances")] == [ROWS, ROWS, 2 * ROWS]
    assert count(url, "runs") == 1


def test_a_file_that_is_being_brought_in_is_refused_a_second_time(url: str, tmp_path: Path) -> None:
    engine = open_db(url)
    path = write_talks(tmp_path, 3)
    carrier, asking = choose_carrier(path), Asking(load_format("smile"), "dialogues", path.name, None, False)
    brought = bring_in(engine, path, carrier, asking, "mit", tmp_path / "bad.jsonl", None)
    with engine.begin() as db:
        (row,) = db.execute(text("SELECT source, config FROM runs"))
    config = {**json.loads(row.config), "counts": None}
    maker: Any = {"versions": {}, "prompts": {}, "git_commit": None, "is_rehearsal": False}
    held = hold_run(engine, row.source, None, config, maker)
    assert held.id == brought.run
    with pytest.raises(StoreError, match=r"is bringing this file in \(last seen 0 s ago\); let it end"):
        hold_run(engine, row.source, None, config, maker)
    engine.dispose()


def test_an_ingest_waits_while_another_one_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/factory.db"
    open_db(url).dispose()
    path = write_talks(tmp_path, 3)
    with closing(sqlite3.connect(tmp_path / "factory.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        let_go = threading.Timer(1.5, lambda: other.execute("COMMIT"))
        started = time.monotonic()
        let_go.start()
        child = start(path, url)
        child.communicate()
        let_go.join()
    assert child.returncode == 0
    assert time.monotonic() - started >= 1.5
    assert count(url, "dialogues") == 3


def test_two_files_with_the_same_rows_come_in_at_once_and_each_row_once(tmp_path: Path, postgres: str) -> None:
    for url in (f"sqlite:///{tmp_path}/factory.db", f"postgresql://factory@{postgres}/{make_database(postgres)}"):
        open_db(url).dispose()
        path = write_talks(tmp_path, 2 * BATCH)
        other = tmp_path / "more.jsonl"
        other.write_text(path.read_text("utf-8") + json.dumps(talk(-1)) + "\n", "utf-8")
        command = [sys.executable, "-m", "store.ingest", "--db", url, "--source", "same", "--json"]
        environment = os.environ | {"PYTHONPATH": str(HOUSE)}
        children = [
            subprocess.Popen([*command, str(file)], text=True, env=environment, cwd=tmp_path, stdout=subprocess.PIPE)
            for file in (path, other)
        ]
        told = [json.loads(child.communicate()[0].splitlines()[-1]) for child in children]
        assert sum(one["in"] for one in told) == 2 * BATCH + 1
        assert sum(one["known"] for one in told) == 2 * BATCH
        assert count(url, "dialogues") == count(url, "seeds") == 2 * BATCH + 1


def test_an_interrupt_keeps_what_is_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/factory.db"
    open_db(url).dispose()
    path = write_talks(tmp_path)
    child = start(path, url)
    while child.poll() is None and count(url, "dialogues") == 0:
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate()
    assert (child.returncode, re.sub(r"\s", "", err)) == (130, "interrupted")
    assert 0 < count(url, "dialogues") < ROWS
    again = start(path, url)
    again.communicate()
    assert again.returncode == 0
    assert count(url, "dialogues") == ROWS
