"""Tokens are counted by the file of a tokenizer, over all that a row says."""

import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from store.db import Database
from store.export import tokens
from tests.store.export.stored import keep_talks, make_export, make_mix, read_rows


def write_byte_tokenizer(folder: Path) -> Path:
    """Write a tokenizer for which every byte is a token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_every_byte_is_counted_once_however_many_are_counted_together(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_talks(database, 9, random.Random(1))
    named = ("--tokenizer", str(write_byte_tokenizer(tmp_path)))
    mix = make_mix(tmp_path, split={"train": 0.5, "test": 0.5})
    counted = {}
    for together in (4, 5_000):
        monkeypatch.setattr(tokens, "TOGETHER", together)
        counted[together] = make_export(database, tmp_path / f"out{together}", mix, *named)["tokens"]
    said = [message["content"] for row in read_rows(tmp_path / "out4") for message in row["messages"]]
    assert counted[4] == counted[5_000] == sum(len(one.encode()) for one in said) > 0
