"""A diagram is complete or refused, and a rebuilt one is told right from wrong by what both name."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from agents.conceptualization import (
    BELIEF_WORDS,
    BELIEFS,
    EMOTION_WORDS,
    EMOTIONS,
    Belief,
    Category,
    Diagram,
    Emotion,
    Rebuilt,
    Situation,
    compare,
    find_diagram_fault,
    list_options,
    name_category,
)
from agents.risk import find_risk_words
from agents.transcript import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
CORE: dict[str, Any] = {
    "life_history": "小学转过三回学。",
    "intermediate_beliefs": "要让人离不开我才行。",
    "beliefs_in_low_times": "我在不在都一样。",
    "coping": "什么活都抢着干。",
}


def situation(number: int = 0, *emotions: Emotion) -> Situation:
    return Situation(
        situation=f"第{number}回例会没念到我。",
        automatic_thought="又漏了我。",
        emotions=list(emotions) or ["hurt"],
        behavior="散会就走了。",
    )


def diagram(*beliefs: Belief, situations: int = 3) -> Diagram:
    told = [situation(number) for number in range(situations)]
    return Diagram(name="小周", core_beliefs=list(beliefs), situations=told, **CORE)


def rebuilt(*beliefs: Belief, emotions: tuple[Emotion, ...] = ("hurt",)) -> Rebuilt:
    return Rebuilt(core_beliefs=list(beliefs), situation=situation(0, *emotions), **CORE)


def test_the_closed_lists_have_the_published_sizes_and_words_in_both_languages() -> None:
    sizes = [sum(name_category(one) == category for one in BELIEFS) for category in get_args(Category)]
    assert sizes == [9, 6, 4]
    assert len(EMOTIONS) == 9
    for language in LANGUAGES:
        assert set(BELIEF_WORDS[language]) == set(BELIEFS)
        assert set(EMOTION_WORDS[language]) == set(EMOTIONS)
        assert len(set(BELIEF_WORDS[language].values())) == len(BELIEFS)
        assert [name for name, _ in list_options(language)["beliefs"]] == list(BELIEFS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_belief_is_by_itself_a_sign_of_danger(language: Language) -> None:
    assert [words for words in BELIEF_WORDS[language].values() if find_risk_words(words, language)] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("core_beliefs", []),
        ("core_beliefs", ["lazy"]),
        ("situations", []),
        ("life_history", ""),
        ("coping", None),
    ],
)
def test_a_diagram_that_is_not_complete_is_refused(place: str, value: object) -> None:
    whole = diagram("helpless_stuck").model_dump()
    assert Diagram.model_validate(whole)
    with pytest.raises(ValidationError, match=place):
        Diagram.model_validate(whole | {place: value})


def test_a_diagram_needs_three_situations_and_each_another_one() -> None:
    with pytest.raises(ValidationError, match="at least 3"):
        diagram("helpless_stuck", situations=2)
    whole = diagram("helpless_stuck")
    assert find_diagram_fault(whole) is None
    twice = whole.model_copy(update={"situations": [*whole.situations, whole.situations[0]]})
    assert "another one" in str(find_diagram_fault(twice))


def test_an_emotion_outside_the_list_or_a_fourth_one_is_refused() -> None:
    for emotions in (["joy"], ["sad", "angry", "hurt", "guilty"], []):
        with pytest.raises(ValidationError, match="emotions"):
            Situation(situation="a", automatic_thought="b", emotions=emotions, behavior="c")  # type: ignore[arg-type]


def test_naming_the_hidden_categories_and_no_other_is_right() -> None:
    hidden = diagram("unlovable_unwanted", "unlovable_left")
    right = compare(hidden, situation(0, "hurt", "sad"), rebuilt("unlovable_alone", emotions=("hurt", "angry")))
    assert (right.categories, right.beliefs, right.is_recovered) == (1, 0, True)
    assert right.emotions == pytest.approx(1 / 3, abs=1e-4)
    same = compare(hidden, situation(0), rebuilt("unlovable_left", "unlovable_unwanted"))
    assert (same.categories, same.beliefs, same.emotions, same.is_recovered) == (1, 1, 1, True)


def test_a_wrong_category_and_naming_all_three_are_both_wrong() -> None:
    hidden = diagram("unlovable_unwanted")
    wrong = compare(hidden, situation(), rebuilt("worthless_bad"))
    assert (wrong.hidden, wrong.rebuilt, wrong.categories) == (["unlovable"], ["worthless"], 0)
    every = compare(hidden, situation(), rebuilt("helpless_stuck", "unlovable_unwanted", "worthless_bad"))
    assert every.categories == pytest.approx(1 / 3, abs=1e-4)
    assert not wrong.is_recovered
    assert not every.is_recovered
