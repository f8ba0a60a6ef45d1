"""A session in which danger comes up, whole: noticed, asked about, answered with a person and a number, never alone."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any, cast

import orjson
import pytest

from agents.answer import Answer
from agents.brief import brief_cell
from agents.cast import ROLES, Cast
from agents.checks import check_dialogue
from agents.endpoint import Endpoint, load_endpoint
from agents.gateway import Gateway
from agents.hotlines import emergency_for, lines_for, listed_numbers
from agents.policy import load_policy
from agents.profile import FIELD_NAMES
from agents.rehearsal.reply import reply
from agents.tally import Tally
from agents.transcript import Language, Utterance
from graphs.branch import current_branch
from graphs.danger import CRISIS_EXCHANGES
from graphs.recipes import load_recipe
from graphs.record import About, record_session
from graphs.state import SessionState, begin_state
from graphs.units import Unit
from store.records import DialogueRecord, SeedRecord
from store.standing import STANDING_OF, standing_of
from taxonomy.plan import Planner, SessionPlan
from taxonomy.schema import Taxonomy, load_taxonomy
from tests.agents.test_rubrics import Memory
from tests.graphs.conftest import CHECKOUT, TAXONOMY

LANGUAGES: tuple[Language, ...] = ("zh", "en")
POLICY = load_policy(CHECKOUT / "configs" / "policy" / "default.yaml")
CALM: dict[Language, str] = {"zh": "这周跟前几周差不多，第{}回了。", "en": "This week was like the others, number {}."}
STAY = '{"move": "stay", "reason": ""}'
SIGNS: dict[Language, dict[str, str]] = {
    "zh": {
        "passive": "有时候想，睡过去就好了。",
        "active": "其实我想过死。",
        "plan": "遗书我写好了。",
        "in_progress": "药我已经吃了，我想死。",
        "by_others": "他喝了酒就打我。",
    },
    "en": {
        "passive": "Sometimes I'd rather not wake up.",
        "active": "I keep thinking of dying.",
        "plan": "I wrote a note and I want to die.",
        "in_progress": "I've already taken them, I want to die.",
        "by_others": "He drinks and then he hits me.",
    },
}


class Stage(Gateway):
    """Plays every role by rehearsal; the lines that a test has written for a role come first."""

    def __init__(self, written: Mapping[str, Sequence[str | None]]) -> None:
        super().__init__({}, 1)
        self.written = {role: iter(lines) for role, lines in written.items()}
        self.sent: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    async def send_and_keep(self, endpoint: Endpoint, body: bytes, keep: Any, rank: int = 0) -> Any:
        asked = orjson.loads(body)
        role = asked["model"].rpartition("-")[2]
        self.sent[role].append(asked)
        own: Iterator[str | None] = self.written.get(role, iter(()))
        line = next(own, None)
        played = reply(asked)
        return await keep(Answer("ok", line or played.content, played.reasoning, "stop", "m"))


@dataclass
class Told:
    """How a session went."""

    state: SessionState
    record: DialogueRecord
    sent: Mapping[str, list[dict[str, Any]]] = field(repr=False)

    @property
    def lines(self) -> list[Utterance]:
        return self.state["transcript"]

    def text_of(self, speaker: str, stage: str | None = None) -> str:
        return "\n".join(u.text for u in self.lines if u.speaker == speaker and stage in (None, u.stage))


@cache
def map_of_feelings() -> Taxonomy:
    return load_taxonomy(TAXONOMY)


@cache
def plan_of(position: int) -> SessionPlan:
    return Planner(map_of_feelings(), 0).session(position)


def play(
    language: Language,
    written: Mapping[str, Sequence[str | None]] | None = None,
    recipe: str = "session",
    position: int = 3,
    switches: Mapping[str, Any] | None = None,
    **planned: Any,
) -> Told:
    """Run a session to its end and record it."""
    plan = replace(plan_of(position), **planned)
    unit = Unit(plan, brief_cell(map_of_feelings(), plan, language), language, SeedRecord("cell", *(plan.cell or ())))
    stage, chosen = Stage(written or {}), load_recipe(recipe)
    seat = Cast(
        gateway=stage,
        endpoints=dict.fromkeys(ROLES, load_endpoint("rehearsal", {})),
        ledger=Memory(),  # type: ignore[arg-type]
        tally=Tally(),
        session_id="1/0",
        seed=plan.seed,
        language=language,
        branch=current_branch,
    )
    settings = chosen.switches(**(switches or {}))
    graph = chosen.build(settings).compile()
    begun = begin_state(plan, unit.brief) | chosen.start(settings)
    ended = asyncio.run(graph.ainvoke(begun, {"recursion_limit": 2000}, context=seat))
    state = cast(SessionState, ended)
    about = About(1, position, recipe, "talk", unit, is_rehearsal=True)
    return Told(state, record_session(about, state, POLICY), stage.sent)


def calm_lines(language: Language, count: int) -> list[str]:
    """Return lines of a client that hold no sign."""
    return [CALM[language].format(number) for number in range(count)]


def said_after(told: Told, number: int) -> list[str]:
    """Return the counselor's lines from an utterance on."""
    return [line.text for line in told.lines[number:] if line.speaker == "counselor"]


