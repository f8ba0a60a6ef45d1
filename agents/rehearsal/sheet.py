"""The profile as the rehearsal client finds it in its instructions, in mouthfuls, by layer."""

import re
from dataclasses import dataclass
from functools import lru_cache

from agents.intake_form import SECTION_NAMES
from agents.profile import FIELD_NAMES
from agents.rehearsal.words import cut_fragments
from agents.transcript import Language

LABEL = {"zh": "：", "en": ":"}
FENCE = "===="
"""How the lines begin between which a prompt puts its material."""
QUOTED = re.compile(r"[“\"「']([^”\"」]{2,60})[”\"」']")
STYLE_SIGNS = {
    "terse": ("话少", "话短", "简短", "few words", "says little", "short answers"),
    "rambling": ("绕", "从头讲", "岔", "啰", "detour", "wander", "rambl"),
    "bodily": ("身体", "身上", "body", "bodily"),
    "guarded": ("防", "试探", "反问", "guarded", "tests the", "holds back"),
    "ironic": ("反话", "玩笑", "自嘲", "irony", "ironic", "jok"),
}
ATTITUDE_SIGNS = {
    "resistant": (
        "推来",
        "催来",
        "被家里",
        "被老师",
        "被单位",
        "抵触",
        "sent by",
        "pushed",
        "made to come",
    ),
    "open": ("问了就说", "不大推", "不大挡", "愿意说", "answers freely", "does not push"),
}
FIELD_OF_SECTION = {
    "presenting_problem": "situation",
    "past_history": "background",
    "functioning": "body",
    "social_support": "tried",
}
LAYERS = {
    "early": ("situation", "surface"),
    "body": ("body",),
    "tried": ("tried",),
    "deeper": ("deeper", "background"),
    "hidden": ("hidden",),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the client can tell, and how it talks."""

    layers: dict[str, tuple[str, ...]]
    risk: str
    risk_level: str
    style: str
    attitude: str


@lru_cache(maxsize=1024)
def read_sheet(head: str, language: Language) -> Sheet:
    """Read the `- field: content` lines of the instructions; a head without them is a story."""
    fields = read_fields(head, language)
    if not fields:
        fields = {"situation": find_story(head, language)}
    layers = {
        layer: tuple(piece for key in keys for piece in cut_fragments(fields.get(key, ""), language))
        for layer, keys in LAYERS.items()
    }
    risk = fields.get("risk", "")
    quoted = QUOTED.search(risk)
    hint = quoted.group(1) if quoted else ""
    return Sheet(
        layers,
        hint,
        find_level(risk, language),
        find_sign(fields.get("speech", ""), STYLE_SIGNS, "plain"),
        find_sign(fields.get("resistance", ""), ATTITUDE_SIGNS, "neutral"),
    )


def read_fields(head: str, language: Language) -> dict[str, str]:
    """Return the labelled lines of a profile, or of an intake form, by field of the profile."""
    keys = {label: key for key, label in FIELD_NAMES[language].items()}
    keys |= {SECTION_NAMES[language][section]: key for section, key in FIELD_OF_SECTION.items()}
    fields = {}
    for line in head.splitlines():
        if line.startswith("- "):
            label, mark, content = line[2:].partition(LABEL[language])
            if mark and label.strip() in keys:
                fields[keys[label.strip()]] = content.strip()
    return fields


def find_story(head: str, language: Language) -> str:
    """Return the paragraph that says I most often: the person's own words."""
    mark = "我" if language == "zh" else " I"
    paragraphs = [line for line in head.splitlines() if line.strip() and not line.startswith(FENCE)]
    return max(paragraphs, key=lambda line: line.count(mark), default="")


def find_level(risk: str, language: Language) -> str:
    """Return how grave the risk line is: none, passive or active."""
    if not risk:
        return "none"
    active = ("想过死", "不想活", "自杀", "一死了之") if language == "zh" else ("kill", "die", "suicid", "ending")
    return "active" if any(word in risk for word in active) else "passive"


def find_sign(text: str, signs: dict[str, tuple[str, ...]], default: str) -> str:
    """Return the first key one of whose signs stands in the text."""
    lowered = text.lower()
    for key, words in signs.items():
        if any(word in lowered for word in words):
            return key
    return default
