"""The exact bytes of a request, pinned for every quirk: what a model is told must never get lost on the way."""

import json

import pytest
from pydantic import BaseModel, ConfigDict

from agents.endpoint import Endpoint
from agents.message import Message
from agents.request import parameters, wire_body


class Mood(BaseModel):
    """A small form."""

    model_config = ConfigDict(extra="forbid")

    word: str


SCHEMA = (
    '{"additionalProperties":false,"description":"A small form.",'
    '"properties":{"word":{"title":"Word","type":"string"}},"required":["word"],"title":"Mood","type":"object"}'
)
HEAD, LINE = Message("system", "你是咨询师。"), Message("user", "睡不着…🙂")


def make(**quirks: object) -> Endpoint:
    """Return an endpoint with some quirks."""
    fields: dict[str, object] = {"name": "e", "base_url": "https://h.test/v1", "model": "m", "max_tokens": 9}
    return Endpoint.model_validate(fields | quirks)


CASES: dict[str, tuple[dict[str, object], bool, int | None, str]] = {
    "a system role is kept": (
        {},
        False,
        None,
        '{"model":"m","messages":[{"role":"system","content":"你是咨询师。"},{"role":"user","content":"睡不着…🙂"}],'
        '"max_tokens":9}',
    ),
    "without a system role the instructions open the first user message": (
        {"system_role": False, "temperature": 0.6, "top_p": 0.95},
        False,
        None,
        '{"model":"m","messages":[{"role":"user","content":"你是咨询师。\\n\\n睡不着…🙂"}],'
        '"temperature":0.6,"top_p":0.95,"max_tokens":9}',
    ),
    "a schema is asked for as a field": (
        {"json": "schema"},
        True,
        None,
        '{"model":"m","messages":[{"role":"system","content":"你是咨询师。"},{"role":"user","content":"睡不着…🙂"}],'
        '"max_tokens":9,"response_format":{"type":"json_schema","json_schema":{"name":"Mood","strict":true,"schema":'
        + SCHEMA
        + "}}}",
    ),
    "a schema is written out for an endpoint that takes any object": (
        {"json": "object"},
        True,
        None,
        '{"model":"m","messages":[{"role":"system","content":"你是咨询师。\\n\\nAnswer with one JSON object that'
        " follows this JSON schema:\\n"
        + SCHEMA.replace('"', '\\"')
        + '"},{"role":"user","content":"睡不着…🙂"}],"max_tokens":9,"response_format":{"type":"json_object"}}',
    ),
    "a schema is written out for an endpoint without a JSON mode": (
        {"json": "none", "system_role": False},
        True,
        None,
        '{"model":"m","messages":[{"role":"user","content":"你是咨询师。\\n\\nAnswer with one JSON object, without code'
        " fences or any other text, that follows this JSON schema:\\n"
        + SCHEMA.replace('"', '\\"')
        + '\\n\\n睡不着…🙂"}],"max_tokens":9}',
    ),
    "the limit has the name the endpoint knows": (
        {"max_tokens_field": "max_completion_tokens"},
        False,
        None,
        '{"model":"m","messages":[{"role":"system","content":"你是咨询师。"},{"role":"user","content":"睡不着…🙂"}],'
        '"max_completion_tokens":9}',
    ),
    "a seed and fields of the endpoint's own come last": (
        {"extra_body": {"thinking": {"type": "enabled"}}},
        False,
        7,
        '{"model":"m","messages":[{"role":"system","content":"你是咨询师。"},{"role":"user","content":"睡不着…🙂"}],'
        '"max_tokens":9,"thinking":{"type":"enabled"},"seed":7}',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_of_a_request_are_these(name: str) -> None:
    quirks, has_form, seed, expected = CASES[name]
    settings = parameters(make(**quirks), "counselor", Mood if has_form else None)
    assert wire_body(settings, [HEAD, LINE], seed).decode() == expected


def test_parts_of_one_role_travel_as_one_message() -> None:
    thread = [HEAD, Message("system", "档案"), LINE, Message("user", "【短】"), Message("assistant", "嗯。"), LINE]
    body = json.loads(wire_body(parameters(make(), "counselor", None), thread, None))
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == "你是咨询师。\n\n档案"
    assert body["messages"][1]["content"] == "睡不着…🙂\n\n【短】"


@pytest.mark.parametrize("system_role", [True, False])
@pytest.mark.parametrize("json_mode", ["schema", "object", "none"])
def test_the_instructions_never_get_lost(system_role: bool, json_mode: str) -> None:
    settings = parameters(make(system_role=system_role, json=json_mode), "critic", Mood)
    body = json.loads(wire_body(settings, [HEAD, LINE], None))
    assert body["messages"][0]["content"].startswith("你是咨询师。")
    roles = [message["role"] for message in body["messages"]]
    assert roles == (["system", "user"] if system_role else ["user"])


def test_a_longer_thread_begins_with_the_bytes_of_the_shorter_one() -> None:
    settings = parameters(make(), "counselor", None)
    shorter = wire_body(settings, [HEAD, LINE], None).decode()
    longer = wire_body(settings, [HEAD, LINE, Message("assistant", "嗯。"), LINE], None).decode()
    assert longer.startswith(shorter[: shorter.index('"}],')])


def test_the_role_stands_in_a_model_name_that_asks_for_it() -> None:
    settings = parameters(make(model="rehearsal-{role}"), "client", None)
    assert json.loads(wire_body(settings, [HEAD], None))["model"] == "rehearsal-client"
