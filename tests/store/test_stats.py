"""The statistics of a store are told in a shell, as JSON and as a page; what is wrong is told in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.db import Database, open_db
from store.report.figures import Asked
from store.stats import check_asked
from taxonomy.refusal import InputError
from tests.store.test_report import Kept, keep

HOUSE = Path(__file__).parents[2]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run python -m store.stats in a folder."""
    environment = os.environ | {"PYTHONPATH": str(HOUSE), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "store.stats", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose database holds three dialogues, one of them the rehearsal model's."""
    folder = tmp_path_factory.mktemp("store")
    database = open_db(f"sqlite:///{folder}/factory.db")
    keep(database, [Kept(), Kept({"language": "en"})])
    keep(database, [Kept({"is_rehearsal": True})])
    database.dispose()
    return folder


def test_the_figures_are_told_in_a_shell(folder: Path) -> None:
    told = run(folder)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Dialogues of the rehearsal model are left out (1)")
    for part in (
        "done  accepted  2",
        "480 planned, 1 with an accepted",
        "Chinese, dialogues that ended",
        "English, dialogues that ended",
    ):
        assert part in told.stdout


def test_the_figures_and_the_page_come_from_one_call(folder: Path) -> None:
    told = run(folder, "--json", "--html", "page.html", "--language", "zh", "--rehearsal")
    figures = json.loads(told.stdout)
    assert told.stderr == "the page is page.html\n"
    assert figures["selection"]["dialogues"] == 2
    assert figures["standings"] == {"done / accepted": 2}
    assert figures["spoken"][0]["style"]["rows"][0]["feature"] == "counselor_median"
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert '<html lang="zh">' in page
    assert page.rstrip().endswith("</html>")


def test_a_page_that_cannot_be_written_is_one_line(folder: Path) -> None:
    told = run(folder, "--html", "nowhere/page.html")
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)
    assert "nowhere/page.html: cannot be written (No such file or directory)" in told.stderr


def test_an_empty_store_is_one_line(tmp_path: Path) -> None:
    open_db(f"sqlite:///{tmp_path}/factory.db").dispose()
    told = run(tmp_path, "--html", "page.html")
    assert (told.returncode, told.stdout) == (0, "no dialogue is stored\n")
    assert not (tmp_path / "page.html").exists()
    assert json.loads(run(tmp_path, "--json").stdout)["selection"]["dialogues"] == 0


def test_agreement_is_told_by_its_own_figures(folder: Path) -> None:
    told = run(folder, "--agreement")
    assert told.returncode == 0, told.stderr
    assert told.stdout


def test_an_unknown_run_or_recipe_is_named(database: Database) -> None:
    run = keep(database, [Kept()])
    check_asked(database, Asked(run=run, recipe="session"))
    with pytest.raises(InputError, match=f"there is no run 99; the last one is {run}"):
        check_asked(database, Asked(run=99))
    with pytest.raises(InputError, match="did you mean 'session'"):
        check_asked(database, Asked(recipe="sesion"))
