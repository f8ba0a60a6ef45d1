"""Dialogues are shown in a shell, and nothing that a model wrote can steer it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from store.db import open_db
from store.dialogues import show_text
from store.ledger import Ledger
from store.records import UtteranceRecord
from tests.store.test_sessions import begin, make_record

HOUSE = Path(__file__).parents[2]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run python -m store.dialogues in a folder."""
    environment = os.environ | {"PYTHONPATH": str(HOUSE), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "store.dialogues", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


def keep(folder: Path, said: str) -> None:
    """Store one dialogue whose client says this."""
    database = open_db(f"sqlite:///{folder}/factory.db")
    run_kept = begin(database)
    record = make_record(run_kept)
    record.utterances[0] = UtteranceRecord("client", said, "", None, 0)

    async def act() -> None:
        ledger = Ledger(database, run_kept.id, run_kept.owner)
        await ledger.finish(record)
        await ledger.close()

    asyncio.run(act())


def test_a_dialogue_is_listed_and_shown_with_its_reasoning(tmp_path: Path) -> None:
    keep(tmp_path, "睡不着。")
    listed = run(tmp_path, "list").stdout
    assert listed.startswith("1/0")
    assert "waiting" in listed
    assert "a.jsonl:3 (r3)" in listed
    shown = run(tmp_path, "show", "1/0", "--reasoning").stdout
    assert "来访者: 睡不着。" in shown
    assert "(想想)" in shown
    assert "[她说得轻，我先等等。]" in shown
    assert "unscored: no JSON" in shown


def test_model_text_cannot_steer_a_terminal(tmp_path: Path) -> None:
    keep(tmp_path, "a\x1b[2Jb\u202ec\rd")
    assert "a�[2Jb�c�d" in run(tmp_path, "show", "1/0").stdout
    assert show_text("一\n二\t三") == "一\n二�三"


def test_what_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    told = run(tmp_path, "list")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    keep(tmp_path, "x")
    told = run(tmp_path, "show", "9/9")
    assert told.returncode == 2
    assert "there is no dialogue '9/9'" in told.stderr
