"""Keeps training in the tests small and offline, and builds the tiny model once for all workers."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.train.made_jobs import cleaned_up, make_shards, write_config
from tests.train.qwen_vocab import need_tokenizer
from tests.train.tiny import make_tiny

if TYPE_CHECKING:
    from train.template import Speech

# Before torch is imported: with two threads a tiny model trains ten times slower.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the tiny model and its tokenizer; read it, and write elsewhere."""
    base = tmp_path_factory.getbasetemp()
    # Under xdist each worker has a folder of its own in one that they share.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "tiny.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = shared / "tiny"
        return folder if folder.exists() else make_tiny(folder)


@pytest.fixture(scope="session", params=["tiny", "qwen2.5"])
def speech(request: pytest.FixtureRequest) -> "Speech":
    """Return a tokenizer with our template: the tiny one, then Qwen2.5's own."""
    from train.template import load_speech, load_tokenizer

    folder: Path = request.getfixturevalue("tiny") if request.param == "tiny" else need_tokenizer()
    return load_speech(load_tokenizer(folder))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder with shards and a configuration; what jobs leave running there is ended."""
    make_shards(tmp_path / "shards")
    write_config(tmp_path)
    with cleaned_up(tmp_path):
        yield tmp_path