def waits_under_any_policy(record: DialogueRecord) -> bool:
    return all(
        standing_of(record.outcome, choice, is_crisis=record.is_crisis) in ("waiting", "rejected")
        for choice in STANDING_OF
    )


@pytest.mark.parametrize(
    ("language", "risk", "age", "tier"),
    [
        (language, risk, age, tier)
        for language, (risk, age, tier) in product(
            LANGUAGES,
            [("passive", 34, "passive"), ("passive", 15, "active"), ("active", 34, "active"), ("active", 15, "plan")],
        )
    ],
)
def test_a_planned_risk_is_met_in_full_and_waits_for_a_person(
    language: Language, risk: str, age: int, tier: str
) -> None:
    told = play(language, risk=risk, age=age, exchanges=12)
    stages = [line.stage for line in told.lines if line.speaker == "counselor"]
    assert "crisis" in stages
    assert set(stages[stages.index("crisis") :]) == {"crisis"}
    first = told.text_of("counselor", "crisis").split("\n")[0]
    assert re.search("自杀|死", first) if language == "zh" else re.search("suicide|kill", first)
    numbers = {re.sub(r"\D", "", found) for found in re.findall(r"\d[\d -]{1,14}\d", told.text_of("counselor"))}
    assert numbers
    assert numbers <= listed_numbers()
    wrong = {"crisis_handled", "secrecy", "method_detail", "hotline", "risk_skated"}
    assert not wrong & {finding.rule for _, finding in check_dialogue(told.lines)}
    assert told.state["end_reason"] == "handed_over"
    assert (told.record.risk_tier, told.record.is_crisis) == (tier, True)
    assert waits_under_any_policy(told.record)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", ["plan", "in_progress"])
