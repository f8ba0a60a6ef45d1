"""The inner voice in a session: each line gets its thought or its problem, off it costs nothing, and a kill no call."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

import orjson
import pytest

from agents.answer import Answer
from agents.cast import ROLES, Cast, Role
from agents.checks.thought import find_thought_fault
from agents.endpoint import Endpoint
from agents.errors import ModelError
from agents.gateway import GateClosed, Gateway
from agents.inner_voice import find_fault
from agents.rehearsal.reply import reply
from agents.tally import Tally
from agents.transcript import Language, Utterance
from graphs.branch import current_branch
from graphs.config import RunConfig
from graphs.job import prepare
from graphs.state import SessionState, begin_state
from tests.graphs.conftest import Factory, read_rows

LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True)
class Kept:
    """A call in a ledger."""

    number: int
    agent: str
    branch: str
    outcome: str
    content: str
    reasoning: str


class Notebook:
    """A ledger of one session that outlives the process it was written in."""

    def __init__(self) -> None:
        self.calls: dict[bytes, Kept] = {}

    def look_up(self, key: bytes) -> Kept | None:
        return self.calls.get(key)

    async def record(self, *, key: bytes, agent: str, branch: str, **told: Any) -> int:
        assert key not in self.calls, "a call was paid twice"
        number = len(self.calls)
        self.calls[key] = Kept(number, agent, branch, told["outcome"], told["content"], told["reasoning"])
        return number


class Line(Gateway):
    """The rehearsal model on a line that can be cut after a number of answers, and spoilt for the inner voice."""

    def __init__(self, answers: int | None = None, spoilt: str = "") -> None:
        super().__init__({}, 1)
        self.answers, self.spoilt = answers, spoilt
        self.sent: Counter[bytes] = Counter()

    async def send_and_keep(self, endpoint: Endpoint, body: bytes, keep: Any, rank: int = 0) -> Any:
        if self.answers == self.sent.total():
            raise GateClosed
        self.sent[body] += 1
        asked = orjson.loads(body)
        if self.spoilt and asked["model"].endswith("-inner_voice"):
            return await keep(Answer(self.spoilt, "", "", "stop", "m"))  # type: ignore[arg-type]
        said = reply(asked)
        return await keep(Answer("ok", said.content, said.reasoning, "stop", "m"))


def play(language: Language, gateway: Line, ledger: Notebook, position: int = 0, switch: str = "on") -> SessionState:
    """Play one session of the flagship to its end."""
    config = RunConfig(recipe="session", language=language, switches={"inner_voice": switch} if switch else {})
    job = prepare(config, {})
    unit = job.units.unit(position)
    crew = Cast(
        gateway=gateway,
        endpoints=job.endpoints,
        ledger=ledger,
        tally=Tally(),
        session_id="1/0",
        seed=unit.plan.seed,
        language=language,
        branch=current_branch,
    )
    begun = begin_state(unit.plan, unit.brief) | job.recipe.start(job.switches)
    graph = job.recipe.build(job.switches).compile()
    return cast(SessionState, asyncio.run(graph.ainvoke(begun, {"recursion_limit": 2_000}, context=crew)))


def find_lines(state: SessionState) -> dict[int, Utterance]:
    """Return the counselor's lines by their number in the session."""
    return {number: line for number, line in enumerate(state["transcript"]) if line.speaker == "counselor"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_the_counselor_gets_a_thought_that_passes(language: Language) -> None:
    is_danger = False
    for position in (1, 2):
        ledger = Notebook()
        state = play(language, Line(), ledger, position)
        lines, calls = find_lines(state), {call.number: call for call in ledger.calls.values()}
        assert [thought.number for thought in state["thoughts"]] == list(lines)
        for thought in state["thoughts"]:
            line, before = lines[thought.number], state["transcript"][: thought.number]
            assert not thought.problem
            assert find_fault(thought.text, before, line, language) is None
            assert find_thought_fault(Utterance("counselor", line.text, thought.text), before) is None
            assert thought.call is not None
            assert calls[thought.call].agent == "inner_voice"
            assert thought.text in orjson.loads(calls[thought.call].content)["thought"]
        is_danger |= any(line.stage == "crisis" for line in lines.values())
    assert is_danger, "no session went through the crisis branch; take other positions"


def test_each_thought_has_its_verdict_apart_from_those_on_the_lines() -> None:
    state = play("zh", Line(), Notebook(), 2)
    on_thoughts = [judged for judged in state["judged"] if judged.about == "thought"]
    assert [(judged.exchange, judged.attempt) for judged in on_thoughts] == [
        (exchange, 0) for exchange in range(1, len(find_lines(state)) + 1)
    ]
    assert {judged.judgement.rubric for judged in on_thoughts} == {"reasoning"}
    assert all(judged.judgement.rubric != "reasoning" for judged in state["judged"] if judged.about == "line")


def test_the_thoughts_change_nothing_of_the_session_beside_them() -> None:
    spoken = [play("zh", Line(), Notebook(), 1, switch) for switch in ("off", "on")]
    assert spoken[0]["transcript"] == [
        Utterance(line.speaker, line.text, line.reasoning, old.call, line.stage)
        for line, old in zip(spoken[1]["transcript"], spoken[0]["transcript"], strict=True)
    ]
    assert spoken[0]["thoughts"] == []
    assert spoken[0]["end_reason"] == spoken[1]["end_reason"]


def test_off_makes_the_very_calls_of_a_session_without_it_and_on_only_adds_its_own() -> None:
    calls = {}
    for switch in ("", "off", "on"):
        ledger = Notebook()
        play("zh", Line(), ledger, 3, switch)
        calls[switch] = {key: call.branch for key, call in ledger.calls.items()}
    assert calls[""] == calls["off"]
    assert calls["off"].items() < calls["on"].items()
    assert set(dict(calls["on"].items() - calls["off"].items()).values()) == {"inner_voice"}


def test_a_run_stores_a_thought_beside_each_line_of_the_counselor(factory: Factory) -> None:
    told = factory("--count", 1, "--language", "en", "--set", "inner_voice=on")
    assert told.code == 0, told.err
    lines = read_rows(
        "SELECT u.reasoning, t.text, c.agent FROM utterances u"
        " LEFT JOIN thoughts t ON t.dialogue_id = u.dialogue_id AND t.number = u.number"
        " LEFT JOIN calls c ON c.position = 0 AND c.number = t.call_number WHERE u.speaker = 'counselor'"
    )
    assert lines
    assert all(line.text and line.reasoning and line.text != line.reasoning for line in lines)
    assert {line.agent for line in lines} == {"inner_voice"}


def test_off_the_role_needs_no_model_of_its_own() -> None:
    others: dict[Role, str] = {role: "deepseek" for role in ROLES if role != "inner_voice"}
    environment = {"DEEPSEEK_API_KEY": "none"}
    assert not prepare(RunConfig(recipe="session", cast=others), environment).is_rehearsal
    switched = RunConfig(recipe="session", cast=others, switches={"inner_voice": "on"})
    assert prepare(switched, environment).endpoints["inner_voice"].rehearsal


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_session_cut_off_goes_on_without_repeating_a_call(share: float) -> None:
    whole = Notebook()
    line = Line()
    state = play("zh", line, whole)
    ledger, first, second = Notebook(), Line(int(share * len(whole.calls))), Line()
    with pytest.raises(GateClosed):
        play("zh", first, ledger)
    again = play("zh", second, ledger)
    assert first.sent + second.sent == line.sent
    assert ledger.calls.keys() == whole.calls.keys()
    assert [(thought.number, thought.text) for thought in again["thoughts"]] == [
        (thought.number, thought.text) for thought in state["thoughts"]
    ]


@pytest.mark.parametrize("outcome", ["filtered", "truncated"])
def test_an_inner_voice_that_fails_leaves_problems_and_a_finished_session(outcome: str) -> None:
    state = play("en", Line(spoilt=outcome), Notebook())
    assert state["end_reason"]
    assert not state["reject_reasons"]
    assert [thought.number for thought in state["thoughts"]] == list(find_lines(state))
    assert all(not thought.text and outcome in thought.problem for thought in state["thoughts"])


def test_an_endpoint_that_refuses_stops_the_session() -> None:
    with pytest.raises(ModelError) as caught:
        play("en", Line(spoilt="refused"), Notebook())
    assert caught.value.stops_run


def test_a_dry_run_counts_its_calls_and_the_critics(factory: Factory) -> None:
    off, on = (
        factory("--count", 10, "--dry-run", "--json", "--set", f"inner_voice={switch}") for switch in ("off", "on")
    )
    assert "inner_voice" not in off.out
    assert "inner_voice" in on.out


def test_a_wrong_value_of_the_switch_is_refused(factory: Factory) -> None:
    told = factory("--count", 1, "--set", "inner_voice=loud")
    assert told.code == 2
    assert "inner_voice=loud" in told.err
