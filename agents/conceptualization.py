"""A cognitive conceptualization diagram: written from a person's material, and rebuilt by who heard only the talk."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.brief import Brief, describe_person
from agents.cast import Cast
from agents.critic import UNREAD
from agents.errors import ModelError
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Language, Utterance, label_utterances
from taxonomy.plan import SessionPlan

Category = Literal["helpless", "unlovable", "worthless"]
"""The three families of core beliefs; a belief's name begins with its own."""
Belief = Literal[
    "helpless_incompetent", "helpless_powerless", "helpless_fragile", "helpless_wronged", "helpless_needy",
    "helpless_stuck", "helpless_uncontrolled", "helpless_failed", "helpless_inferior",
    "unlovable_unliked", "unlovable_unattractive", "unlovable_unwanted", "unlovable_rejected", "unlovable_left",
    "unlovable_alone", "worthless_useless", "worthless_bad", "worthless_harmful", "worthless_undeserving",
]  # fmt: skip
"""Nine, six and four, as many as the published list has; its last, on not deserving to live, is worded milder here."""
Emotion = Literal["sad", "anxious", "angry", "ashamed", "guilty", "hurt", "jealous", "suspicious", "disappointed"]
"""Nine groups, as published."""
BELIEFS: tuple[Belief, ...] = get_args(Belief)
EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)
FEWEST_SITUATIONS = 3

Words = Annotated[str, Field(min_length=1)]
Beliefs = Annotated[list[Belief], Field(min_length=1, max_length=3)]


class Situation(BaseModel):
    """One thing that happened and what it set off."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    situation: Words
    """What happened, when, and who else was there."""
    automatic_thought: Words
    """The sentence that went through their head."""
    emotions: Annotated[list[Emotion], Field(min_length=1, max_length=3)]
    behavior: Words
    """What they did then, or did not do."""


class Core(BaseModel):
    """What a diagram holds above the situations."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    life_history: Words
    core_beliefs: Beliefs
    """The strongest first."""
    intermediate_beliefs: Words
    """The rules and conditions they live by."""
    beliefs_in_low_times: Words
    """What becomes of those rules when things go badly."""
    coping: Words
    """What they do so as not to feel it."""


