"""The whole way, by the commands of the README: sessions, verdicts, an export, a job, a merge, a model in the chair."""

import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.train.made_jobs import run, start
from tests.train.tiny import make_tiny
from tests.train.trainers import HOUSE, build_operation
from train.serve import name_model

TAXONOMY = HOUSE / "taxonomy" / "emotions.yaml"
MIX = """\
name: loop
version: 1
licence: cc0-1.0
sources: [{name: talks, store: {}}]
rehearsal: true
review: %s
reasoning: raw
system: sent
split: {by: seed, train: 0.8, validation: 0.2}
dedup: exact
"""
PRETRAINING = """\
model_name_or_path: tiny
shards: practice
output_dir: base
targets: tree
max_length: 2048
bf16: false
learning_rate: 1e-2
lr_scheduler_type: cosine
warmup_steps: 0.05
per_device_train_batch_size: 1
max_steps: 240
eval_strategy: "no"
save_strategy: "no"
gradient_checkpointing: false
disable_tqdm: true
report_to: none
"""
TUNING = """\
model_name_or_path: base
targets: tree
max_length: 2048
bf16: false
use_peft: true
lora_r: 8
lora_alpha: 16
learning_rate: 1e-3
per_device_train_batch_size: 1
per_device_eval_batch_size: 1
max_steps: 12
logging_steps: 2
eval_strategy: steps
eval_steps: 6
save_strategy: steps
save_steps: 6
gradient_checkpointing: false
report_to: none
"""
MERGED = 4096
"""Merges of the model's vocabulary: with whole phrases for tokens a session is some 1,000 of them."""
ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": "2000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
"""Memory is kept from step to step; handed back and asked for again it is a quarter of the time."""


def do(place: Path, module: str, *words: object) -> str:
    """Run a command that must do what it is told; returns what it said."""
    done = run(place, *words, module=module, **ALLOCATION)
    assert done.returncode == 0, f"{module}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def ask(place: Path, query: str) -> list[Any]:
    """Return what the database holds."""
    connection = sqlite3.connect(place / "factory.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def play(place: Path, count: int, database: str, *words: object) -> None:
    """Run sessions on the map."""
    do(place, "graphs.run", "--taxonomy", TAXONOMY, "--count", count, "--db", f"sqlite:///{database}", *words)


def export(place: Path, database: str, out: str, review: str) -> list[dict[str, Any]]:
    """Export a database's dialogues; returns the rows."""
    mix = place / f"{out}.mix.yaml"
    mix.write_text(MIX % review, encoding="utf-8")
    do(place, "store.export", "--mix", mix, "--db", f"sqlite:///{database}", "--out", out)
    shards = sorted((place / out / "data").rglob("*.parquet"))
    return [row for shard in shards for row in pq.read_table(shard).to_pylist()]


def make_base(place: Path) -> None:
    """Teach the tiny model to speak and to end its turns, on sessions that nothing else sees."""
    play(place, 120, "practice.db", "--seed", 5)
    rows = export(place, "practice.db", "practice", "false")
    said = [message for row in rows for message in row["messages"]]
    make_tiny(place / "tiny", [text for m in said for text in (m["content"], m["reasoning_content"] or "")], MERGED)
    (place / "base.yaml").write_text(PRETRAINING, encoding="utf-8")
    do(place, "train.sft", "--config", "base.yaml")


@contextmanager
def serving(place: Path, model: str, name: str) -> Iterator[None]:
    """Serve a model as long as it is needed."""
    server = start(place, "--model", model, "--name", name, "--port", 0, module="train.serve")
    try:
        assert server.stdout is not None
        assert f"as {name}:" in server.stdout.readline(), server.communicate()[1]
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def review(place: Path) -> set[str]:
    """Accept each session without a sign of danger, then reject two; returns the ids of what stays accepted."""
    verbs, me = "store.dialogues", ("--reviewer", "甲")
    listed = do(place, verbs, "list", "--crisis", "no", "--json")
    ids = [json.loads(line)["id"] for line in listed.splitlines()]
    do(place, verbs, "accept", "--all", "--crisis", "no", "--expect", len(ids), "--yes", *me)
    for each in ids[:2]:
        do(place, verbs, "reject", each, "--reason", "boilerplate", *me)
    return set(ids[2:])


def test_a_tuned_model_takes_the_counselors_chair(tmp_path: Path) -> None:
    build_operation()
    make_base(tmp_path)

    play(tmp_path, 24, "factory.db")
    accepted = review(tmp_path)
    rows = export(tmp_path, "factory.db", "shards", "true")
    assert {row["id"] for row in rows} <= accepted
    assert len(rows) >= 16

    (tmp_path / "tuning.yaml").write_text(TUNING, encoding="utf-8")
    told = do(tmp_path, "train.launch", "--config", "tuning.yaml", "--shards", "shards", "--nproc", 2, "--json")
    job = json.loads(told.splitlines()[-1])
    assert (job["state"], job["step"], job["world_size"]) == ("done", 12, 2)
    assert (job["model"], job["mix"]) == ("base", "loop")
    do(tmp_path, "train.merge", "--adapter", "jobs/1/model", "--out", "tuned")

    with serving(tmp_path, "tuned", "tuned"), serving(tmp_path, "base", "base"):
        play(tmp_path, 4, "factory.db", "--cast", "counselor=tuned")
        flags = ("--questions", "study.zh", "--sessions", 2, "--json")
        told = do(tmp_path, "graphs.compare", "--models", "base,tuned", *flags)

    sat = ask(tmp_path, "SELECT outcome, exchanges FROM dialogues WHERE run_id = 2")
    assert len(sat) == 4
    assert sum(outcome in ("done", "rejected") and exchanges >= 4 for outcome, exchanges in sat) >= 3, sat
    spoken = ask(
        tmp_path,
        "SELECT served_model, utterances.reasoning, utterances.text FROM utterances JOIN dialogues"
        " ON dialogues.id = dialogue_id JOIN calls ON calls.run_id = dialogues.run_id"
        " AND calls.position = dialogues.position AND calls.number = call_number"
        " WHERE dialogues.run_id = 2 AND speaker = 'counselor'",
    )
    assert len(spoken) >= 12
    assert {served.partition("@")[0] for served, _, _ in spoken} == {name_model("tuned", tmp_path / "tuned")}
    assert not [text for _, _, text in spoken if re.search(r"</?think>|<\|im_end", text)]
    assert sum(bool(reasoning) for _, reasoning, _ in spoken) > len(spoken) / 2

    figures = json.loads(told.splitlines()[-1])
    assert list(figures["models"]) == ["base", "tuned"]
    for name in figures["models"]:
        assert figures["answered"][name]["asked"] == figures["questions"]
        assert set(figures["answered"][name]["unscored"]) == {"autocbt", "safety"}
        assert sum(figures["sessions"][name]["outcomes"].values()) == 2
        assert set(figures["sessions"][name]["unscored"]) == {"session"}
    page = (tmp_path / "reports" / "compare-3" / "report.md").read_text(encoding="utf-8")
    assert "没有评上的" in page
    assert str(tmp_path) not in page
