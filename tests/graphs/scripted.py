"""Puts a test's own answers into the rehearsal model's mouth, for one role of a real run."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest

import agents.rehearsal.app
from agents.rehearsal.faults import send_body

Answer = Callable[[int, str], str | Mapping[str, Any] | None]
"""What to say to the nth request of the role, from 0, given all its text; None leaves it to the rehearsal model.

A mapping changes the answer's message and leaves the rest; a `finish_reason` in it says how the answer ended.
"""


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
                    choice = completion["choices"][0]
                    changed = {"content": said} if isinstance(said, str) else dict(said)
                    choice["finish_reason"] = changed.pop("finish_reason", choice["finish_reason"])
                    choice["message"].update(changed)
                    await send_body(send, orjson.dumps(completion))

            await app(scope, again, replace_answer)

        return reply

    monkeypatch.setattr(agents.rehearsal.app, "create_app", create)
