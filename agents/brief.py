"""The unit of input as the agents see it: a cell of the taxonomy in words, or a person's own text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.transcript import Language, Utterance
from taxonomy.plan import SessionPlan
from taxonomy.schema import Taxonomy


@dataclass(frozen=True, slots=True)
class Brief:
    """A recipe's input in the session's language; a text unit has only `text` and the other texts of its row."""

    text: str
    emotion: str = ""
    definition: str = ""
    family: str = ""
    scene: str = ""
    scene_definition: str = ""
    risk_definition: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """All texts of a row by name, for a recipe that reads more than one: a question and its answer, a report."""
    scenario: str = ""
    """What happened to whom, where the cell has been told as a story."""
    taxonomy: Taxonomy | None = None
    """The map that the cell is from, for a recipe that needs what else there is."""
    lines: Sequence[Utterance] = ()
    """A whole dialogue, for a recipe that makes something of one."""


def brief_cell(taxonomy: Taxonomy, plan: SessionPlan, language: Language) -> Brief:
    """Put a planned cell into words; `text` says it in one line, for recipes that run on a text."""
    if plan.cell is None:
        raise ValueError(f"the plan of session {plan.position} has no cell")
    emotion = taxonomy.emotion(plan.cell.emotion)
    scene = taxonomy.scene(plan.cell.scene)
    tier = taxonomy.risk_tier(plan.risk)
    if language == "zh":
        text = (
            f"{plan.age}岁，{'女' if plan.gender == 'female' else '男'}。{scene.definition_zh} {emotion.definition_zh}"
        )
        return Brief(
            text, emotion.zh, emotion.definition_zh, taxonomy.family(emotion.family).zh,
            scene.zh, scene.definition_zh, tier.definition_zh, taxonomy=taxonomy,
        )  # fmt: skip
    text = f"{plan.age}, {plan.gender}. {scene.definition_en} {emotion.definition_en}"
    return Brief(
        text, emotion.en, emotion.definition_en, taxonomy.family(emotion.family).en,
        scene.en, scene.definition_en, tier.definition_en, taxonomy=taxonomy,
    )  # fmt: skip


def brief_scenario(taxonomy: Taxonomy, plan: SessionPlan, language: Language, parts: Mapping[str, Any]) -> Brief:
    """Put a cell and its stored scenario into words; `parts["text"]` tells the scenario as a story."""
    told = str(parts["text"])
    return replace(brief_cell(taxonomy, plan, language), text=told, scenario=told)


def describe_person(brief: Brief, plan: SessionPlan) -> dict[str, Any]:
    """Return what a prompt is told that writes the form or the diagram of one person, by the names of its variables."""
    return {
        "material": brief.text,
        "scene": brief.scene,
        "emotion": brief.emotion,
        "age": plan.age,
        "gender": plan.gender,
        "risk": brief.risk_definition if plan.risk != "none" else "",
    }
