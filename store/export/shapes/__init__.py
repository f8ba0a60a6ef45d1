"""Shapes that trainers and tools read beside Parquet, one a file; each says a row as one JSON object."""

from importlib import import_module
from typing import Any

from taxonomy.refusal import InputError, suggest

SHAPES = ("jsonl", "sharegpt", "alpaca", "llamafactory", "swift", "argilla")


def load_shapes(told: str) -> dict[str, Any]:
    """Return the modules of some shapes, named with commas between; raises InputError for one there is not."""
    names = [name.strip() for name in told.split(",") if name.strip()]
    for name in names:
        if name not in SHAPES:
            raise InputError(
                f"--format {name!r}: unknown{suggest(name, SHAPES)}; choose some of {', '.join(SHAPES)} beside Parquet"
            )
    return {name: import_module(f"store.export.shapes.{name}") for name in names}
