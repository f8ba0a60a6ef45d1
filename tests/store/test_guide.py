"""The list of reasons and scales is whole in both languages, and a slip in it is named."""

from pathlib import Path

import pytest

from store.guide import PATH, load_guide, read_guide
from taxonomy.refusal import InputError

REASONS = (
    "fabricated_fact pseudo_science unsafe_crisis diagnosis_medication boundary_dependency boilerplate role_swap"
    " reasoning_leak lecture_list_dump language_mix pii incoherent other"
)


def test_the_shipped_guide_has_every_reason_and_scale_with_words_in_both_languages() -> None:
    guide = load_guide()
    assert list(guide.reasons) == REASONS.split()
    assert list(guide.scales) == ["empathy", "helpfulness", "realism"]
    assert {(scale.lowest, scale.highest) for scale in guide.scales.values()} == {(1, 5)}
    for entry in (*guide.reasons.values(), *guide.scales.values()):
        assert entry.label("zh") != entry.label("en")
        assert entry.definition("zh") != entry.definition("en")
    assert len(guide.text["zh"]) == len(guide.text["en"]) > 0


def test_what_is_not_in_the_guide_is_refused_with_what_is() -> None:
    guide = load_guide()
    guide.check_reasons(["pii", "other"])
    guide.check_scores({"empathy": 1.0, "realism": 5.0})
    with pytest.raises(InputError, match=r"'unsafe_crises' .did you mean 'unsafe_crisis'"):
        guide.check_reasons(["unsafe_crises"])
    with pytest.raises(InputError, match="unknown scale 'warmth'"):
        guide.check_scores({"warmth": 3.0})
    for score in (0.0, 6.0, 2.5):
        with pytest.raises(InputError, match="a whole number from 1 to 5"):
            guide.check_scores({"empathy": score})


@pytest.mark.parametrize(
    ("old", "wrong", "told"),
    [
        ("version: 1", "version: none", "version"),
        ("    highest: 5", "    highest: 1", "scales.empathy"),
        ("    zh: 编造事实", "    zh: ''", "reasons.fabricated_fact.zh"),
        ("reasons:", "reason:", "reasons"),
        ("version: 1", "version: [", "guide.yaml"),
    ],
)
def test_a_slip_in_the_file_is_named(tmp_path: Path, old: str, wrong: str, told: str) -> None:
    text = PATH.read_text(encoding="utf-8")
    path = tmp_path / "guide.yaml"
    path.write_text(text.replace(old, wrong, 1), encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_guide(path)
