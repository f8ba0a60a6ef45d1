"""The six steps of Problem Management Plus: what each is to find, when it is done, and who reads and answers in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from agents.cast import Cast
from agents.message import Message
from agents.prompt import load_prompt
from agents.transcript import Utterance, label_utterances

Step = Literal["problems", "choice", "factors", "solutions", "sifting", "plan", "closing"]
"""The published six in their order, and the leave-taking that the published code lacks."""
STEPS: tuple[Step, ...] = get_args(Step)
ENOUGH_PROBLEMS = 2
MOST_SOLUTIONS = 6
"""Ideas with which the gathering of ideas is done, whatever else comes."""
ENOUGH_PLANS = 2

Advance = Literal["finished", "cap"]
Words = Annotated[str, Field(min_length=1)]


class Slots(BaseModel):
    """What the steps have found so far; the next step's request holds all of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    problems: list[str] = []
    problem_selected: str = ""
    factors: list[str] = []
    solutions: list[str] = []
    solutions_ok: list[str] = []
    plans: list[str] = []


class Reading(BaseModel):
    """What the reader of a step answers: the step's slots as they are by now, and whether there is no more to come."""

    model_config = ConfigDict(extra="forbid")

    finished: bool


class Problems(Reading):
    """What troubles the client."""

    problems: list[Words]


class Choice(Reading):
    """The one problem to work on; empty until it is chosen."""

    problem_selected: str


class Factors(Reading):
    """What keeps the problem going and could be changed."""

    factors: list[Words]


class Solutions(Reading):
    """Ideas, the client's first; nobody weighs them yet."""

    solutions: Annotated[list[Words], Field(max_length=MOST_SOLUTIONS)]


class Sifting(Reading):
    """Ideas that were not talked over yet, and those the client would do; what was turned down stands in neither."""

    solutions: list[Words]
    solutions_ok: list[Words]


class ActionPlan(Reading):
    """What is to be done, when, and what might get in the way."""

    plans: list[Words]


FORMS: dict[Step, type[Reading]] = {
    "problems": Problems,
    "choice": Choice,
    "factors": Factors,
    "solutions": Solutions,
    "sifting": Sifting,
    "plan": ActionPlan,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a talk stands: the step, and how many of the client's lines were read in it."""

    step: Step = "problems"
    lines: int = 0


async def read_step(cast: Cast, step: Step, slots: Slots, heard: Sequence[Utterance]) -> tuple[Reading, int]:
    """Ask what a step has found by now, with one repair; `heard` are the counselor's last line and the client's.

    Returns the reading and the number of the call. Raises ModelError ("invalid_json") after the repair.
    """
    head, ask = load_prompt("sudosys/stage", cast.language), load_prompt("sudosys/stage_ask", cast.language)
    asked = cast.ask_last(ask.render(step=step, slots=slots))
    thread = [*cast.open_thread(head.render()), *label_utterances(heard, cast.language), asked]
    return await cast.fill("stage", head.hash, thread, FORMS[step])


def take_up(slots: Slots, reading: Reading) -> Slots:
    """Return the slots with what a step's reading found in place of what it had before: phrases, without end marks."""
    found = {
        name: trim(value) if isinstance(value, str) else list(filter(None, map(trim, value)))
        for name, value in reading.model_dump(exclude={"finished"}).items()
    }
    return slots.model_copy(update=found)


def trim(phrase: str) -> str:
    """Return a phrase as it stands in a list: on one line, without the marks around it."""
    return " ".join(phrase.split()).strip(" 。.；;，,")


def find_advance(place: Place, slots: Slots, is_finished: bool, most_lines: int) -> Advance | None:
    """Return why the step may be left after its last reading, or None.

    A reading that calls a step finished is believed only where the step's own rule is met; at the cap it is enough
    that something was found, and as long as nothing was, the step goes on.
    """
    if has_all(place.step, slots, is_finished):
        return "finished"
    return "cap" if place.lines >= most_lines and has_any(place.step, slots) else None


def has_all(step: Step, slots: Slots, is_finished: bool) -> bool:
    """Tell whether a step has found what it is for."""
    if step == "solutions" and len(slots.solutions) >= MOST_SOLUTIONS:
        return True
    enough = {
        "problems": len(slots.problems) >= ENOUGH_PROBLEMS,
        "sifting": not slots.solutions and bool(slots.solutions_ok),
        "plan": len(slots.plans) >= ENOUGH_PLANS,
    }
    return is_finished and enough.get(step, has_any(step, slots))


def has_any(step: Step, slots: Slots) -> bool:
    """Tell whether a step has found anything; a sifting has when one idea was accepted."""
    found = {
        "problems": slots.problems,
        "choice": slots.problem_selected.strip(),
        "factors": slots.factors,
        "solutions": slots.solutions,
        "sifting": slots.solutions_ok,
        "plan": slots.plans,
    }
    return bool(found.get(step))


def follow(step: Step) -> Step:
    """Return the step after this one."""
    return STEPS[STEPS.index(step) + 1]


async def answer(cast: Cast, step: Step, slots: Slots, heard: Sequence[Utterance]) -> Utterance:
    """Answer the client's last line within a step; of the talk the counselor has only `heard`, the rest as slots."""
    head, note = load_prompt("sudosys/counselor", cast.language), load_prompt("sudosys/step", cast.language)
    thread = [Message("system", head.render())]
    if len(heard) > 1:
        thread.append(Message("user", load_prompt("sudosys/earlier", cast.language).render()))
    thread += [Message("user" if line.speaker == "client" else "assistant", line.text) for line in heard]
    thread.append(Message("user", note.render(step=step, slots=slots)))
    said = await cast.say("counselor", head.hash, thread)
    return Utterance("counselor", said.text, said.reasoning, said.call, step)
