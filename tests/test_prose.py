"""What must stand nowhere in the tree: a key, a path of a machine, a note to do something later, a large file."""

import re
import subprocess
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
FORBIDDEN = {
    "a path of a machine": re.compile("/(?:" + "work|farm|root" + ")/|/opt/" + "wheels"),
    "a note to do something later": re.compile(r"\b(?:" + "TO" + "DO|FIX" + r"ME)\b"),
    "a key": re.compile(r"\b(?:sk|hf|ghp)[-_][A-Za-z0-9]{16,}|-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a swallowed error": re.compile(r"except(?: Exception)?:\s*\n?\s*pass\b"),
}
LARGEST = 500_000


def list_files() -> list[Path]:
    """Return the files git knows or would add; in a copy without git, all that are ours."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        return [path for path in HOUSE.rglob("*.py") if ".venv" not in path.parts]
    return [path for name in listed.stdout.splitlines() if (path := HOUSE / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = []
    for path in list_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.name}: {match[0]!r}" for match in FORBIDDEN[what].finditer(text)]
    assert found == []


def test_no_file_is_large() -> None:
    assert [path.name for path in list_files() if path.stat().st_size > LARGEST] == []
