"""The client's profile: what the intake writes, what the client plays from and what the counselor never sees."""

from pydantic import BaseModel, ConfigDict, Field

from agents.transcript import Language


class ClientProfile(BaseModel):
    """One believable person with three layers of disclosure (freely, if asked well, after trust)."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1, max_length=40)
    """How the client wants to be called; never a full real name."""
    age: int = Field(ge=6, le=100)
    gender: str
    occupation: str
    background: str
    """Family, schooling, where they live, in a sentence or two."""
    situation: str = Field(min_length=4)
    """One concrete event, with a time and another person."""
    surface: str
    """What is said freely at the start."""
    deeper: str
    """What is said when asked well."""
    hidden: str
    """What is said late, after trust, or never."""
    tried: str
    resistance: str
    """Why this person says no, and what would release it."""
    speech: str
    wish: str
    """What they want from today."""
    body: str
    risk: str
    """How a risk would be hinted at, without method; empty when there is none."""


FIELD_NAMES: dict[Language, dict[str, str]] = {
    "zh": {
        "name": "称呼",
        "age": "年龄",
        "gender": "性别",
        "occupation": "身份",
        "background": "背景",
        "situation": "眼下的事",
        "surface": "一开始就会说的",
        "deeper": "问得好才会说的",
        "hidden": "最里面的",
        "tried": "试过的",
        "resistance": "抗拒",
        "speech": "说话的样子",
        "wish": "今天想要的",
        "body": "身体",
        "risk": "风险",
    },
    "en": {
        "name": "Name",
        "age": "Age",
        "gender": "Gender",
        "occupation": "Occupation",
        "background": "Background",
        "situation": "What happened",
        "surface": "Says freely",
        "deeper": "Says if asked well",
        "hidden": "Innermost",
        "tried": "Tried",
        "resistance": "Resistance",
        "speech": "Way of speaking",
        "wish": "Wants from today",
        "body": "Body",
        "risk": "Risk",
    },
}


def list_fields(profile: ClientProfile, language: Language) -> list[tuple[str, str]]:
    """Return (label, content) of each field that is not empty, in the order of the profile."""
    values = profile.model_dump()
    return [(label, str(values[key])) for key, label in FIELD_NAMES[language].items() if values[key] != ""]
