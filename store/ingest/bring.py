"""Brings a file in, row by row: what fits is stored in batches, what does not goes to the rejects."""

import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from store.clean import clean_text
from store.formats.carriers.choose import Carrier
from store.formats.carriers.row import FileRow
from store.formats.format import BadRow
from store.ingest.prepared import Asking, Prepared, prepare
from store.ingest.rejects import Rejects
from store.ingest.runs import end_ingest, hold_run
from store.ingest.save import BATCH, save_batch
from store.runs import Maker, Run
from taxonomy.refusal import InputError
from taxonomy.source import digest_file, show_path


@dataclass(slots=True)
class Brought:
    """What came of a file: rows by what became of them, and what was masked in them."""

    asking: Asking
    licence: str
    run: int | None = None
    stored: int = 0
    known: int = 0
    rejected: int = 0
    first: list[str] = field(default_factory=list)
    """The first rows that were rejected, and why."""
    rejects: str | None = None
    """The file with all of them."""
    masked: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, Any]:
        """The same for a machine."""
        found = {"in": self.stored, "known": self.known, "rejected": self.rejected, "masked": dict(self.masked)}
        return {"format": self.asking.format.name, "as": self.asking.kind} | found


def bring_in(
    engine: Engine, path: Path, carrier: Carrier, asking: Asking, licence: str, rejects: Path, limit: int | None
) -> Brought:
    """Store the rows of a file that are not there yet; where it is broken the rows before are kept (InputError)."""
    brought = Brought(asking, licence)
    name = clean_text(path.name)
    config: dict[str, Any] = {
        "format": asking.format.name,
        "as": asking.kind,
        "licence": licence,
        "source": clean_text(asking.source),
        "keep_pii": asking.keeps_pii,
        "limit": limit,
        "counts": None,
    }
    run = hold_run(engine, f"{name} {digest_file(path)}", asking.language, config, describe_maker())
    status = "interrupted"
    try:
        with Rejects(rejects, keeps_pii=asking.keeps_pii) as kept:
            rows = islice(carrier.read_rows(path), limit)
            store_rows(engine, run, rows, brought, kept, {"file": name, "source": config["source"], "licence": licence})
        status = "finished"
    finally:
        brought.rejected, brought.first = kept.count, kept.first
        brought.rejects = show_path(rejects) if kept.count else None
        end_ingest(engine, run, status, brought.counts)
    brought.run = run.id if brought.stored else None
    return brought


def store_rows(
    engine: Engine, run: Run, rows: Iterator[FileRow], brought: Brought, kept: Rejects, origin: dict[str, str]
) -> None:
    """Store rows in batches; those before a place at which the file breaks off are stored as well."""
    batch: list[Prepared] = []
    last = 0

    def save() -> None:
        stored = save_batch(engine, run, batch, origin, last)
        brought.stored += stored
        brought.known += len(batch) - stored
        batch.clear()

    try:
        for row in rows:
            last = row.number
            try:
                if row.value is None:
                    raise BadRow(row.problem)
                batch.append(prepare(row.number, row.value, brought.asking, brought.masked))
            except BadRow as bad:
                kept.add(origin["file"], row.number, str(bad), row.raw or repr(row.value)[:1000])
            if len(batch) >= BATCH:
                save()
    except InputError:
        save()
        raise
    save()


def describe_maker() -> Maker:
    """Return what a run keeps of the code that made it; no model had a part in it."""
    versions = {"python": platform.python_version(), "psyfoundry": version("psyfoundry")}
    return {"versions": versions, "prompts": {}, "git_commit": None, "is_rehearsal": False}
