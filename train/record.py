"""Keeps what a training tells: metrics.jsonl line by line while it runs, end.json when it is over."""

import json
import math
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from train.checkpoints import write_json

METRICS, END = "metrics.jsonl", "end.json"
PACKAGES = ("psyfoundry", "torch", "transformers", "trl", "peft", "accelerate", "deepspeed", "datasets")


def list_versions() -> dict[str, str | None]:
    """Return the versions of what trains, nothing for what is not installed."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def clean(value: Any) -> Any:
    """Return a number as JSON knows it: what is not finite is nothing, and a number is no tensor."""
    if isinstance(value, int | str | None):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


class Record:
    """The two files in the folder of a training; only the first process of all writes them."""

    def __init__(self, folder: Path, writes: bool) -> None:
        self._folder, self._writes = folder, writes

    def begin(self) -> None:
        """Make the folder and forget how an earlier part ended; its metrics stay, and a later line of a step counts."""
        if self._writes:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / END).unlink(missing_ok=True)

    def write(self, told: Mapping[str, Any]) -> None:
        """Add a line; whoever follows the file finds whole lines only."""
        if self._writes:
            line = json.dumps({key: clean(value) for key, value in told.items()}) + "\n"
            with (self._folder / METRICS).open("a", encoding="utf-8") as file:
                file.write(line)

    def end(self, reason: str | None, told: Mapping[str, Any]) -> None:
        """Say how it ended: done where there is no reason, else failed."""
        if self._writes and self._folder.is_dir():
            state = "failed" if reason else "done"
            write_json(self._folder / END, {"state": state, "reason": reason, **told, "versions": list_versions()})
