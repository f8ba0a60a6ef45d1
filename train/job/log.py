"""Keeps what a trainer says in a bounded file, secrets masked; a process of its own, so that no trainer waits for it.

python -m train.job.log FILE reads stdin until all who write to it are gone.
"""

import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from store.address import mask_url

SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$")
SHORTEST = 6
"""A shorter value may stand in any text."""
KEYS = re.compile(
    r"\b(?:hf|ghp|github_pat)_[A-Za-z0-9_]{8,}|(?<![\w-])sk[-_][A-Za-z0-9_-]{8,}|(?<=[Bb]earer )[\w.~+/=-]{8,}"
)
"""Keys as they are handed out; `hf-internal-testing` is no key, and neither is a path with `-sk-` in it."""
MOST_BYTES = 2_000_000
"""What is older is dropped when two such files are full."""


def list_secrets(environment: Mapping[str, str]) -> list[str]:
    """Return the values in an environment that must stand nowhere, the longest first."""
    found = {
        value for name, value in environment.items() if SECRET_NAME.search(name.upper()) and len(value) >= SHORTEST
    }
    return sorted(found, key=len, reverse=True)


def mask(line: str, secrets: list[str]) -> str:
    """Return a line without secrets: values of the environment, passwords in addresses, what looks like a key."""
    for secret in secrets:
        line = line.replace(secret, "***")
    return KEYS.sub("***", mask_url(line))


def read_log(path: Path, most: int = 64_000) -> list[str]:
    """Return the last lines of a log, of both its files."""
    text = ""
    for each in (path.with_name(f"{path.name}.old"), path):
        try:
            with each.open("rb") as file:
                file.seek(max(each.stat().st_size - most, 0))
                text += file.read().decode("utf-8", "replace")
        except OSError:
            continue
    return text[-most:].splitlines()


def keep(path: Path) -> None:
    """Copy stdin to a file, line by line; what cannot be written is counted, for a trainer never ends with its log."""
    secrets = list_secrets(os.environ)
    lost, why = 0, ""
    with suppress(OSError):
        write(path, "")
    # A bar's updates end with \r: each is a line, so that none grows without end.
    for line in sys.stdin:
        gap = f"[{lost} line{'s' * (lost != 1)} could not be kept: {why}]\n" if lost else ""
        try:
            write(path, gap + mask(line, secrets))
            lost = 0
        except OSError as error:
            lost, why = lost + 1, error.strerror or "unknown"


def write(path: Path, told: str) -> None:
    """Add to a log; a full one becomes the old one."""
    with path.open("a", encoding="utf-8") as file:
        file.write(told)
        size = file.tell()
    if size > MOST_BYTES:
        path.replace(path.with_name(f"{path.name}.old"))


if __name__ == "__main__":
    for word in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(word, signal.SIG_IGN)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    keep(Path(sys.argv[1]))