class Diagram(Core):
    """A person as the client plays them; a session is about one of the situations."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    """What to call them; never a full real name."""
    situations: Annotated[list[Situation], Field(min_length=FEWEST_SITUATIONS, max_length=5)]


class Rebuilt(Core):
    """The same as an assessor draws it from one talk."""

    situation: Situation


@dataclass(frozen=True, slots=True)
class Recovery:
    """How far a rebuilt diagram agrees with the hidden one; shares are what both name of all that either names."""

    hidden: list[Category] = field(default_factory=list)
    rebuilt: list[Category] = field(default_factory=list)
    categories: float | None = None
    beliefs: float | None = None
    emotions: float | None = None
    is_recovered: bool | None = None
    """Whether exactly the hidden categories are named, so that naming all three is no way to be right."""
    unscored: str = ""
    """Why nothing could be compared; then all shares are None."""


BELIEF_WORDS: dict[Language, dict[Belief, str]] = {
    "zh": {
        "helpless_incompetent": "我什么都做不好。",
        "helpless_powerless": "我做什么都改变不了什么。",
        "helpless_fragile": "稍微来点事，我就扛不住。",
        "helpless_wronged": "吃亏的、被欺负的总是我。",
        "helpless_needy": "身边没个人，我自己应付不来。",
        "helpless_stuck": "我卡在这儿，动不了。",
        "helpless_uncontrolled": "我管不住自己。",
        "helpless_failed": "我是个失败的人。",
        "helpless_inferior": "我天生就比别人差一截。",
        "unlovable_unliked": "没有人会真心喜欢我。",
        "unlovable_unattractive": "我身上没有哪一点是招人喜欢的。",
        "unlovable_unwanted": "到哪儿都没人想要我在。",
        "unlovable_rejected": "别人一了解我，就会躲开。",
        "unlovable_left": "我在意的人早晚都会走。",
        "unlovable_alone": "我总归是一个人过。",
        "worthless_useless": "我没什么用处。",
        "worthless_bad": "我骨子里不是个好人。",
        "worthless_harmful": "谁跟我走得近，谁跟着倒霉。",
        "worthless_undeserving": "好事轮不到我，我也不配。",
    },
    "en": {
        "helpless_incompetent": "I can't get anything right.",
        "helpless_powerless": "Nothing I do changes anything.",
        "helpless_fragile": "The least thing knocks me over.",
        "helpless_wronged": "I'm always the one who gets the bad end of it.",
        "helpless_needy": "I can't manage without someone to hold me up.",
        "helpless_stuck": "I'm stuck where I am.",
        "helpless_uncontrolled": "I can't keep a grip on myself.",
        "helpless_failed": "I'm a failure.",
        "helpless_inferior": "I'm just not built as well as other people.",
        "unlovable_unliked": "Nobody could really love me.",
        "unlovable_unattractive": "There's nothing about me anyone would be drawn to.",
        "unlovable_unwanted": "Wherever I go, nobody wants me there.",
        "unlovable_rejected": "Once people know me, they turn away.",
        "unlovable_left": "The people I care about always leave.",
        "unlovable_alone": "I'll always be by myself.",
        "worthless_useless": "I'm not much use.",
        "worthless_bad": "Deep down I'm not a good person.",
        "worthless_harmful": "I'm bad luck for whoever gets close.",
        "worthless_undeserving": "Good things aren't for the likes of me.",
    },
}
EMOTION_WORDS: dict[Language, dict[Emotion, str]] = {
    "zh": {
        "sad": "难过",
        "anxious": "紧张害怕",
        "angry": "生气",
        "ashamed": "丢脸",
        "guilty": "内疚",
        "hurt": "委屈",
        "jealous": "嫉妒",
        "suspicious": "信不过人",
        "disappointed": "失望",
    },
    "en": {
        "sad": "sad",
        "anxious": "worried or scared",
        "angry": "angry",
        "ashamed": "ashamed",
        "guilty": "guilty",
        "hurt": "hurt",
        "jealous": "jealous",
        "suspicious": "mistrustful",
        "disappointed": "let down",
    },
}


def name_category(belief: Belief) -> Category:
    """Return the family of a belief."""
    return next(category for category in get_args(Category) if belief.startswith(category))


def list_options(language: Language) -> dict[str, list[tuple[str, str]]]:
    """Return the two closed lists as (name, words), under the names by which the prompts ask for them."""
    return {"beliefs": list(BELIEF_WORDS[language].items()), "emotions": list(EMOTION_WORDS[language].items())}


async def write_diagram(cast: Cast, brief: Brief, plan: SessionPlan) -> tuple[Diagram, int]:
    """Ask for the diagram of one person who fits the plan and the material; returns it and the number of the call."""
    head = load_prompt("patient_psi/planner", cast.language)
    ask = load_prompt("patient_psi/planner_ask", cast.language).render(**describe_person(brief, plan))
    thread = [*cast.open_thread(head.render(**list_options(cast.language))), Message("user", ask)]
    return await cast.fill("planner", head.hash, thread, Diagram, find_diagram_fault)


def find_diagram_fault(diagram: Diagram) -> str | None:
    """Return why a diagram cannot be played, or None: no situation may be told twice over."""
    told = [one.model_dump_json() for one in diagram.situations]
    return "situations: each must be another one" if len(set(told)) < len(told) else None


async def rebuild_diagram(
    cast: Cast, transcript: Sequence[Utterance], diagram: Diagram, situation: Situation
) -> tuple[Rebuilt | None, Recovery, int | None]:
    """Ask an assessor for the diagram behind a talk, of which it sees the lines and nothing else, and compare.

    Returns what it drew, how far that agrees, and the number of the call; what cannot be read is unscored.
    """
    head = load_prompt("patient_psi/assessor", cast.language)
    ask = load_prompt("patient_psi/assessor_ask", cast.language).render()
    opened = cast.open_thread(head.render(**list_options(cast.language)))
    thread = [*opened, *label_utterances(transcript, cast.language), cast.ask_last(ask)]
    try:
        rebuilt, call = await cast.fill("assessor", head.hash, thread, Rebuilt)
    except ModelError as error:
        if error.kind not in UNREAD:
            raise
        return None, Recovery(unscored=str(error)), None
    return rebuilt, compare(diagram, situation, rebuilt), call


def compare(diagram: Diagram, situation: Situation, rebuilt: Rebuilt) -> Recovery:
    """Return how far an assessor has found what the client played."""
    hidden, found = ({name_category(one) for one in core.core_beliefs} for core in (diagram, rebuilt))
    return Recovery(
        sorted(hidden),
        sorted(found),
        share(hidden, found),
        share(diagram.core_beliefs, rebuilt.core_beliefs),
        share(situation.emotions, rebuilt.situation.emotions),
        hidden == found,
    )


def share(first: Collection[str], second: Collection[str]) -> float:
    """Return what two sets have in common of all they hold, from 0 to 1."""
    return round(len(set(first) & set(second)) / len(set(first) | set(second)), 4)
