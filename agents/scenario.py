"""A cell told as a concrete scenario: the form a writer fills, how it is asked for, and the text it reads as."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model

from agents.brief import Brief
from agents.cast import Cast
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Language
from taxonomy.plan import SessionPlan
from taxonomy.schema import Taxonomy

LifeStage = Literal[
    "junior_high", "senior_high", "university", "postgraduate", "early_career", "mid_career", "between_jobs",
    "at_home", "retired",
]  # fmt: skip
STAGES: Mapping[LifeStage, tuple[int, int]] = {
    "junior_high": (10, 16),
    "senior_high": (14, 20),
    "university": (17, 28),
    "postgraduate": (20, 40),
    "early_career": (16, 36),
    "mid_career": (26, 70),
    "between_jobs": (16, 66),
    "at_home": (10, 100),
    "retired": (45, 100),
}
"""The ages that a stage can be lived at, both included; own choice, on the wide side."""
STAGE_NAMES: Mapping[Language, Mapping[LifeStage, str]] = {
    "zh": {
        "junior_high": "初中生",
        "senior_high": "高中生",
        "university": "大学生",
        "postgraduate": "研究生",
        "early_career": "刚工作没几年",
        "mid_career": "工作多年",
        "between_jobs": "眼下没有工作",
        "at_home": "待在家里",
        "retired": "退休了",
    },
    "en": {
        "junior_high": "in middle school",
        "senior_high": "in high school",
        "university": "at university",
        "postgraduate": "a graduate student",
        "early_career": "a few years into working life",
        "mid_career": "many years into working life",
        "between_jobs": "out of work just now",
        "at_home": "at home",
        "retired": "retired",
    },
}
GENDER_NAMES: Mapping[Language, Mapping[str, str]] = {
    "zh": {"female": "女", "male": "男"},
    "en": {"female": "female", "male": "male"},
}
LED: Mapping[Language, tuple[str, str]] = {
    "zh": ("一直没跟人说的：", "开口第一句："),
    "en": ("Not told to anyone: ", "What is said first: "),
}
"""How the lines begin that tell of the innermost, and of the first words."""
END_MARKS = "。？！….?!”\"'"


class Scenario(BaseModel):
    """One thing that happened to one person, told by that person; age, gender and risk are the plan's."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    life_stage: LifeStage
    when: Annotated[str, Field(min_length=1, max_length=40)]
    """When it happened, in words that stand in `event`."""
    person: Annotated[str, Field(min_length=1, max_length=40)]
    """Who else is in it, in words that stand in `event`."""
    event: Annotated[str, Field(min_length=12, max_length=900)]
    """What happened."""
    stake: Annotated[str, Field(min_length=4, max_length=400)]
    """What hangs on it for this person."""
    tried: Annotated[str, Field(min_length=2, max_length=400)]
    hidden: Annotated[str, Field(min_length=4, max_length=400)]
    """A belief or need that comes out late or never."""
    secondary_emotions: Annotated[list[str], Field(max_length=2)]
    """Ids of other feelings of the taxonomy that come with it."""
    intensity: Annotated[int, Field(ge=1, le=5)]
    opening_line: Annotated[str, Field(min_length=2, max_length=300)]
    """What this person would say first to a counselor."""


@cache
def close_form(emotions: tuple[str, ...]) -> type[Scenario]:
    """Return the form with the feelings that may be named as a closed list."""
    listed = Literal[emotions]  # type: ignore[valid-type]
    field: Any = (Annotated[list[listed], Field(max_length=2)], ...)
    return create_model("Scenario", __base__=Scenario, secondary_emotions=field)


def read_map(brief: Brief) -> Taxonomy:
    """Return the taxonomy that the brief's cell is from."""
    if brief.taxonomy is None:
        raise ValueError("a scenario is written for a cell of a taxonomy, and this brief has none")
    return brief.taxonomy


async def write_scenario(
    cast: Cast, brief: Brief, plan: SessionPlan, earlier: Sequence[Scenario] = ()
) -> tuple[Scenario, int]:
    """Ask for one scenario of the planned cell; returns it and the number of the call that gave it.

    The writer is shown the earlier ones, so that it finds another event and other people.
    """
    assert plan.cell is not None
    emotions = read_map(brief).emotions
    feelings = [(each.id, each.zh if cast.language == "zh" else each.en) for each in emotions]
    head = load_prompt("scenarios/writer", cast.language)
    ask = load_prompt("scenarios/writer_ask", cast.language).render(
        emotion=brief.emotion,
        emotion_id=plan.cell.emotion,
        definition=brief.definition,
        family=brief.family,
        scene=brief.scene,
        scene_definition=brief.scene_definition,
        age=plan.age,
        gender=plan.gender,
        stages=list_stages(plan.age),
        risk=plan.risk,
        risk_definition=brief.risk_definition,
    )
    thread = [*cast.open_thread(head.render(feelings=feelings)), Message("user", ask)]
    again = load_prompt("scenarios/writer_again", cast.language).render()
    for scenario in earlier:
        thread += [Message("assistant", scenario.model_dump_json()), Message("user", again)]
    others = tuple(each.id for each in emotions if each.id != plan.cell.emotion)
    return await cast.fill("writer", head.hash, thread, close_form(others))


def list_stages(age: int | None) -> list[str]:
    """Return the stages of life that somebody of this age can be in."""
    return [stage for stage in get_args(LifeStage) if age is None or STAGES[stage][0] <= age <= STAGES[stage][1]]


def tell_scenario(scenario: Scenario, plan: SessionPlan, language: Language) -> str:
    """Return the scenario as a text of three lines: the story, what nobody has been told, the first words."""
    comma, gap = ("，", "") if language == "zh" else (", ", " ")
    age = [f"{plan.age}岁" if language == "zh" else str(plan.age)] if plan.age is not None else []
    gender = [GENDER_NAMES[language][plan.gender]] if plan.gender is not None else []
    who = comma.join([*age, *gender, STAGE_NAMES[language][scenario.life_stage]])
    story = [close(part, language) for part in (who, scenario.event, scenario.stake, scenario.tried)]
    innermost, first = LED[language]
    quoted = " ".join(scenario.opening_line.split()).strip('“”"')
    return "\n".join((gap.join(story), innermost + close(scenario.hidden, language), f"{first}“{quoted}”"))


def close(part: str, language: Language) -> str:
    """Return a part on one line, with an end mark."""
    plain = " ".join(part.split())
    return plain if plain.endswith(tuple(END_MARKS)) else plain + ("。" if language == "zh" else ".")
