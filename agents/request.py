"""The exact bytes of a request, made by pure functions: what is stored of a call rebuilds what was sent."""

from collections.abc import Sequence
from functools import cache

import orjson
from pydantic import BaseModel

from agents.endpoint import Endpoint

JOINT = "\n\n"
"""What stands between two parts that travel as one message."""
JSON_ONLY = {
    "object": "Answer with one JSON object that follows this JSON schema:\n",
    "none": "Answer with one JSON object, without code fences or any other text, that follows this JSON schema:\n",
}


def parameters(endpoint: Endpoint, role: str, schema: type[BaseModel] | None, *, doubled: bool = False) -> bytes:
    """Return all of a request but its messages and its seed, as canonical JSON with the quirks that shape the wire.

    `doubled` gives the answer twice the room, as far as the context goes.
    """
    return _parameters(endpoint.model_dump_json(), endpoint.model_for(role), schema, doubled)


@cache
def _parameters(dumped: str, model: str, schema: type[BaseModel] | None, doubled: bool) -> bytes:
    endpoint = Endpoint.model_validate_json(dumped, by_name=True)
    fields: dict[str, object] = {"model": model}
    if endpoint.temperature is not None:
        fields["temperature"] = endpoint.temperature
    if endpoint.top_p is not None:
        fields["top_p"] = endpoint.top_p
    room = endpoint.max_tokens
    if doubled:
        room = max(room, min(2 * room, (endpoint.context_length or 4 * room) // 2))
    fields[endpoint.max_tokens_field] = room
    wiring: dict[str, object] = {"system_role": endpoint.system_role}
    if schema is not None:
        outline = schema.model_json_schema()
        if endpoint.json_mode == "schema":
            named = {"name": schema.__name__, "strict": True, "schema": outline}
            fields["response_format"] = {"type": "json_schema", "json_schema": named}
        else:
            wiring["append"] = JSON_ONLY[endpoint.json_mode] + orjson.dumps(outline).decode()
        if endpoint.json_mode == "object":
            fields["response_format"] = {"type": "json_object"}
    return orjson.dumps({"fields": fields | endpoint.extra_body, "wiring": wiring})


@cache
def _parse(settings: bytes) -> tuple[dict[str, object], bool, str | None]:
    read = orjson.loads(settings)
    wiring = read["wiring"]
    return read["fields"], wiring["system_role"], wiring.get("append")


def wire_body(settings: bytes, parts: Sequence[tuple[str, str]], seed: int | None) -> bytes:
    """Return the bytes that go over the wire for these parts.

    Without a system role the instructions open the first user message; consecutive parts of one role become one
    message; a schema that the endpoint does not take as a field closes the instructions.
    """
    fields, has_system_role, appended = _parse(settings)
    messages: list[dict[str, str]] = []
    last = ""
    for index, (role, content) in enumerate(parts):
        if index == 0 and appended is not None:
            content = content + JOINT + appended
        if role == "system" and not has_system_role:
            role = "user"
        if role == last:
            messages[-1]["content"] += JOINT + content
        else:
            messages.append({"role": role, "content": content})
            last = role
    body = {"model": fields["model"], "messages": messages, **fields}
    if seed is not None:
        body["seed"] = seed
    return orjson.dumps(body)
