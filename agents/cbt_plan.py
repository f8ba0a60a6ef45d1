"""The CBT planner: before the counselor says a word, one of twelve techniques and a plan for this meeting."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast
from agents.intake_form import IntakeForm
from agents.message import Message
from agents.prompt import load_prompt

Technique = Literal[
    "efficiency_evaluation",
    "pie_chart",
    "alternative_perspective",
    "decatastrophizing",
    "pros_and_cons",
    "evidence_based_questioning",
    "reality_testing",
    "continuum",
    "changing_rules_to_wishes",
    "behavior_experiment",
    "problem_solving_skills_training",
    "systematic_exposure",
]
"""The twelve of CACTUS, which MAGneT keeps."""


class CbtPlan(BaseModel):
    """What the planner answers."""

    model_config = ConfigDict(extra="forbid")

    technique: Technique
    plan: Annotated[str, Field(min_length=1)]


async def write_cbt_plan(cast: Cast, form: IntakeForm, first_line: str = "") -> tuple[CbtPlan, int]:
    """Ask for technique and plan; of the client it shows who they are, why they come, and what they said first."""
    head = load_prompt("cbt/planner", cast.language)
    ask = load_prompt("cbt/planner_ask", cast.language).render(
        demographics=form.demographics, reason=form.reason, first_line=first_line
    )
    return await cast.fill("planner", head.hash, [*cast.open_thread(head.render()), Message("user", ask)], CbtPlan)
