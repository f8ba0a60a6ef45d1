"""A stored talk is read by an assessor, and a therapist writes a typed plan, each item on words that stand in it.

AI PsyRoom, https://arxiv.org/abs/2506.06740 (PsyRoom B). dialogue -> assessor: feelings and what sets them off ->
planner: goals, interventions, homework, risk, referral -> critic on six dimensions.
Where this differs: many feelings with strength and course where the released classifier gives one; what a way of
working is good for comes from a list of this house and never from the model; an item whose words do not stand in the
talk is asked for once more and then dropped; a plan for a talk with danger must say so, name steps and somewhere to go.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any, Literal

from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from agents.cast import Cast, Role
from agents.critic import judge_turn
from agents.plan_faults import holds_danger, is_minor, number_lines, refuse_assessment, refuse_plan
from agents.transcript import Utterance
from agents.treatment_plan import Danger, Draft, assess, complete, word_plan, write_plan
from graphs.danger import Crisis
from graphs.recipe import Recipe
from graphs.state import Artefact, Judged, SessionState
from graphs.turn import Update
from taxonomy.plan import SessionPlan


class Switches(BaseModel):
    """The recipe's switches."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    critic: Literal["on", "off"] = "on"
    """Whether the critic judges the plan."""


class State(SessionState, total=False):
    """What this recipe carries: what stands of the assessment and of the plan, and the danger that came up."""

    assessed: dict[str, Any]
    written: dict[str, Any]
    crisis: Crisis | None


def start(switches: Switches) -> Update:
    return {"assessed": {}, "written": {}, "crisis": None}


async def assessor(state: State, runtime: Runtime[Cast]) -> Update:
    """Read the talk; one in which the client says nothing gives no plan."""
    cast, talk = runtime.context, state["brief"].lines
    if not any(line.speaker == "client" and line.text.strip() for line in talk):
        return reject("the dialogue has no line of the client")
    shown = number_lines(talk, cast.language)
    drafts = await assess(cast, shown, lambda form: refuse_assessment(form, talk, cast.language))
    kept = drafts[-1].keep()
    is_danger = holds_danger(talk, cast.language) or kept["danger"] is not None
    update: Update = {"assessed": kept, "crisis": note_danger(is_danger, kept["danger"])}
    update["artefacts"] = list_artefacts("assessment", drafts, kept)
    return update | ({} if kept["emotions"] else reject(f"no feeling stands: {drafts[-1].why('emotions')}"))


async def planner(state: State, runtime: Runtime[Cast]) -> Update:
    """Write the plan from the talk and the assessment; without a goal and a way of working there is none."""
    cast, talk, assessed = runtime.context, state["brief"].lines, state["assessed"]
    is_danger = state["crisis"] is not None
    has_minor = is_minor(talk, cast.language, assessed["age"])
    shown = number_lines(talk, cast.language)
    drafts = await write_plan(
        cast, shown, assessed, is_danger, has_minor,
        lambda form: refuse_plan(form, talk, cast.language, is_danger, has_minor),
    )  # fmt: skip
    last, read = drafts[-1], drafts[-1].filled.risk.danger
    is_danger = is_danger or read is not None
    written = complete(last.keep(), is_danger, cast.language)
    update: Update = {"written": written, "crisis": state["crisis"] or note_danger(is_danger, read)}
    update["artefacts"] = list_artefacts("treatment_plan", drafts, written)
    needed = ["goals", "interventions", *(["risk", "referral"] if is_danger else [])]
    missing = [f"no {part} left: {last.why(part)}" for part in needed if not written[part]]
    return update | (reject(*missing) if missing else {"end_reason": "closed"})


async def plan_critic(state: State, runtime: Runtime[Cast]) -> Update:
    """Judge the plan with the talk before it."""
    cast = runtime.context
    plan = Utterance("counselor", word_plan(state["written"], cast.language))
    return {"judged": [Judged(0, 0, await judge_turn(cast, state["brief"].lines, plan, "treatment_plan"))]}


def note_danger(is_danger: bool, kind: Danger | None) -> Crisis | None:
    """Return the danger of a talk, so that a person looks at its plan; how grave it is, nobody has asked."""
    return Crisis({kind or "self_harm": "passive"}, 0, 0) if is_danger else None


def list_artefacts(kind: str, drafts: Sequence[Draft[Any]], kept: Mapping[str, Any]) -> list[Artefact]:
    """Return what stands with what was refused of it, after the answer that had to be written again."""
    last = drafts[-1]
    again = [{"of": kind, "body": one.filled.model_dump(), "refused": one.list_refused()} for one in drafts[:-1]]
    made = [Artefact("draft", body, one.call) for body, one in zip(again, drafts, strict=False)]
    return [*made, Artefact(kind, {**kept, "refused": last.list_refused()}, last.call)]


def reject(*reasons: str) -> Update:
    return {"reject_reasons": list(reasons), "end_reason": "rejected"}


def is_sound(state: State) -> bool:
    return not state["reject_reasons"]


def build(switches: Switches) -> StateGraph[State, Cast, State, State]:
    graph = StateGraph(State, context_schema=Cast)
    graph.add_node(assessor)
    graph.add_node(planner)
    graph.add_edge("__start__", "assessor")
    graph.add_conditional_edges("assessor", is_sound, {True: "planner", False: "__end__"})
    if switches.critic == "off":
        graph.add_edge("planner", "__end__")
        return graph
    graph.add_node(plan_critic)
    graph.add_conditional_edges("planner", is_sound, {True: "plan_critic", False: "__end__"})
    graph.add_edge("plan_critic", "__end__")
    return graph


def estimate(plan: SessionPlan, switches: Switches) -> Mapping[Role, float]:
    """Calls by role for one plan."""
    return {"assessor": 1, "planner": 1, "critic": 1 if switches.critic == "on" else 0}


def find_idle(switches: Switches) -> Container[Role]:
    return ["critic"] if switches.critic == "off" else []


RECIPE = Recipe(
    name="treatment_plan",
    summary="a stored talk is assessed, and a plan is written each item of which rests on words that stand in it",
    paper="https://arxiv.org/abs/2506.06740",
    units=("dialogue",),
    heads={"assessor": "treatment_plan/assessor", "planner": "treatment_plan/planner", "critic": "critic/turn_head"},
    blind_counselor=False,
    switches=Switches,
    start=start,
    build=build,
    estimate=estimate,
    makes="treatment_plan",
    find_idle=find_idle,
)
