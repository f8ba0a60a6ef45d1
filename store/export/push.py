"""Uploads an export to the Hub, privately unless it is asked to be public; what nobody should see never goes up."""

import re
from pathlib import Path
from typing import Any

from store.errors import StoreError
from store.export.manifest import verify
from taxonomy.refusal import InputError
from taxonomy.source import show_path

REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def push(folder: Path, manifest: dict[str, Any], repo: str, *, is_public: bool) -> str:
    """Upload a folder that is as it was written and return a line on it.

    The key is the environment's HF_TOKEN, or what `hf auth login` left. Raises InputError for rows that may not go
    up, StoreError where the Hub cannot be reached or refuses.
    """
    if not REPO.fullmatch(repo):
        raise InputError(f"--push {repo!r}: write OWNER/NAME")
    check_rows(folder, verify(folder))
    try:
        from huggingface_hub import HfApi  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise InputError("--push: the package huggingface_hub is not installed; pip install huggingface_hub") from None
    api = HfApi()
    try:
        api.create_repo(repo, repo_type="dataset", private=not is_public, exist_ok=True)
        api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=str(folder))
    except Exception as error:
        # Besides its own errors it lets through those of the HTTP library it happens to use.
        told = " ".join(str(error).split())[:200]
        raise StoreError(f"--push {repo}: {told}; {show_path(folder)} is kept, push it with --verify") from None
    return f"pushed to {repo} ({'public' if is_public else 'private'}), {manifest['rows']:,} rows"


def check_rows(folder: Path, manifest: dict[str, Any]) -> None:
    """Raise InputError where a row is the rehearsal model's, waits, or has a sign of danger."""
    from pyarrow.parquet import ParquetFile

    columns = ["id", "is_rehearsal", "standing", "risk_tier"]
    for name in (name for name, told in manifest["files"].items() if "rows" in told):
        with ParquetFile(folder / name) as file:
            for batch in file.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    why = find_ground(row)
                    if why is not None:
                        raise InputError(f"--push: row {row['id']} {why} and does not go up; leave such rows out")


def find_ground(row: dict[str, Any]) -> str | None:
    """Return why a row does not go up, None where it may; general data has no standing."""
    if row["is_rehearsal"]:
        return "is the rehearsal model's"
    if row["standing"] not in (None, "accepted"):
        return f"is {row['standing']}"
    if row["risk_tier"] not in (None, "none"):
        return "has a sign of danger"
    return None
