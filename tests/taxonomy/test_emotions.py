"""The shipped taxonomy holds what it promises: 40 feelings, 39 scenes, 480 cells, two languages."""

import time
from collections import Counter
from pathlib import Path

import pytest

from taxonomy.schema import Taxonomy, load_taxonomy

FILE = Path("taxonomy/emotions.yaml")
SECTIONS = ("families", "emotions", "lives", "scenes", "outcomes", "risk_tiers")


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy(FILE)


def test_the_grid_has_its_promised_size(taxonomy: Taxonomy) -> None:
    assert len(taxonomy.families) == 10
    assert len(taxonomy.emotions) == 40
    assert len(taxonomy.scenes) == 39
    assert len(taxonomy.cells) == len(set(taxonomy.cells)) == 480
    assert len(taxonomy.outcomes) == 8
    assert Counter(scene.life for scene in taxonomy.scenes) == {"study": 12, "work": 12, "life": 15}
    assert set(Counter(emotion.family for emotion in taxonomy.emotions).values()) == {4}


def test_every_feeling_meets_four_scenes_of_each_life(taxonomy: Taxonomy) -> None:
    for emotion in taxonomy.emotions:
        assert {life: len(codes) for life, codes in emotion.cells.items()} == {
            "study": 4,
            "work": 4,
            "life": 4,
        }, emotion.id


def test_every_scene_is_used_by_seven_feelings_or_more(taxonomy: Taxonomy) -> None:
    used = Counter(cell.scene for cell in taxonomy.cells)
    assert set(used) == {scene.code for scene in taxonomy.scenes}
    assert min(used.values()) >= 7


@pytest.mark.parametrize("section", SECTIONS)
def test_labels_and_definitions_are_written_in_both_languages(taxonomy: Taxonomy, section: str) -> None:
    seen: set[str] = set()
    for entry in getattr(taxonomy, section):
        for text in (entry.zh, entry.definition_zh):
            assert any("\u4e00" <= character <= "\u9fff" for character in text), text
        for text in (entry.en, entry.definition_en):
            assert text.isascii(), text
        assert entry.definition_zh.endswith("。"), entry.definition_zh
        assert entry.definition_en.endswith("."), entry.definition_en
        texts = {entry.zh, entry.en, entry.definition_zh, entry.definition_en}
        assert len(texts) == 4
        assert not texts & seen
        seen |= texts


def test_pupils_come_to_school_scenes_and_only_adults_to_work(taxonomy: Taxonomy) -> None:
    for code in ("S01", "S02", "S07", "S08", "S09"):
        assert taxonomy.scene(code).ages[0] < 16
    for scene in taxonomy.scenes:
        if scene.life == "work":
            assert scene.ages[0] >= 18, scene.code


def test_entries_are_found_by_id_and_code(taxonomy: Taxonomy) -> None:
    assert taxonomy.emotion("grief").family == "sadness"
    assert taxonomy.family("sadness").en == "Sadness"
    assert taxonomy.scene("L09").id == "bereavement"
    assert taxonomy.life("study").zh == "学业"
    assert taxonomy.risk_tier("passive").share == 0.07
    with pytest.raises(KeyError):
        taxonomy.emotion("joy")


def test_the_file_loads_in_a_blink() -> None:
    start = time.perf_counter()
    load_taxonomy(FILE)
    assert time.perf_counter() - start < 0.15
