"""Puts a test's own answers into the rehearsal model's mouth, for one role of a real run."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

import agents.rehearsal.app
from agents.rehearsal.faults import send_body

Answer = Callable[[int, str], str | None]
"""What to say to the nth request of the role, from 0, given all its text; None leaves it to the rehearsal model."""


def script(monkeypatch: pytest.MonkeyPatch, role: str, answer: Answer) -> None:
    """Let one role answer as a test wants; a role that was scripted before stays so."""
    make, asked = agents.rehearsal.app.create_app, [0]

    def create(**options: Any) -> Any:
        app = make(**options)

        async def reply(scope: Any, receive: Any, send: Any) -> None:
            event = await receive()
            body = orjson.loads(event["body"])
            said = None
            if body["model"].endswith(f"-{role}"):
                said = answer(asked[0], "\n\n".join(part["content"] for part in body["messages"]))
                asked[0] += 1

            async def again() -> Any:
                return event | {"more_body": False}

            async def replace_answer(told: Any) -> None:
                if said is None:
                    await send(told)
                elif told["type"] == "http.response.body":
                    completion = orjson.loads(told["body"])
                    completion["choices"][0]["message"]["content"] = said
                    await send_body(send, orjson.dumps(completion))

            await app(scope, again, replace_answer)

        return reply

    monkeypatch.setattr(agents.rehearsal.app, "create_app", create)
