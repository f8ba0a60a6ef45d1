"""Times the ingest of SMILE-like dialogues and its memory: python -m tests.bench.ingest [--rows 10000,100000].

The rows are those of smile_sample, read at run time, each varied in every line; nothing of them is kept.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.real_data import read_rows

HOUSE = Path(__file__).parents[2]
VARIANTS = "甲乙丙丁戊己庚辛壬癸"
DATA = ("case_reports_zh", "clinical_notes_en", "counsel_chat_qa_en", "cpsycound_sample", "emopsy_sample",
        "psyguard_valid", "r1_style_failures", "self_descriptions_zh", "smile_sample")  # fmt: skip


def vary(count: int) -> Iterator[dict[str, Any]]:
    """Yield dialogues: each row of the sample in turn, with a sign of its own in every line."""
    both = {"client", "counselor"}
    rows = [row for row in read_rows("smile_sample") if {turn["role"] for turn in row["turns"]} == both]
    for number in range(count):
        row = rows[number % len(rows)]
        sign = "".join(VARIANTS[int(digit)] for digit in str(number))
        turns = [{"role": turn["role"], "content": f"{turn['content']}（{sign}）"} for turn in row["turns"]]
        yield {"id": f"varied-{number}", "turns": turns}


def write_rows(path: Path, count: int, kind: str) -> None:
    """Write so many dialogues as JSON Lines, a JSON array or Parquet."""
    if kind == "parquet":
        import pyarrow
        from pyarrow.parquet import ParquetWriter

        rows = vary(count)
        schema = pyarrow.Table.from_pylist([next(vary(1))]).schema
        with ParquetWriter(path, schema, compression="zstd") as writer:
            for _ in range(0, count, 5_000):
                batch = [row for _, row in zip(range(5_000), rows, strict=False)]
                writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema), row_group_size=5_000)
        return
    with path.open("w", encoding="utf-8") as file:
        head, between, end = ("[", ",\n", "]") if kind == "json" else ("", "\n", "\n")
        file.write(head)
        for number, row in enumerate(vary(count)):
            file.write((between if number else "") + json.dumps(row, ensure_ascii=False))
        file.write(end)


def ingest(path: Path, url: str) -> dict[str, Any]:
    """Run the command; returns its wall time, its peak of memory and what it says."""
    command = [sys.executable, "-m", "store.ingest", str(path), "--db", url, "--json"]
    environment = os.environ | {"PYTHONPATH": str(HOUSE)}
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=path.parent)
    assert child.stdout is not None
    told = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - started
    summary = json.loads(told.splitlines()[-1])
    code = os.waitstatus_to_exitcode(status)
    figures = {"s": round(seconds, 1), "cpu_s": round(used.ru_utime + used.ru_stime, 1), "code": code}
    figures |= {"peak_mb": round(used.ru_maxrss / 1024)}
    return figures | {name: summary[name] for name in ("in", "known", "rejected")}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000,100000", help="sizes, by commas")
    parser.add_argument("--kind", choices=("jsonl", "json", "parquet"), default="jsonl")
    parser.add_argument("--db", help="a PostgreSQL URL; default SQLite in a folder of its own")
    parser.add_argument("--data", action="store_true", help="also all files of ../shared/data")
    flags = parser.parse_args()
    figures: dict[str, Any] = {"kind": flags.kind}
    for count in map(int, flags.rows.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"varied-{count}.{flags.kind}"
            write_rows(path, count, flags.kind)
            url = flags.db or f"sqlite:///{folder}/factory.db"
            told = ingest(path, url)
            again = ingest(path, url)
            size = path.stat().st_size >> 20
            figures[str(count)] = told | {"per_s": round(count / told["s"]), "file_mb": size, "again": again}
    if flags.data:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            read_rows(DATA[0])
            source = HOUSE.parent / "shared" / "data"
            for name in DATA:
                copy = Path(folder) / f"{name}.jsonl"
                copy.symlink_to(source / copy.name)
                figures[name] = ingest(copy, f"sqlite:///{folder}/factory.db")
            figures["all files, s"] = round(time.monotonic() - started, 1)
    print(json.dumps(figures, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
