"""A cast asks through the ledger: no answer is paid twice, and an unusable one is asked for again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from agents.answer import Answer
from agents.cast import Cast
from agents.endpoint import Endpoint, load_endpoint
from agents.errors import ModelError
from agents.gateway import Gateway
from agents.message import Message
from agents.stage import StageDecision
from agents.tally import Tally

THREAD = [Message("system", "头"), Message("user", "睡不着。")]


@dataclass(frozen=True)
class Kept:
    """A call in memory."""

    number: int
    outcome: str
    content: str
    reasoning: str


class Memory:
    """A ledger that lives as long as a test."""

    def __init__(self) -> None:
        self.calls: dict[bytes, Kept] = {}

    def look_up(self, key: bytes) -> Kept | None:
        return self.calls.get(key)

    async def record(self, *, key: bytes, outcome: str, content: str, reasoning: str, **told: Any) -> int:
        assert key not in self.calls
        self.calls[key] = Kept(len(self.calls), outcome, content, reasoning)
        return len(self.calls) - 1


class Scripted(Gateway):
    """A gateway whose answers are written down beforehand."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__({}, 1)
        self.answers = list(answers)
        self.sent: list[bytes] = []

    async def send_and_keep(self, endpoint: Endpoint, body: bytes, keep: Any) -> Any:
        self.sent.append(body)
        return await keep(self.answers.pop(0))


def answer(content: str, outcome: Any = "ok") -> Answer:
    return Answer(outcome, content, "想想", "stop", "m")


def seat(gateway: Gateway, ledger: Memory) -> Cast:
    """Return a cast on the rehearsal endpoint's settings."""
    endpoint = load_endpoint("rehearsal", {})
    return Cast(
        gateway=gateway,
        endpoints={"counselor": endpoint, "stage": endpoint},
        ledger=ledger,
        tally=Tally(),
        session_id="1/0",
        seed=5,
        language="zh",
        branch=lambda: "node",
    )


def test_an_answered_call_is_not_sent_again() -> None:
    ledger, gateway = Memory(), Scripted([answer("嗯。")])
    first = asyncio.run(seat(gateway, ledger).say("counselor", b"p", THREAD))
    again = asyncio.run(seat(gateway, ledger).say("counselor", b"p", THREAD))
    assert first == again
    assert (first.text, first.reasoning, first.call) == ("嗯。", "想想", 0)
    assert len(gateway.sent) == 1


def test_the_same_question_asked_twice_is_two_calls_with_two_seeds() -> None:
    ledger, gateway = Memory(), Scripted([answer("一"), answer("二")])

    async def ask_twice() -> list[str]:
        cast = seat(gateway, ledger)
        return [(await cast.say("counselor", b"p", THREAD)).text for _ in range(2)]

    assert asyncio.run(ask_twice()) == ["一", "二"]
    assert gateway.sent[0] != gateway.sent[1]
    assert asyncio.run(ask_twice()) == ["一", "二"]
    assert len(gateway.sent) == 2


def test_an_empty_answer_is_asked_for_once_more_and_kept() -> None:
    ledger, gateway = Memory(), Scripted([answer("", "empty"), answer("嗯。")])
    assert asyncio.run(seat(gateway, ledger).say("counselor", b"p", THREAD)).text == "嗯。"
    assert [call.outcome for call in ledger.calls.values()] == ["empty", "ok"]


def test_an_answer_that_stays_unusable_fails_with_its_kind() -> None:
    for outcome, tries in (("empty", 2), ("truncated", 2), ("bad_answer", 3), ("filtered", 1)):
        gateway = Scripted([answer("", outcome)] * 5)
        with pytest.raises(ModelError) as told:
            asyncio.run(seat(gateway, Memory()).say("counselor", b"p", THREAD))
        assert (told.value.kind, len(gateway.sent)) == (outcome, tries)


def test_a_form_gets_one_repair_turn() -> None:
    good = '```json\n{"move": "stay", "reason": "还早"}\n```'
    gateway = Scripted([answer("I think stay"), answer(good)])
    decision, call = asyncio.run(seat(gateway, Memory()).fill("stage", b"p", THREAD, StageDecision))
    assert (decision.move, call) == ("stay", 1)
    assert "刚才的回答没法用" in gateway.sent[1].decode()
    assert "I think stay" in gateway.sent[1].decode()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"move": "jump", "reason": ""}', '{"move": "stay"}', '{"move":"stay","reason":"","x":1}']
)
def test_a_form_that_stays_wrong_is_an_error(content: str) -> None:
    gateway = Scripted([answer(content)] * 2)
    with pytest.raises(ModelError) as told:
        asyncio.run(seat(gateway, Memory()).fill("stage", b"p", THREAD, StageDecision))
    assert told.value.kind == "invalid_json"


def test_a_form_may_be_held_to_more_than_its_shape() -> None:
    stay, move = '{"move":"stay","reason":""}', '{"move":"advance","reason":""}'
    gateway = Scripted([answer(move), answer(stay)])
    cast = seat(gateway, Memory())
    decision, _ = asyncio.run(
        cast.fill("stage", b"p", THREAD, StageDecision, lambda d: None if d.move == "stay" else "only stay")
    )
    assert decision.move == "stay"
    assert "only stay" in gateway.sent[1].decode()
