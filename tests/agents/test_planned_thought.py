"""A plan is held to the stage of the line: to the next one exactly where the line opens it."""

import pytest

from agents.planned_thought import FORMS, PART_NAMES, GlobalPlan, check_plan, list_body
from agents.transcript import Utterance


def say(stages: str) -> list[Utterance]:
    """Return a talk by the first letters of the stages of the counselor's lines."""
    named = {"t": "target", "w": "working", "e": "ending"}
    lines = [(Utterance("client", "嗯。"), Utterance("counselor", "嗯。", stage=named[one])) for one in stages]
    return [line for pair in lines for line in pair]


@pytest.mark.parametrize(
    ("stages", "move", "told"),
    [
        ("t", "keep", ""),
        ("t", "next_step", ""),
        ("t", "next_stage", "stays in the stage 'target'"),
        ("tt", "keep", ""),
        ("tw", "next_stage", ""),
        ("tw", "keep", "opens the stage 'working'"),
        ("tww", "next_stage", "stays in the stage 'working'"),
        ("twe", "next_step", "opens the stage 'ending'"),
        ("twe", "next_stage", ""),
    ],
)
def test_a_plan_goes_on_to_the_next_stage_where_the_line_does(stages: str, move: str, told: str) -> None:
    *before, line = say(stages)
    verdict = check_plan(GlobalPlan.model_validate({"step": "刚说完那件事", "next": move}), before, line)
    assert verdict.passes is not bool(told)
    assert told in verdict.reason
    assert verdict.call is None


def test_every_field_of_every_part_has_a_name_in_both_languages() -> None:
    fields = {name for form in FORMS.values() for name in form.model_fields}
    assert all(set(names) == fields for names in PART_NAMES.values())
    plan = GlobalPlan(step="just begun", next="keep")
    assert list_body(plan, "en") == [("Where the talk stands", "just begun"), ("What comes next", "keep")]
