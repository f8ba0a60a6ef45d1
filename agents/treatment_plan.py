"""The assessment and the treatment plan of a stored talk: the forms, and how they are asked for.

Each item rests on words of one utterance; what does not is asked for once more, and then dropped with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast, Role
from agents.hotlines import emergency_for, lines_for
from agents.interventions import APPROACHES, PLACES, STEPS, Approach, Place, SafetyStep, Urgency
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Language
from taxonomy.schema import load_taxonomy

TAXONOMY = Path(__file__).parent.parent / "taxonomy" / "emotions.yaml"

Text = Annotated[str, Field(min_length=1, max_length=600)]
EmotionId = Literal[
    "anticipatory_anxiety", "performance_anxiety", "social_anxiety", "health_anxiety", "panic", "fear_of_rejection",
    "dread", "abandonment_insecurity", "grief", "heartbreak", "loneliness", "longing", "hopelessness", "helplessness",
    "emptiness", "numbness", "overwhelm", "burnout", "tension", "boredom", "irritability", "resentment", "indignation",
    "rage", "shame", "inferiority", "embarrassment", "loss_of_face", "guilt", "self_blame", "regret", "indebtedness",
    "envy", "jealousy", "betrayal", "distrust", "frustration", "disappointment", "lostness", "ambivalence",
]  # fmt: skip
"""The sub-emotions of the shipped taxonomy, whatever a talk was planned for."""
Danger = Literal["self_harm", "harm_by_others", "harm_to_others"]


class Form(BaseModel):
    """What every form has."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Cited(Form):
    """An item with what it rests on: words of one utterance, and the number that stands before it."""

    quote: Text
    utterance: Annotated[int, Field(ge=1)]


class Felt(Cited):
    """One feeling, how strong it is at its strongest, and how it moves over the talk."""

    emotion: EmotionId
    intensity: Annotated[int, Field(ge=1, le=5)]
    course: Literal["rises", "eases", "steady", "comes_and_goes"]


class Trigger(Cited):
    """What sets the feelings off."""

    trigger: Text


class Assessment(Form):
    """What the assessor answers."""

    emotions: Annotated[list[Felt], Field(min_length=1, max_length=6)]
    triggers: Annotated[list[Trigger], Field(max_length=5)]
    age: Annotated[int, Field(ge=1, le=120)] | None
    """In years, as far as the talk shows it."""
    danger: Danger | None


class Goal(Cited):
    """Where this client wants to get to."""

    goal: Text


class Intervention(Cited):
    """A way of working, and how it is done with this client."""

    approach: Approach
    how: Text


class Homework(Cited):
    """A step between two meetings."""

    task: Text
    when: Text


class Risk(Form):
    """What is to be heeded; `quote` is empty and `utterance` 0 where nothing in the talk hints at danger."""

    danger: Danger | None
    quote: Annotated[str, Field(max_length=600)]
    utterance: Annotated[int, Field(ge=0)]
    note: Annotated[str, Field(max_length=600)]
    steps: Annotated[list[SafetyStep], Field(max_length=8)]


class Referral(Cited):
    """Where else this client should be seen."""

    to: Place
    urgency: Urgency
    why: Text


class Plan(Form):
    """What the therapist answers."""

    goals: Annotated[list[Goal], Field(min_length=1, max_length=4)]
    interventions: Annotated[list[Intervention], Field(min_length=1, max_length=5)]
    homework: Annotated[list[Homework], Field(max_length=4)]
    risk: Risk
    referral: Referral


