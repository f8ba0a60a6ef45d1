"""Runs 480 sessions on the rehearsal model and prints their figures: python -m tests.bench.figures [--language en].

Wall clock and peak memory of the command, kilobytes a dialogue of 14 exchanges, how much dialogues repeat each other,
and for each role the prompt tokens an exchange, those that no earlier request began with, and the share that repeats.
"""

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from taxonomy.schema import load_taxonomy
from tests.bench.spread import label_pattern, measure, read_dialogues

HOUSE = Path(__file__).parents[2]
TAXONOMY = HOUSE / "taxonomy" / "emotions.yaml"


def run(folder: Path, count: int, language: str) -> dict[str, object]:
    """Run the command in a folder; returns its summary with wall clock and peak memory."""
    command = [sys.executable, "-m", "graphs.run", "--taxonomy", str(TAXONOMY), "--count", str(count), "--json"]
    started = time.monotonic()
    told = subprocess.run(
        [*command, "--language", language],
        cwd=folder,
        env={"PYTHONPATH": str(HOUSE), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    summary: dict[str, object] = json.loads(told.stdout.splitlines()[-1])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return summary | {"wall_s": round(time.monotonic() - started, 1), "peak_mb": round(peak)}


def count_tokens(summary: dict[str, object], exchanges: int) -> dict[str, list[float]]:
    """Return (prompt tokens, those not repeated, share repeated) an exchange, by role."""
    table = {}
    roles: dict[str, dict[str, int]] = summary["roles"]  # type: ignore[assignment]
    for role, count in roles.items():
        prompt, repeated = count["prompt_tokens"], count["repeated_tokens"]
        table[role] = [
            round(prompt / exchanges),
            round((prompt - repeated) / exchanges, 1),
            round(repeated / prompt, 3),
        ]
    return table


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=480)
    parser.add_argument("--language", choices=("zh", "en"), default="zh")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        summary = run(folder, flags.count, flags.language)
        path = folder / "factory.db"
        db = sqlite3.connect(path)
        (exchanges,) = db.execute("SELECT sum(exchanges) FROM dialogues").fetchone()
        (cells,) = db.execute("SELECT count(*) FROM seeds").fetchone()
        size = db.execute("PRAGMA page_count").fetchone()[0] * 4096
        spread = measure(read_dialogues(str(path), 1), label_pattern(load_taxonomy(TAXONOMY)))
        figures = {
            "outcomes": summary["outcomes"],
            "cells": cells,
            "wall_s": summary["wall_s"],
            "peak_mb": summary["peak_mb"],
            "calls": summary["calls"],
            "kb_at_14_exchanges": round(size / exchanges * 14 / 1024, 1),
            "cache_share": summary["cache_share"],
            "tokens_an_exchange (prompt, not repeated, share)": count_tokens(summary, exchanges),
            "spread": spread,
        }
    print(json.dumps(figures, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
