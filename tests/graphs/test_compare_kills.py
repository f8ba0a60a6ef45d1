"""A comparison that is killed in any of its parts goes on to the report it would have had, and pays nothing twice."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.graphs.conftest import CHECKOUT, read_rows
from tests.graphs.test_compare import compare, write_questions
from tests.witness import Witness, let_lease_pass, serve

SESSIONS = 1
CONCURRENCY = 2
UNSTEADY = re.compile(r'"(median_latency_s)": [^,}]+')
"""What a clock measures."""


def write_ports(folder: Path, port: int) -> str:
    """Write two models and a judge on a port; returns the models."""
    for name in ("base", "tuned", "judge"):
        (folder / f"{name}.yaml").write_text(
            f'name: {name}\nbase_url: http://127.0.0.1:{port}/v1\nmodel: "rehearsal-{name}-{{role}}"\n'
            "reasoning: field\nsend_seed: true\nrehearsal: true\n",
            encoding="utf-8",
        )
    return "base.yaml,tuned.yaml"


def list_flags(folder: Path, port: int) -> list[object]:
    """Return the flags of a comparison with questions and sessions."""
    questions = write_questions(folder)
    models = write_ports(folder, port)
    return [
        "--models", models, "--questions", questions, "--sessions", SESSIONS, "--judge", "judge.yaml",
        "--concurrency", CONCURRENCY,
    ]  # fmt: skip


def start(folder: Path, *flags: object) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "graphs.compare", *map(str, flags)]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def tell(summary: dict[str, Any]) -> Any:
    """Return the figures that must not depend on when a call was made."""
    return json.loads(UNSTEADY.sub(r'"\1": 0', json.dumps(summary)))


def count_calls(folder: Path) -> int:
    """Return how many calls are stored."""
    count: int = read_rows("SELECT count(*) FROM calls", f"sqlite:///{folder}/factory.db")[0][0]
    return count


def read_report(folder: Path) -> str:
    """Return the text of the report without the line and the column that a clock wrote."""
    text = (folder / "out" / "report.md").read_text(encoding="utf-8")
    before, title, took = re.sub(r"(?m)^.*开始$\n", "", text).partition("## 用量\n")
    assert "| 延迟" in took
    took, other, after = took.partition("\n## ")
    return "".join((before, title, re.sub(r"(?m)[^|]*\|$", "", took), other, after))


def test_a_comparison_killed_in_each_part_goes_on_to_the_report_it_would_have_had(tmp_path: Path) -> None:
    whole, struck = tmp_path / "whole", tmp_path / "struck"
    whole.mkdir()
    struck.mkdir()
    with serve(witness := Witness(seed=3)) as port:
        told = compare(whole, *list_flags(whole, port), "--out", "out", "--json")
        assert told.code == 0, told.err
        calls, began = count_calls(whole), witness.answered
        stored = 0
        flags = list_flags(struck, port)
        # Among the questions, in the second model's sessions, and among the verdicts on them.
        for share in (0.2, 0.75, 0.99):
            witness.kill_after = began + int(share * calls)
            process = witness.victim = start(struck, *flags)
            process.communicate(timeout=60)
            assert process.returncode == -signal.SIGKILL
            witness.settle()
            let_lease_pass(struck / "factory.db")
            assert stored < (stored := count_calls(struck)) < calls
            flags = ["--resume"]
        again = compare(struck, "--resume", "--out", "out", "--json")
        assert again.code == 0, again.err
        assert count_calls(struck) == calls
        assert calls <= witness.answered - began <= calls + 3 * CONCURRENCY, "what was committed was asked for again"
        before = witness.answered
        assert compare(struck, "--resume", "--out", "twice", "--json").summary == again.summary
        assert witness.answered == before
    assert tell(again.summary) == tell(told.summary)
    assert read_report(struck) == read_report(whole)
