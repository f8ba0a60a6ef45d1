"""Writes down what an export holds, with a hash of every file; nothing in it tells the time, so it repeats as well."""

import hashlib
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from store.errors import StoreError
from store.export.checks import current_checks
from taxonomy.refusal import InputError
from taxonomy.source import show_path

if TYPE_CHECKING:
    from store.export.draw import Drawn

NAME = "manifest.json"
FORMAT = 1


def hash_file(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_files(folder: Path) -> list[Path]:
    """Return all files below a folder but the manifest, in order."""
    files = (path for path in folder.rglob("*") if not path.is_dir() and path != folder / NAME)
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def find_version() -> str:
    """Return the version of this package."""
    try:
        return version("psyfoundry")
    except PackageNotFoundError:
        return "unknown"


def tell_funnel(drawn: "Drawn") -> list[dict[str, Any]]:
    """Return how many were left at each filter, and why the others went."""
    steps: list[dict[str, Any]] = [{"filter": "stored or in a file", "left": drawn.seen, "gone": {}}]
    steps += [
        {"filter": step.name, "left": step.left, "gone": dict(sorted(step.gone.items()))} for step in drawn.funnel
    ]
    return steps


def make_manifest(
    drawn: "Drawn", folder: Path, rows: dict[str, int], counts: dict[str, Counter[str]], told: dict[str, Any]
) -> dict[str, Any]:
    """Return what is known of an export whose files are written; `rows` counts those of each shard by its path."""
    import pyarrow

    mix = drawn.mix.model_dump(mode="json")
    files = {}
    for path in list_files(folder):
        name = path.relative_to(folder).as_posix()
        held = {"rows": rows[name]} if name in rows else {}
        files[name] = {"sha256": hash_file(path), "bytes": path.stat().st_size, **held}
    return {
        "format": FORMAT,
        "mix": mix,
        "mix_sha256": hashlib.sha256(orjson.dumps(mix, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        "made_with": {"psyfoundry": find_version(), "pyarrow": pyarrow.__version__, "checks": current_checks()},
        "rows": sum(rows.values()),
        "counts": {name: dict(sorted(counted.items())) for name, counted in sorted(counts.items())},
        "funnel": tell_funnel(drawn),
        "notes": drawn.notes,
        **told,
        "files": files,
    }


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest into its folder, last of all."""
    (folder / NAME).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an export; raises InputError where there is none."""
    path = folder / NAME
    try:
        manifest = orjson.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{show_path(path)}: {error.strerror}; name the folder of an export") from None
    except ValueError:
        raise InputError(f"{show_path(path)}: not JSON; name the folder of an export") from None
    if not isinstance(manifest, dict) or not is_manifest(manifest):
        raise InputError(f"{show_path(path)}: is no manifest of an export; name another folder")
    return manifest


def is_manifest(told: dict[str, Any]) -> bool:
    """Whether what is told of a mix and of files has the shape in which an export writes it."""
    mix, files = told.get("mix", {}), told.get("files")
    if not isinstance(mix, dict) or not isinstance(mix.get("kind", "talks"), str) or not isinstance(files, dict):
        return False
    return all(
        isinstance(file, dict) and isinstance(file.get("sha256"), str) and type(file.get("rows", 0)) is int
        for file in files.values()
    )


def verify(folder: Path) -> dict[str, Any]:
    """Return the manifest of an export whose files are what it says; raises StoreError naming what is not.

    Files are hashed, and shards are opened and their rows counted.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    manifest = read_manifest(folder)
    wrong = []
    for name, told in manifest["files"].items():
        path = folder / name
        try:
            digest = hash_file(path) if path.is_file() and folder.resolve() in path.resolve().parents else None
        except OSError as error:
            wrong.append(f"{name} cannot be read ({error.strerror})")
            continue
        if digest is None:
            wrong.append(f"{name} is missing")
        elif digest != told["sha256"]:
            wrong.append(f"{name} is not as it was written")
        elif "rows" in told:
            try:
                with ParquetFile(path) as file:
                    count = file.metadata.num_rows
            except (ArrowException, OSError):
                wrong.append(f"{name} is no sound Parquet")
                continue
            if count != told["rows"]:
                wrong.append(f"{name} has {count} rows and not {told['rows']}")
    known = set(manifest["files"])
    wrong += [
        f"{name} was added" for path in list_files(folder) if (name := path.relative_to(folder).as_posix()) not in known
    ]
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise StoreError(f"{show_path(folder)}: {'; '.join(wrong[:3])}{more}; export it again")
    return manifest
