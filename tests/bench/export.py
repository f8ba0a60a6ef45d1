"""Measures an export: python -m tests.bench.export [--dialogues 100000]. Made-up talks as long as SMILE's."""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, text

from store.db import open_db
from store.export.checks import current_checks
from store.records import DecisionRecord, DialogueRecord, SeedRecord, UtteranceRecord
from store.rows import INSERT_CHILDREN, INSERT_DECISION, INSERT_DIALOGUE, dialogue_values, save_decision, save_seed
from store.runs import PlanLine, start_run
from taxonomy.schema import load_taxonomy
from tests.bench.minhash import make_text

HOUSE = Path(__file__).parents[2]
LINES, CHARACTERS = 12, 80
"""SMILE's sample has 11.4 lines of 82 characters a talk."""
BATCH = 1_000
COPIES = 50
"""One talk in so many says what an earlier one says, word for word."""
MIX = """
name: bench
version: 1
licence: cc0-1.0
sources: [{{name: talks, store: {{language: [zh]}}}}]
caps: {{cell: 1000, seed: 1000, opening: 50}}
split: {{train: {train}, validation: {validation}}}
dedup: {dedup}
"""
WAYS = {
    "exact": {"train": 1.0, "validation": 0.0, "dedup": "exact"},
    "exact, 2 % held out": {"train": 0.98, "validation": 0.02, "dedup": "exact"},
    "near, 2 % held out": {"train": 0.98, "validation": 0.02, "dedup": "near"},
}
MEASURE = """
import resource, runpy, sys, time
start = time.perf_counter()
sys.argv = ["store.export", *sys.argv[1:]]
try:
    runpy.run_module("store.export", run_name="__main__", alter_sys=True)
except SystemExit as done:
    assert not done.code, done.code
wall = time.perf_counter() - start
both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(wall, sum(used.ru_utime + used.ru_stime for used in both), sum(used.ru_maxrss for used in both) // 1024)
"""
"""Wall and processor time in seconds, and the most memory in MB of the reader and the largest of its workers."""


def fill(engine: Engine, count: int) -> None:
    """Store so many accepted talks on the cells of the map."""
    chance, draw = np.random.default_rng(3), random.Random(3)
    cells = list(load_taxonomy(HOUSE / "taxonomy" / "emotions.yaml").cells)
    told: dict[str, Any] = {"config": {}, "versions": {}, "prompts": {}, "git_commit": None, "is_rehearsal": False}
    run = start_run(engine, PlanLine("bench", "zh", 0, "made up"), first_position=0, count=count, **told)
    accepted = DecisionRecord("bench", 1, "accept", (), "{}")
    seeds: dict[Any, int] = {}
    numbers, last = iter(range(count)), list[str]()
    while batch := list(islice(numbers, BATCH)):
        with engine.connect().execution_options(writes=True) as db, db.begin():
            dialogues, lines, decisions = [], [], []
            for number in batch:
                cell = cells[number % len(cells)]
                seed = SeedRecord("cell", emotion=cell.emotion, scene=cell.scene)
                if cell not in seeds:
                    seeds[cell] = save_seed(db, seed)
                said = make_text(chance, LINES * CHARACTERS)
                texts = [said[start : start + CHARACTERS] for start in range(0, len(said), CHARACTERS)]
                texts = last if number and draw.randrange(COPIES) == 0 else texts
                last = texts
                record = DialogueRecord(
                    run.id, number, seed, "bench", "zh", "done", {}, "none", False, False, checks=current_checks(),
                    utterances=[
                        UtteranceRecord(("client", "counselor")[place % 2], f"{line}。", "", None, None)
                        for place, line in enumerate(texts)
                    ],
                )  # fmt: skip
                dialogues.append(dialogue_values(record, seeds[cell], 0.0))
                lines += [
                    {"dialogue_id": record.id, "number": place, "speaker": line.speaker, "text": line.text,
                     "reasoning": None, "stage": None, "call_number": None}
                    for place, line in enumerate(record.utterances)
                ]  # fmt: skip
                decisions.append({"dialogue_id": record.id, "policy": "bench", "version": 1, "choice": "accept"})
            db.execute(INSERT_DIALOGUE, dialogues)
            db.execute(INSERT_CHILDREN["utterances"], lines)
            save_decision(db, dialogues[0]["id"], accepted, 0.0)
            rest = {"reasons": "[]", "policy_hash": None, "created_at": 0.0}
            db.execute(INSERT_DECISION, [one | rest for one in decisions[1:]])
    with engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM dialogues")).scalar_one() == count


def measure(folder: Path, url: str, count: int, way: str) -> dict[str, Any]:
    """Export once in a process of its own and return what it took."""
    mix = folder / "mix.yaml"
    mix.write_text(MIX.format(**WAYS[way]), encoding="utf-8")
    out = folder / "out"
    command = [sys.executable, "-c", MEASURE, "--mix", str(mix), "--out", str(out), "--db", url]
    environment = os.environ | {"PYTHONPATH": str(HOUSE), "OMP_NUM_THREADS": "1"}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=folder)
    wall, cpu, peak = told.stdout.split()[-3:]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    size = sum(file["bytes"] for file in manifest["files"].values())
    subprocess.run(["rm", "-r", str(out)], check=True)
    return {
        "dialogues": count,
        "way": way,
        "rows": manifest["rows"],
        "wall_s": round(float(wall), 1),
        "cpu_s": round(float(cpu), 1),
        "dialogues_per_s": round(count / float(wall)),
        "dialogues_per_cpu_s": round(count / float(cpu)),
        "peak_mb": int(peak),
        "export_mb": round(size / 2**20, 1),
    }


def main() -> None:
    """Print the figures of a tenth of the talks and of all, one line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=100_000)
    parser.add_argument("--way", choices=WAYS, action="append", help="default: each")
    flags = parser.parse_args()
    for count in (flags.dialogues // 10, flags.dialogues):
        with tempfile.TemporaryDirectory() as name:
            url = f"sqlite:///{name}/bench.db"
            start = time.perf_counter()
            engine = open_db(url)
            fill(engine, count)
            engine.dispose()
            print(json.dumps({"stored": count, "wall_s": round(time.perf_counter() - start, 1)}), flush=True)
            for way in flags.way or WAYS:
                print(json.dumps(measure(Path(name), url, count, way)), flush=True)


if __name__ == "__main__":
    main()
