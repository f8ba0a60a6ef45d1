"""What a request asks: the role, the language, and each line apart from its notes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import orjson

from agents.transcript import Language

ROLES = frozenset(("intake", "client", "stage", "memory", "risk", "counselor", "inner_voice", "critic"))
"""Roles with phrases of their own; any other speaks as a counselor, or fills whatever form it is given."""
ROLE_OF_FORM = {
    "ClientProfile": "intake",
    "IntakeForm": "intake",
    "StageDecision": "stage",
    "Memory": "memory",
    "RiskReading": "risk",
    "OwnThought": "inner_voice",
    "Verdict": "critic",
    "Scenario": "scenario",
    "Recovery": "recovery",
}
UNNAMED = "object"
"""What a form is called whose schema stands in the instructions and not beside them."""
HAN = re.compile(r"[\u4e00-\u9fff]")
HAN_SHARE = 0.15


@dataclass(frozen=True)
class Asked:
    """One request; `others` are (line, notes) of the user's messages, `own` the model's lines."""

    role: str
    language: Language
    head: str
    others: Sequence[tuple[str, str]]
    own: Sequence[str]
    form: str
    schema: Mapping[str, Any]
    key: bytes

    @cached_property
    def notes(self) -> str:
        """All notes of the thread, in order, the latest last."""
        return "\n\n".join(notes for _, notes in self.others if notes)

    @cached_property
    def said(self) -> str:
        """All own lines, for looking up what was said before."""
        return "\n".join(self.own)

    @property
    def last(self) -> str:
        """The line to be answered."""
        return self.others[-1][0] if self.others else ""

    @property
    def last_notes(self) -> str:
        """The notes that follow the line to be answered."""
        return self.others[-1][1] if self.others else ""

    @property
    def first_key(self) -> bytes:
        """A key that stays the same through a session: the instructions and the first line."""
        opening = self.others[0][0] if self.others else ""
        return blake2b(f"{self.head}\0{opening}".encode(), digest_size=8).digest()


def read_request(body: Mapping[str, Any]) -> Asked:
    """Read the parsed body of a chat-completions request."""
    messages = [(str(part["role"]), text_of(part.get("content"))) for part in body["messages"]]
    head = "\n\n".join(text for role, text in messages if role in ("system", "developer"))
    others = []
    for role, text in messages:
        if role == "user":
            line, _, notes = text.partition("\n\n")
            others.append((line, notes))
    own = [text for role, text in messages if role == "assistant"]
    form, schema = read_form(body.get("response_format"))
    model = str(body.get("model", ""))
    hashed = orjson.dumps([model, body["messages"], body.get("seed")])
    return Asked(
        role=find_role(model, form),
        language=find_language(head or (others[0][0] if others else "")),
        head=head,
        others=others,
        own=own,
        form=form,
        schema=schema,
        key=blake2b(hashed, digest_size=16).digest(),
    )


def text_of(content: object) -> str:
    """Return a message's text, also where it comes as a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def find_role(model: str, form: str) -> str:
    """Return who is asked: by the end of the model's name, else by the form, else a counselor.

    A role that is asked for a form that is not its own fills it like any other.
    """
    suffix = model.rpartition("-")[2]
    if suffix in ROLES and (form in ("", UNNAMED) or ROLE_OF_FORM.get(form) == suffix):
        return suffix
    return ROLE_OF_FORM.get(form, "form" if form else "counselor")


def find_language(text: str) -> Language:
    """Return the language of the instructions, by their Chinese characters."""
    sample = text[:240]
    return "zh" if len(HAN.findall(sample)) > HAN_SHARE * len(sample) else "en"


def read_form(wanted: object) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the schema of the form asked for, empty when plain text is."""
    if not isinstance(wanted, dict) or wanted.get("type") not in ("json_schema", "json_object"):
        return "", {}
    named = wanted.get("json_schema") or {}
    return str(named.get("name", UNNAMED)), named.get("schema") or {}