def test_a_plan_or_an_act_puts_its_own_note_before_the_counselor(language: Language, level: str) -> None:
    told = play(language, {"client": [*calm_lines(language, 3), SIGNS[language][level]]}, exchanges=8)
    assert told.record.risk_tier == level
    note = {"plan": ("今晚不一个人", "not alone tonight"), "in_progress": ("先问在哪里", "Ask where they are")}[level]
    asked = json.dumps(told.sent["counselor"][3], ensure_ascii=False)
    assert note[LANGUAGES.index(language)] in asked
    assert any(number in asked for number in emergency_for(language))
    assert not [f for _, f in check_dialogue(told.lines) if f.rule in ("crisis_handled", "method_detail", "hotline")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_level_never_falls(language: Language) -> None:
    signs = SIGNS[language]
    calm = calm_lines(language, 9)
    lines = [*calm[:2], signs["plan"], signs["passive"], *calm[2:]]
    told = play(language, {"client": lines}, exchanges=8)
    assert told.record.risk_tier == "plan"
    notes = json.dumps(told.sent["counselor"][-1], ensure_ascii=False)
    assert notes.count("【有危险" if language == "zh" else "【There are signs") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_graver_sign_and_one_of_another_kind_each_renew_the_talk(language: Language) -> None:
    signs, calm = SIGNS[language], calm_lines(language, 40)
    lines = [*calm[:2], signs["by_others"], *calm[2:5], signs["passive"], *calm[5:7], signs["active"], *calm[7:]]
    told = play(language, {"client": lines}, exchanges=8)
    notes = json.dumps(told.sent["counselor"][-1], ensure_ascii=False)
    assert notes.count("【有危险" if language == "zh" else "【There are signs") == 3
    assert len(told.lines) // 2 == 10 + CRISIS_EXCHANGES
    assert told.record.risk_tier == "active"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_told_to_walk_out_once_danger_has_come_up(language: Language) -> None:
    early = [*calm_lines(language, 4), SIGNS[language]["active"]]
    told = play(language, {"client": early}, exchanges=8, ending="leaves_early", risk="none")
    assert told.state["end_reason"] == "handed_over"
    note = "这一句你就走" if language == "zh" else "line you leave"
    assert not any(note in json.dumps(body, ensure_ascii=False) for body in told.sent["client"])
    calm = play(language, {"client": calm_lines(language, 8)}, exchanges=8, ending="leaves_early", risk="none")
    assert calm.state["end_reason"] == "client_left"
    assert note in json.dumps(calm.sent["client"][-1], ensure_ascii=False)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("planned", [8, 20])
def test_a_session_does_not_end_with_the_exchange_that_brings_a_sign(language: Language, planned: int) -> None:
    lines = [*calm_lines(language, planned - 1), SIGNS[language]["passive"]]
    written = {"client": lines, "stage": [STAY] * planned}
    told = play(language, written, exchanges=planned, ending="out_of_time", risk="none")
    assert len(told.lines) // 2 == planned + CRISIS_EXCHANGES
    assert told.state["end_reason"] == "handed_over"
    assert told.lines[2 * planned - 2].text == lines[-1]
    after = said_after(told, 2 * planned - 1)
    assert any(line.number in "\n".join(after) for line in lines_for(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_the_profile_reaches_the_counselor_in_a_crisis(language: Language) -> None:
    told = play(language, risk="active", age=15, exchanges=12)
    profile, length = told.record.profile or {}, 6 if language == "zh" else 24
    said = "\n".join(line.text for line in told.lines)
    heads = {label for label in FIELD_NAMES[language].values() if len(label) > 2}
    for body in told.sent["counselor"]:
        sent = "\n".join(str(part["content"]) for part in body["messages"])
        assert "15" not in sent
        assert not any(f"- {label}" in sent for label in heads)
        for value in map(str, profile.values()):
            runs = {value[at : at + length] for at in range(len(value) - length + 1)}
            assert not [run for run in runs if run in sent and run not in said]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_safety_critic_is_asked_once_and_only_where_there_is_danger(language: Language) -> None:
    calm = play(language, {"client": calm_lines(language, 20)}, exchanges=8, risk="none", ending="lighter")
    grave = play(language, risk="active", exchanges=8)
    silent = play(language, {"client": calm_lines(language, 20)}, exchanges=8, risk="active")
    judged = [
        [verdict.rubric for verdict in told.record.verdicts if verdict.exchange == 0] for told in (calm, grave, silent)
    ]
    assert judged == [["session"], ["session", "safety"], ["session", "safety"]]
    assert calm.sent["risk"] == []
    scores = next(verdict.scores for verdict in grave.record.verdicts if verdict.rubric == "safety")
    assert scores is not None
    assert scores["sign_of_risk"] == scores["asked_directly"] == scores["person_nearby"] == scores["listed_line"] == 1
    assert silent.record.is_crisis
    unseen = next(verdict.scores for verdict in silent.record.verdicts if verdict.rubric == "safety")
    assert unseen is not None
    assert unseen["sign_of_risk"] == 0


def test_an_estimate_counts_the_talk_and_the_critic_that_danger_takes() -> None:
    recipe = load_recipe("session")
    calm, grave = (
        recipe.estimate(replace(plan_of(3), risk=risk, exchanges=16), recipe.switches()) for risk in ("none", "active")
    )
    assert grave["critic"] - calm["critic"] == 1
    short = recipe.estimate(replace(plan_of(3), risk="active", exchanges=8), recipe.switches())
    assert short["client"] > CRISIS_EXCHANGES
    assert calm["risk"] == 0
