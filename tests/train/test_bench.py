"""The script that measures the trainer on a GPU runs on any machine, and keeps no figure of a CPU."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.train import KINDS, write_section
from tests.train.trainers import HOUSE, set_environment


@pytest.mark.slow
def test_the_script_measures_every_kind_with_a_tiny_model(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n", encoding="utf-8")
    command = [sys.executable, "-m", "tests.bench.train", "--tiny", "--write", str(page)]
    told = subprocess.run(command, capture_output=True, text=True, cwd=HOUSE, env=set_environment(), check=False)
    assert "failed" not in told.stdout, told.stdout
    for kind in KINDS:
        assert f"| {kind} | " in told.stdout
    if not Path("/dev/nvidiactl").exists():
        assert told.stderr.strip() == "no GPU measured this; nothing is written"
        assert page.read_text(encoding="utf-8") == "before\n"


def test_the_section_is_put_before_the_other_tables_and_replaced_later(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n---\n<!-- tables -->\nengines\n", encoding="utf-8")
    write_section(page, ["one"])
    write_section(page, ["two"])
    text = page.read_text(encoding="utf-8")
    assert "one" not in text
    assert text.index("two") < text.index("<!-- tables -->")
    assert text.endswith("engines\n")
    assert text.count("## Training") == 1
