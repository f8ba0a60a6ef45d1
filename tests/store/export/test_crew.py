"""Words are looked at on other cores with the same result, and no process outlives the one that asked it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store.db import open_db
from store.errors import StoreError
from store.export import crew
from store.export.crew import count_workers, look_over
from store.export.words import Gone, Kept, Looked, Row
from store.mix import Mix
from taxonomy.refusal import InputError
from tests.store.export.stored import hash_files, keep_talks, make_export, make_mix, say_something

HOUSE = Path(__file__).parents[3]
HELD_OUT = {"train": 0.7, "test": 0.3}
ASKER = """
import sys
from pathlib import Path
from store.export.crew import look_over
from store.export.words import Row
from store.mix import load_mix
def batches():
    yield [Row("1/0", "1/0", 0, b"a", None, False, 0.0, b"{}")]
    yield []
    import multiprocessing, time
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(600)
if __name__ == "__main__":
    for looked in look_over(load_mix(Path("mix.yaml")), batches(), 2):
        pass
"""
"""Asks two processes to look at words and is then killed."""


def make_rows(count: int) -> list[list[Row]]:
    """Return batches of rows, some of which cannot leave."""
    chance = random.Random(5)
    rows = []
    for number in range(count):
        who = ("client", "counselor") if number % 7 else ("counselor", "client")
        lines = [("", place, speaker, say_something(chance), None, None) for place, speaker in enumerate(who)]
        rows.append(Row(f"1/{number}", f"1/{number}", 0, b"%d" % number, None, False, 0.0, b'{"id":"x"}', lines))
    return [rows[start : start + 9] for start in range(0, count, 9)]


def look(mix: Mix, workers: int) -> list[Looked]:
    """Return what becomes of made rows."""
    return list(look_over(mix, make_rows(100), workers))


def test_any_number_of_processes_gives_the_same_in_the_same_order(tmp_path: Path) -> None:
    mix = make_mix(tmp_path, split=HELD_OUT)
    alone = look(mix, 0)
    assert {type(one) for batch in alone for one in batch} == {Kept, Gone}
    assert all(one.bands for batch in alone for one in batch if isinstance(one, Kept))
    for workers in (1, 3):
        assert look(mix, workers) == alone


def test_an_export_is_the_same_to_the_byte_with_and_without_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_db(f"sqlite:///{tmp_path}/factory.db")
    keep_talks(database, 120, random.Random(1))
    mix = make_mix(tmp_path, split=HELD_OUT)
    shards = []
    for worth in (1, 10**9):
        monkeypatch.setattr(crew, "WORTH", worth)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
        assert count_workers(120) == (worth == 1)
        make_export(database, tmp_path / str(worth), mix)
        shards.append({name: told for name, told in hash_files(tmp_path / str(worth)).items() if "data/" in name})
    database.dispose()
    assert shards[0] == shards[1] != {}


def test_a_broken_evaluation_file_is_told_of_by_the_process_that_reads_it(tmp_path: Path) -> None:
    mix = make_mix(tmp_path, decontamination=[str(tmp_path / "exam.jsonl")])
    for workers in (0, 2):
        with pytest.raises(InputError, match=r"exam\.jsonl"):
            look(mix, workers)


def test_a_process_that_is_ended_from_outside_is_named_in_one_line(tmp_path: Path) -> None:
    import multiprocessing

    def batches() -> list[list[Row]]:
        (child,) = multiprocessing.active_children()
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        return make_rows(30)

    def late() -> object:
        yield from batches()

    with pytest.raises(StoreError, match="was ended from outside"):
        list(look_over(make_mix(tmp_path), late(), 1))  # type: ignore[arg-type]
    assert multiprocessing.active_children() == []


def test_when_the_one_who_asked_is_killed_the_others_end_too(tmp_path: Path) -> None:
    make_mix(tmp_path)
    (tmp_path / "asker.py").write_text(ASKER, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(HOUSE)}
    asker = subprocess.Popen([sys.executable, "asker.py"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
    assert asker.stdout is not None
    children = [int(pid) for pid in asker.stdout.readline().split()]
    asker.kill()
    asker.wait()
    asker.stdout.close()
    assert len(children) == 2
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
