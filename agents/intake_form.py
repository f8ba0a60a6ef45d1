"""The intake form of six sections: what a client of CACTUS or MAGneT plays from, and the two the counselor may read."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.brief import Brief, describe_person
from agents.cast import Cast
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Language
from taxonomy.plan import SessionPlan

Manner = Literal["positive", "neutral", "negative"]
"""How a client meets the counselor, as the two papers name it."""

Section = Annotated[str, Field(min_length=1)]


class IntakeForm(BaseModel):
    """What is written down before the first meeting."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    demographics: Section
    """What to call the client, age in digits, gender, what they do, whom they live with."""
    presenting_problem: Section
    """What it is, since when, what set it off, how it went on, what was tried, and the thought that keeps it going."""
    reason: Section
    """Why they come now, in a sentence, without the story."""
    past_history: Section
    """Earlier troubles of the kind and earlier help."""
    functioning: Section
    """Work or school, people, sleep, food, the day."""
    social_support: Section
    """Who is there, and who knows."""


SECTION_NAMES: dict[Language, dict[str, str]] = {
    "zh": {
        "demographics": "基本情况",
        "presenting_problem": "主要困扰",
        "reason": "来谈的原因",
        "past_history": "过往经历",
        "functioning": "日常状况",
        "social_support": "身边的支持",
    },
    "en": {
        "demographics": "Who they are",
        "presenting_problem": "Presenting problem",
        "reason": "Reason for coming",
        "past_history": "Past history",
        "functioning": "Daily functioning",
        "social_support": "Social support",
    },
}


def list_sections(form: IntakeForm, language: Language) -> list[tuple[str, str]]:
    """Return (label, content) of each section, in the order of the form."""
    values = form.model_dump()
    return [(label, values[key]) for key, label in SECTION_NAMES[language].items()]


async def write_intake_form(cast: Cast, brief: Brief, plan: SessionPlan) -> tuple[IntakeForm, int]:
    """Ask for the form of one person who fits the plan; returns it and the number of the call."""
    head = load_prompt("cbt/intake", cast.language)
    ask = load_prompt("cbt/intake_ask", cast.language).render(**describe_person(brief, plan))
    thread = [*cast.open_thread(head.render()), Message("user", ask)]
    return await cast.fill("intake", head.hash, thread, IntakeForm, lambda form: find_form_fault(form, plan.age))


def find_form_fault(form: IntakeForm, age: int | None) -> str | None:
    """Return why a form cannot be used, or None: what the counselor reads of it must not tell the story."""
    if age is not None and str(age) not in form.demographics:
        return f"demographics: must name the age {age} in digits"
    if form.presenting_problem.strip() in f"{form.demographics}\n{form.reason}":
        return "reason: must not repeat presenting_problem, which the counselor does not read"
    return None
