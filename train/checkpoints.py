"""Knows which checkpoints are whole: each ends with a mark, written when every process has written its part."""

import json
import shutil
from pathlib import Path
from typing import Any

from taxonomy.refusal import InputError
from taxonomy.source import show_path

MARK = "whole.json"


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a file at once or not at all."""
    written = path.with_name(f".{path.name}.writing")
    written.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    written.replace(path)


def mark_whole(checkpoint: Path, told: dict[str, Any]) -> None:
    """Write the mark into a checkpoint, last of all: where it is missing, the writing was broken off."""
    write_json(checkpoint / MARK, told)


def read_mark(checkpoint: Path) -> dict[str, Any]:
    """Return what the mark of a checkpoint tells; raises InputError where it has none."""
    try:
        mark: dict[str, Any] = json.loads((checkpoint / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{show_path(checkpoint)}: is no whole checkpoint of train.sft; name another") from None
    return mark


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder by step, broken ones included."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")))


def find_checkpoint(folder: Path) -> Path | None:
    """Return the last whole checkpoint in a folder."""
    return next((path for path in reversed(list_checkpoints(folder)) if (path / MARK).is_file()), None)


def drop_checkpoints(folder: Path, limit: int | None, best: str | None) -> None:
    """Remove the oldest checkpoints until `limit` are left, never the last nor the best."""
    held = list_checkpoints(folder)
    kept = {path.name for path in held[-1:]} | ({Path(best).name} if best else set())
    surplus = len(held) - max(limit, len(kept)) if limit else 0
    for path in [path for path in held if path.name not in kept][:surplus] if surplus > 0 else []:
        shutil.rmtree(path)