Filled = TypeVar("Filled", bound=Form)


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that is not kept; `item` counts from 1 within its part."""

    part: str
    item: int
    reason: str


@dataclass(frozen=True, slots=True)
class Draft(Generic[Filled]):
    """One answer and what is refused of it."""

    filled: Filled
    call: int
    refused: Sequence[Refused]

    def keep(self) -> dict[str, Any]:
        """Return what stands, as JSON; a part of one item that is refused is None."""
        dropped = {(one.part, one.item) for one in self.refused}
        kept: dict[str, Any] = {}
        for name, value in self.filled.model_dump().items():
            if isinstance(value, list):
                kept[name] = [item for number, item in enumerate(value, 1) if (name, number) not in dropped]
            else:
                kept[name] = None if (name, 1) in dropped else value
        return kept

    def why(self, part: str) -> str:
        """Return why nothing of a part stands."""
        return next((one.reason for one in self.refused if one.part == part), "none was written")

    def list_refused(self) -> list[dict[str, Any]]:
        """Return what is refused, as JSON."""
        return [{"part": one.part, "item": one.item, "reason": one.reason} for one in self.refused]


async def assess(
    cast: Cast, talk: Sequence[Message], find_refused: Callable[[Assessment], Sequence[Refused]]
) -> list[Draft[Assessment]]:
    """Ask what the client feels and what sets it off; the assessor sees the talk alone."""
    emotions = list(name_emotions(cast.language).items())
    return await fill_cited(cast, "assessor", "assessor", {"emotions": emotions}, talk, {}, Assessment, find_refused)


async def write_plan(
    cast: Cast,
    talk: Sequence[Message],
    assessed: Mapping[str, Any],
    is_danger: bool,
    is_minor: bool,
    find_refused: Callable[[Plan], Sequence[Refused]],
) -> list[Draft[Plan]]:
    """Ask for the plan; the therapist sees the talk and what stands of the assessment."""
    language = cast.language
    lists = {
        "approaches": [(id, *words) for id, words in APPROACHES[language].items()],
        "steps": list(STEPS[language].items()),
        "places": list(PLACES[language].items()),
    }
    names = name_emotions(language)
    felt = [(names[one["emotion"]], one["intensity"], one["course"], one["utterance"]) for one in assessed["emotions"]]
    told = {"felt": felt, "triggers": assessed["triggers"], "is_danger": is_danger, "is_minor": is_minor}
    return await fill_cited(cast, "planner", "planner", lists, talk, told, Plan, find_refused)


async def fill_cited(
    cast: Cast,
    role: Role,
    name: str,
    lists: Mapping[str, Any],
    talk: Sequence[Message],
    told: Mapping[str, Any],
    form: type[Filled],
    find_refused: Callable[[Filled], Sequence[Refused]],
) -> list[Draft[Filled]]:
    """Ask for a form whose items must stand in the talk; what is refused is asked for once more.

    Returns one draft or two; the last one counts, and what is still refused of it is the caller's to drop.
    """
    head, ask = (load_prompt(f"treatment_plan/{part}", cast.language) for part in (name, f"{name}_ask"))
    thread = [*cast.open_thread(head.render(**lists)), *talk, cast.ask_last(ask.render(**told))]
    drafts: list[Draft[Filled]] = []
    while True:
        filled, call = await cast.fill(role, head.hash, thread, form)
        drafts.append(Draft(filled, call, find_refused(filled)))
        if not drafts[-1].refused or len(drafts) == 2:
            return drafts
        problem = "; ".join(f"{one.part} {one.item}: {one.reason}" for one in drafts[-1].refused)
        repair = load_prompt("cast/repair", cast.language).render(problem=problem)
        thread += [Message("assistant", filled.model_dump_json()), Message("user", repair)]


def complete(kept: Mapping[str, Any], is_danger: bool, language: Language) -> dict[str, Any]:
    """Return a plan with what is put in from this house's own files: what each approach is for, and whom to call.

    The numbers stand in it only where there is danger; nobody but the file of hotlines names one.
    """
    words = APPROACHES[language]
    interventions = [one | {"evidence": words[one["approach"]].evidence} for one in kept["interventions"]]
    lines = [{"number": line.number, "name": line.name, "hours": line.hours} for line in lines_for(language)]
    numbers = {"hotlines": lines, "emergency": list(emergency_for(language))} if is_danger else {}
    risk = kept["risk"] | numbers if kept["risk"] is not None else None
    return {**kept, "interventions": interventions, "risk": risk}


def word_plan(plan: Mapping[str, Any], language: Language) -> str:
    """Return a plan as it reads on paper."""
    named = {"approaches": APPROACHES[language], "steps": STEPS[language], "places": PLACES[language]}
    return load_prompt("treatment_plan/plan", language).render(plan=plan, **named)


@cache
def name_emotions(language: Language) -> dict[str, str]:
    """Return the names of the feelings an assessor chooses from."""
    taxonomy = load_taxonomy(TAXONOMY)
    return {id: getattr(taxonomy.emotion(id), language) for id in get_args(EmotionId)}
