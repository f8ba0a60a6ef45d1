"""Each rule finds its defect where it is planted in clean turns, and stays silent on what only looks like it."""

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.checks.finding import Finding
from agents.checks.lexicon import language_of
from agents.transcript import Utterance
from tests.real_data import read_dialogues

FOLDER = Path(__file__).parent / "mutations"
PLANTS = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("*.yaml"))]
TURNS = 200
EACH = 8
"""Clean turns in which each phrasing is planted."""
QUIET = "嗯，你接着说。"
CLIENT = Utterance("client", "我最近总是睡不好，也不知道该跟谁说。")
EN_TURN = "Mm. And when he said that, what went through you?"

Check = Callable[[Utterance, Sequence[Utterance]], Finding | None]


def load(path: Path) -> tuple[dict[str, Any], Check]:
    """Return a plant file and the check that it is for."""
    plant: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    module, _, name = plant["check"].partition(":")
    check: Check = getattr(importlib.import_module(module), name)
    return plant, check


@cache
def clean_turns(speaker: str) -> tuple[str, ...]:
    """Return real turns of a speaker, one from each of 200 dialogues."""
    turns = []
    for _, lines in read_dialogues("cpsycound_sample"):
        said = [line.text for line in lines[2:-2] if line.speaker == speaker and 10 <= len(line.text) <= 120]
        turns += said[:1]
    return tuple(turns[:TURNS])


def plant_in(phrase: str, turn: str, place: str) -> str:
    """Return a turn with the defect in it."""
    if place == "alone":
        return phrase
    joint = "" if language_of(phrase) == "zh" else " "
    return phrase + joint + turn if place == "before" else turn + joint + phrase


def stage(plant: dict[str, Any], text: str) -> tuple[Utterance, list[Utterance]]:
    """Return an utterance with this text and what was said before it, as the plant file sets the scene."""
    speaker = plant.get("speaker", "counselor")
    before = [Utterance("client", line) for line in plant["before"]] if "before" in plant else [CLIENT]
    before += [Utterance(speaker, line) for line in plant.get("said_before", ())]
    if plant.get("twice_before"):
        before += [Utterance(speaker, text)] * 2
    if plant.get("part") == "reasoning":
        return Utterance(speaker, QUIET, reasoning=text), before
    return Utterance(speaker, text), before


def hits(check: Check, plant: dict[str, Any], phrases: Sequence[str]) -> dict[str, int]:
    """Return, for each phrasing, in how many of its turns it was found, of EACH."""
    found = dict.fromkeys(phrases, 0)
    clean = [turn for turn in clean_turns(plant.get("speaker", "counselor")) if check(*stage(plant, turn)) is None]
    for index, phrase in enumerate(phrases):
        for step in range(EACH):
            turn = clean[(index * EACH + step) % len(clean)] if language_of(phrase) == "zh" else EN_TURN
            text = plant_in(phrase, turn, plant.get("place", "after"))
            finding = check(*stage(plant, text))
            if finding is not None:
                assert 0 <= finding.span[0] < finding.span[1] <= len(text)
                found[phrase] += 1
    return found


@pytest.mark.parametrize("path", PLANTS)
def test_a_planted_defect_is_found(path: Path, record_property: Callable[[str, object], None]) -> None:
    plant, check = load(path)
    known, free = plant["known"], plant["free"]
    assert len(known) >= 15
    assert len(free) >= 15
    assert len(set(known) | set(free)) == len(known) + len(free) >= 30
    shares = {}
    for half, phrases in (("known", known), ("free", free)):
        found = hits(check, plant, phrases)
        shares[half] = sum(found.values()) / (EACH * len(phrases))
        record_property(half, round(shares[half], 3))
        if half == "known":
            missed = [phrase for phrase, count in found.items() if count < EACH]
            assert shares[half] >= 0.95, missed


@pytest.mark.parametrize("path", PLANTS)
def test_near_misses_stay_silent(path: Path) -> None:
    plant, check = load(path)
    assert len(plant["silent"]) >= 15
    loud = [text for text in plant["silent"] if check(*stage(plant, text)) is not None]
    assert loud == []
