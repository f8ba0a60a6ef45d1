"""A look-up finds the stored dialogue that is nearly the same, at a cost that copies do not raise."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event, text

from store.bands import DIALOGUE, SCENARIO
from store.db import Database
from store.near import MOST_COMPARED, NearCopy, find_near_copy, read_wording
from store.records import ArtefactRecord, DialogueRecord, Kind, SeedRecord, UtteranceRecord
from store.rows import save_dialogue
from store.runs import Run
from tests.bench.minhash import edit
from tests.store.test_sessions import begin


def make_text(seed: int, length: int = 600) -> str:
    chance = random.Random(seed)
    return "".join(chr(0x4E00 + chance.randrange(3_000)) for _ in range(length))


def save(database: Database, run: Run, texts: Sequence[str]) -> None:
    with database.begin() as db:
        for position, said in enumerate(texts):
            lines = [said[:300], said[300:]]
            record = DialogueRecord(
                run.id, position, SeedRecord("cell"), "session", "zh", "done", {}, "none", False, True,
                utterances=[UtteranceRecord("client", line, "", None, None) for line in lines],
                bands=read_wording(lines).bands,
            )  # fmt: skip
            save_dialogue(db, record, 0.0)


def look_up(database: Database, said: str) -> NearCopy | None:
    with database.connect() as db:
        return find_near_copy(db, read_wording([said]))


def test_edited_copies_are_found_among_stored_dialogues_and_others_are_not(database: Database) -> None:
    run, texts, chance = begin(database, 60), [make_text(seed) for seed in range(60)], random.Random(5)
    save(database, run, texts)
    found = [look_up(database, edit(said, 0.05, chance)) for said in texts]
    shares = [copy.share for number, copy in enumerate(found) if copy and copy.dialogue_id == f"{run.id}/{number}"]
    # At 5 % the index of a copy is 0.63 on average, and some lie below the threshold.
    assert len(shares) >= 0.95 * len([copy for copy in found if copy]) >= 0.8 * 60
    assert min(shares) >= DIALOGUE.threshold
    assert [look_up(database, make_text(seed)) for seed in range(100, 130)] == [None] * 30


def test_of_several_the_nearest_is_named(database: Database) -> None:
    run, said, chance = begin(database), make_text(1), random.Random(6)
    save(database, run, [edit(said, 0.04, chance), edit(said, 0.01, chance), make_text(2)])
    found = look_up(database, said)
    assert found is not None
    assert found.dialogue_id == f"{run.id}/1"


@pytest.mark.parametrize("said", ["", "……", "\ud800"])
def test_a_dialogue_without_wording_is_no_copy(database: Database, said: str) -> None:
    save(database, begin(database), ["", "。"])
    assert look_up(database, said) is None


def test_bands_of_another_version_are_not_compared(database: Database) -> None:
    save(database, begin(database), [make_text(1)])
    with database.begin() as db:
        db.execute(text("UPDATE bands SET version = 1"))
    assert look_up(database, make_text(1)) is None


def test_scenarios_are_compared_with_scenarios_of_their_language_and_talks_with_talks(database: Database) -> None:
    run, said = begin(database, 3), make_text(1, 300)
    with database.begin() as db:
        record = DialogueRecord(
            run.id, 0, SeedRecord("cell"), "scenarios", "zh", "done", {}, "none", False, True, kind="scenario",
            artefacts=[ArtefactRecord(kind, 0, {"text": text}, None) for kind, text in
                       (("candidate", make_text(2)), ("scenario", said))],
            bands=read_wording([said], "scenario", "zh").bands,
        )  # fmt: skip
        save_dialogue(db, record, 0.0)
    half = said[:205] + make_text(3, 95)
    asked: list[tuple[Kind, str]] = [("scenario", "zh"), ("scenario", "en"), ("talk", "zh"), ("treatment_plan", "zh")]
    with database.connect() as db:
        found = {each: find_near_copy(db, read_wording([said], *each)) for each in asked}
        near = find_near_copy(db, read_wording([half], "scenario", "zh"))
    assert found == {each: NearCopy(f"{run.id}/0", 1.0) if each == ("scenario", "zh") else None for each in asked}
    assert near is not None
    assert SCENARIO.threshold <= near.share < DIALOGUE.threshold


def test_a_wording_that_everybody_shares_costs_no_more_than_a_few(database: Database) -> None:
    shared = make_text(1, 300)
    save(database, begin(database, 100), [shared + make_text(seed, 300) for seed in range(2, 102)])
    asked: list[int] = []

    def count(*told: Any) -> None:
        if "utterances" in told[2]:
            asked.append(len(told[3]))

    event.listen(database, "before_cursor_execute", count)
    assert look_up(database, shared + make_text(200, 300)) is None
    assert asked == [MOST_COMPARED]
