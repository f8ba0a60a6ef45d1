"""An outline is dealt to three stages: how long each may be, what its writer is shown, and in which words."""

import pytest

from agents.outline import (
    PARTS,
    SEEN,
    STAGES,
    Goal,
    Outline,
    Resources,
    Solution,
    Traits,
    list_outline,
    share_exchanges,
)

OUTLINE: Outline = {
    "profile": Traits(
        openness="low",
        conscientiousness="high",
        extraversion="low",
        agreeableness="middle",
        neuroticism="high",
        manner="a few words, then silence",
    ),
    "goal": Goal(goal="say one sentence to her", sign="the phone is on the table"),
    "resources": Resources(internal=["wrote it down", "still cooks"], external=["a brother"]),
    "solution": Solution(solution="ask the brother first", steps=["ring him", "if not, write"]),
}


@pytest.mark.parametrize("exchanges", range(3, 51))
def test_every_stage_has_room_and_together_they_are_the_talk(exchanges: int) -> None:
    shares = share_exchanges(exchanges)
    assert tuple(shares) == STAGES
    assert sum(shares.values()) == exchanges
    assert min(shares.values()) >= 1
    assert exchanges < 6 or shares["working"] > shares["target"] >= shares["ending"]


def test_each_stage_is_shown_its_own_parts_and_only_the_last_one_all() -> None:
    shown = {stage: " ".join(value for _, value in list_outline(OUTLINE, SEEN[stage], "en")) for stage in STAGES}
    assert "say one sentence to her" in shown["target"]
    assert "ask the brother first" not in shown["target"]
    assert "still cooks" not in shown["target"]
    assert "ask the brother first" in shown["working"]
    assert "say one sentence to her" not in shown["working"]
    assert SEEN["ending"] == PARTS
    assert all("a few words, then silence" in text for text in shown.values())


def test_a_list_is_told_in_one_line_under_its_name() -> None:
    assert list_outline(OUTLINE, ("resources",), "en") == [
        ("In themselves", "wrote it down; still cooks"),
        ("Around them", "a brother"),
    ]
    assert [label for label, _ in list_outline(OUTLINE, ("goal",), "zh")] == ["目标", "怎么看得出到了"]
