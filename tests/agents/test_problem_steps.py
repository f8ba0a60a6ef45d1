"""The six steps: each is left when its own rule is met, or at the cap with what it has, and never with nothing."""

import pytest
from pydantic import ValidationError

from agents.problem_steps import (
    FORMS,
    STEPS,
    Choice,
    Place,
    Reading,
    Sifting,
    Slots,
    Solutions,
    Step,
    find_advance,
    follow,
    take_up,
)

FULL = Slots(
    problems=["睡不着", "加班"],
    problem_selected="睡不着",
    factors=["躺下刷手机"],
    solutions_ok=["手机放客厅"],
    plans=["今晚十点放", "周五再看"],
)


@pytest.mark.parametrize(
    ("step", "found", "is_enough"),
    [
        ("problems", {"problems": ["睡不着"]}, False),
        ("problems", {"problems": ["睡不着", "加班"]}, True),
        ("choice", {"problem_selected": " "}, False),
        ("choice", {"problem_selected": "睡不着"}, True),
        ("factors", {"factors": []}, False),
        ("factors", {"factors": ["刷手机"]}, True),
        ("solutions", {"solutions": []}, False),
        ("solutions", {"solutions": ["早睡"]}, True),
        ("sifting", {"solutions": ["早睡"], "solutions_ok": ["手机放客厅"]}, False),
        ("sifting", {"solutions": [], "solutions_ok": []}, False),
        ("sifting", {"solutions": [], "solutions_ok": ["手机放客厅"]}, True),
        ("plan", {"plans": ["今晚十点"]}, False),
        ("plan", {"plans": ["今晚十点", "周五再看"]}, True),
    ],
)
def test_a_reading_that_calls_a_step_finished_is_believed_only_where_its_rule_is_met(
    step: Step, found: dict[str, object], is_enough: bool
) -> None:
    slots = Slots.model_validate(found)
    assert (find_advance(Place(step, 1), slots, True, 3) == "finished") == is_enough
    assert find_advance(Place(step, 1), slots, False, 3) is None


@pytest.mark.parametrize("step", STEPS[:-1])
def test_the_cap_moves_on_with_what_was_found_and_never_with_nothing(step: Step) -> None:
    assert find_advance(Place(step, 2), FULL.model_copy(update={"solutions": ["早睡"]}), False, 3) is None
    assert find_advance(Place(step, 3), FULL.model_copy(update={"solutions": ["早睡"]}), False, 3) == "cap"
    for lines in (3, 9):
        assert find_advance(Place(step, lines), Slots(), True, 3) is None


def test_six_ideas_are_enough_whatever_the_reading_says() -> None:
    assert find_advance(Place("solutions", 1), Slots(solutions=list("abcdef")), False, 3) == "finished"
    assert find_advance(Place("solutions", 1), Slots(solutions=list("abcde")), False, 3) is None
    with pytest.raises(ValidationError, match="at most 6"):
        Solutions(solutions=list("abcdefg"), finished=False)


def test_a_reading_replaces_its_own_slots_and_leaves_the_others() -> None:
    assert take_up(FULL, Choice(problem_selected="加班", finished=True)) == FULL.model_copy(
        update={"problem_selected": "加班"}
    )
    sifted = take_up(
        Slots(problems=["a"], solutions=["b", "c"]), Sifting(solutions=["c"], solutions_ok=["b"], finished=False)
    )
    assert (sifted.problems, sifted.solutions, sifted.solutions_ok) == (["a"], ["c"], ["b"])


def test_a_slot_holds_phrases_without_end_marks_and_nothing_empty() -> None:
    read = FORMS["factors"].model_validate({"factors": ["刷手机。", " 。", "up late,\n again. "], "finished": False})
    assert take_up(Slots(), read).factors == ["刷手机", "up late, again"]
    assert take_up(Slots(), Choice(problem_selected=" 。", finished=True)).problem_selected == ""


def test_each_step_has_a_form_of_its_own_slots_and_every_slot_a_step() -> None:
    assert list(FORMS) == list(STEPS[:-1])
    assert [follow(step) for step in STEPS[:-1]] == list(STEPS[1:])
    asked = [set(form.model_fields) - set(Reading.model_fields) for form in FORMS.values()]
    assert set().union(*asked) == set(Slots.model_fields)
    assert all(asked)
