"""Puts talks into a database as runs, ingests, judges and people leave them, and exports from it in this process."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyarrow.parquet import read_table
from sqlalchemy import text

from store.db import Database
from store.export.__main__ import build_parser, export
from store.export.checks import current_checks
from store.export.folder import choose_folder
from store.export.reading import frozen
from store.mix import Mix, load_mix
from store.records import DecisionRecord, DialogueRecord, SeedRecord, UtteranceRecord
from store.reviews import Said, say
from store.rows import save_dialogue
from tests.bench.minhash import ALPHABET
from tests.store.test_sessions import begin

TALKS = [{"name": "talks", "store": {}}]
PLAIN: dict[str, Any] = {"name": "plain", "version": 1, "licence": "cc-by-4.0", "sources": TALKS}
Licences = Mapping[str, str | None]
SET_LICENCE = text('UPDATE seeds SET licence = :licence WHERE "text" = :said')
CELL = SeedRecord("cell", "performance_anxiety", "S01")


def say_something(chance: random.Random, length: int = 30) -> str:
    """Return a line of frequent characters that no other one resembles."""
    return "".join(chance.choice(ALPHABET) for _ in range(length)) + "。"


def make_lines(chance: random.Random, exchanges: int = 3) -> list[tuple[str, str]]:
    """Return a talk of a client and a counselor."""
    return [(who, say_something(chance)) for _ in range(exchanges) for who in ("client", "counselor")]


def make_talk(run: int, position: int, lines: Sequence[tuple[str, str]], **changes: Any) -> DialogueRecord:
    """Return a talk that a policy has accepted and the current checks have seen."""
    about: dict[str, Any] = {
        "run_id": run, "position": position, "seed": CELL, "recipe": "session", "language": "zh", "outcome": "done",
        "plan": {}, "risk_tier": "none", "is_crisis": False, "is_rehearsal": False, "checks": current_checks(),
        "utterances": [UtteranceRecord(who, said, "", None, None) for who, said in lines],
        "decision": DecisionRecord("default", 1, "accept", (), "{}"),
    }  # fmt: skip
    return DialogueRecord(**about | changes)


def keep(database: Database, records: Sequence[DialogueRecord], licences: Licences = MappingProxyType({})) -> None:
    """Store talks; `licences` gives the seeds with some texts a licence."""
    with database.connect().execution_options(writes=True) as db, db.begin():
        for record in records:
            assert save_dialogue(db, record, 0.0)
        for said, licence in licences.items():
            db.execute(SET_LICENCE, {"said": said, "licence": licence})


def keep_talks(database: Database, count: int, chance: random.Random, **changes: Any) -> list[str]:
    """Store a run of so many talks that differ, and return their ids."""
    run = begin(database, count).id
    keep(database, [make_talk(run, place, make_lines(chance), **changes) for place in range(count)])
    return [f"{run}/{place}" for place in range(count)]


def judge(database: Database, id: str, word: Any, reviewer: str = "an", **about: Any) -> int:
    """Have a person say something about a talk."""
    return say(database, Said(dialogue_id=id, reviewer=reviewer, word=word, **about))


def write_mix(folder: Path, **changes: Any) -> Path:
    """Write a mix file, a key a line as JSON is YAML too, and return its path."""
    path = folder / "mix.yaml"
    path.write_text(json.dumps({**PLAIN, **changes}, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def make_mix(folder: Path, **changes: Any) -> Mix:
    """Return a mix as a file would say it."""
    return load_mix(write_mix(folder, **changes))


def make_export(database: Database, out: Path, mix: Mix, *flags: str) -> dict[str, Any]:
    """Write an export and return its manifest."""
    asked = build_parser().parse_args(["--mix", "mix.yaml", "--out", str(out), *flags])
    with frozen(database) as db:
        return export(db, mix, choose_folder(str(out)), asked)


def read_rows(out: Path, split: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of an export's shards in their order."""
    paths = sorted((out / "data").rglob(f"{split or '*'}-*.parquet"))
    return [row for path in paths for row in read_table(path).to_pylist()]


def hash_files(out: Path) -> dict[str, str]:
    """Return the hash of every file by its path."""
    return {name: told["sha256"] for name, told in json.loads((out / "manifest.json").read_text())["files"].items()}
