"""A job's folder: a marker that says whose it is, the configuration, the log, and the folder the trainer writes to."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.job_tables import JobRow
from taxonomy.refusal import InputError
from taxonomy.source import show_path

MARKER = "job.json"
OUTPUT = "model"


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The paths of a job."""

    path: Path
    output: Path
    """Where the trainer writes."""
    launch: int = 1
    """How often the job was launched; each has a log of its own."""

    @property
    def marker(self) -> Path:
        """Whose folder it is."""
        return self.path / MARKER

    @property
    def config(self) -> Path:
        """The configuration that the trainer reads: as it was when the job was recorded."""
        return self.path / "config.yaml"

    @property
    def log(self) -> Path:
        """What the trainer said."""
        return self.path / ("trainer.log" if self.launch == 1 else f"trainer.{self.launch}.log")

    @property
    def metrics(self) -> Path:
        """What the trainer tells of its steps."""
        return self.output / "metrics.jsonl"

    @property
    def end(self) -> Path:
        """How the trainer says it ended."""
        return self.output / "end.json"


def folder_of(job: JobRow) -> JobFolder:
    """Return the paths of a stored job."""
    return JobFolder(Path(job.folder), Path(job.output), job.launches)


def make_folder(folder: JobFolder, job_id: int, database: str, config: str) -> None:
    """Make a job's folder; raises InputError where it is there already or cannot be made."""
    try:
        if os.path.lexists(folder.path.parent) and not folder.path.parent.is_dir():
            raise InputError(f"{show_path(folder.path.parent)} is no folder; move it, or name another place with --out")
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        folder.path.mkdir()
        folder.config.write_text(config, encoding="utf-8")
        folder.marker.write_text(json.dumps({"job": job_id, "database": database}) + "\n", encoding="utf-8")
    except FileExistsError:
        raise InputError(f"{show_path(folder.path)} is there already; name another folder with --out") from None
    except OSError as error:
        raise InputError(f"{show_path(folder.path)} cannot be made ({error.strerror}); choose another place") from None


def check_folder(job: JobRow, database: str) -> JobFolder:
    """Return the folder of a job that this database's jobs wrote; raises InputError for any other."""
    folder = folder_of(job)
    shown = show_path(folder.path)
    try:
        told: Any = json.loads(folder.marker.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{shown} is not there as job {job.id} left it ({error.strerror}); start a new job") from None
    except ValueError:
        told = None
    if told != {"job": job.id, "database": database}:
        raise InputError(f"{shown} was not written by job {job.id} of this database; it is left as it is")
    return folder


def is_ours(job: JobRow, database: str) -> bool:
    """Whether a job's folder is there and was written by it."""
    try:
        check_folder(job, database)
    except InputError:
        return False
    return True


def remove_empty(folder: JobFolder) -> bool:
    """Remove the folder of a job that made nothing; returns whether it did."""
    if folder.output.exists():
        return False
    shutil.rmtree(folder.path, ignore_errors=True)
    return not folder.path.exists()


def read_end(folder: JobFolder) -> dict[str, Any] | None:
    """Return how the trainer says it ended; None where it has not said so."""
    try:
        told = json.loads(folder.end.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and told.get("state") in ("done", "failed") else None
