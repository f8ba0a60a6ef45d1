"""A cast asks through the ledger: no answer is paid twice, and an unusable one is asked for again."""

import asyncio
import json
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pytest

from agents.answer import Answer
from agents.cast import TRIES, Cast
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
        self.rests = 0

    async def send_and_keep(self, endpoint: Endpoint, body: bytes, keep: Any, rank: int = 0) -> Any:
        self.sent.append(body)
        return await keep(self.answers.pop(0))

    async def rest(self, attempt: int) -> None:
        self.rests += 1


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
    for outcome, tries in (*TRIES.items(), ("filtered", 1), ("bad_request", 1)):
        gateway = Scripted([answer("", outcome)] * 9)
        with pytest.raises(ModelError) as told:
            asyncio.run(seat(gateway, Memory()).say("counselor", b"p", THREAD))
        assert (told.value.kind, len(gateway.sent)) == (outcome, tries)


def test_an_answer_that_ran_out_of_room_is_asked_for_with_twice_as_much() -> None:
    ledger, gateway = Memory(), Scripted([answer("我在", "truncated"), answer("我在听。")])
    assert asyncio.run(seat(gateway, ledger).say("counselor", b"p", THREAD)).text == "我在听。"
    first, second = (json.loads(body)["max_tokens"] for body in gateway.sent)
    assert second == 2 * first
    assert asyncio.run(seat(gateway, ledger).say("counselor", b"p", THREAD)).text == "我在听。"
    assert len(gateway.sent) == 2


def test_what_tells_of_a_busy_endpoint_is_waited_out_but_not_on_a_replay() -> None:
    ledger, gateway = Memory(), Scripted([answer("", "overloaded"), answer("", "unreadable"), answer("嗯。")])
    asyncio.run(seat(gateway, ledger).say("counselor", b"p", THREAD))
    assert gateway.rests == 2
    asyncio.run(seat(gateway, ledger).say("counselor", b"p", THREAD))
    assert (gateway.rests, len(gateway.sent)) == (2, 3)


def test_a_changed_prompt_model_or_parameter_is_another_call() -> None:
    ledger, gateway = Memory(), Scripted([answer("嗯。")] * 5)
    cast = seat(gateway, ledger)
    asyncio.run(cast.say("counselor", b"p", THREAD))
    for change in ({"model": "other"}, {"temperature": 0.3}, {"max_tokens": 99}, {"extra_body": {"top_k": 5}}):
        changed = seat(gateway, ledger)
        changed.endpoints = {"counselor": cast.endpoints["counselor"].model_copy(update=change)}
        asyncio.run(changed.say("counselor", b"p", THREAD))
    gateway.answers.append(answer("嗯。"))
    asyncio.run(seat(gateway, ledger).say("counselor", b"p", [Message("system", "头！"), *THREAD[1:]]))
    assert len(ledger.calls) == len(gateway.sent) == 6


def test_branches_that_ask_the_same_at_once_keep_their_own_answers() -> None:
    class Slow(Scripted):
        """Answers by the order in which requests arrive, the first of them last."""

        async def send_and_keep(self, endpoint: Endpoint, body: bytes, keep: Any, rank: int = 0) -> Any:
            number = len(self.sent)
            self.sent.append(body)
            await asyncio.sleep(0.01 * (3 - number))
            return await keep(answer(f"{number}"))

    async def ask(order: Sequence[int]) -> dict[int, str]:
        place = ContextVar[int]("place")
        cast = seat(gateway, ledger)
        cast.branch = lambda: f"node/{place.get()}"

        async def one(index: int) -> tuple[int, str]:
            place.set(index)
            return index, (await cast.say("counselor", b"p", THREAD)).text

        return dict(await asyncio.gather(*(one(index) for index in order)))

    ledger, gateway = Memory(), Slow([])
    first = asyncio.run(ask((0, 1, 2)))
    assert sorted(first.values()) == ["0", "1", "2"]
    assert asyncio.run(ask((2, 0, 1))) == first
    assert len(gateway.sent) == 3


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
