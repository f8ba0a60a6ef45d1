"""Reads the public data sets that lie beside the checkout; a test that needs one is skipped where it is absent."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agents.transcript import Utterance

DATA = Path(__file__).parents[2] / "shared" / "data"
LINE = re.compile(r"^(来访者|心理咨询师)：", re.MULTILINE)

Dialogue = tuple[str, tuple[Utterance, ...]]


@cache
def read_rows(name: str) -> tuple[dict[str, Any], ...]:
    """Return the rows of a data set, or skip the test that asks."""
    path = DATA / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"{path.name} does not lie beside the checkout")
    with path.open(encoding="utf-8") as file:
        return tuple(json.loads(line) for line in file)


@cache
def read_dialogues(name: str) -> tuple[Dialogue, ...]:
    """Return the dialogues of smile_sample, cpsycound_sample or emopsy_sample with their row ids."""
    return tuple((row["id"], tuple(read_lines(row))) for row in read_rows(name))


def read_lines(row: dict[str, Any]) -> list[Utterance]:
    """Return one row's utterances."""
    if "turns" in row:
        return [Utterance("client" if t["role"] == "client" else "counselor", t["content"]) for t in row["turns"]]
    if "conversation" in row:
        pairs = row["conversation"]
        return [u for p in pairs for u in (Utterance("client", p["input"]), Utterance("counselor", p["output"]))]
    parts = LINE.split(row["text"])[1:]
    return [
        Utterance("client" if who == "来访者" else "counselor", said.strip())
        for who, said in zip(parts[::2], parts[1::2], strict=True)
    ]
