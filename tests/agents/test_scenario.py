"""A scenario is told whole, each rule fails what breaks it, and only one whose cell is found again blind is kept."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agents.brief import Brief, brief_cell
from agents.cast import Cast
from agents.checks.finding import Finding
from agents.endpoint import load_endpoint
from agents.recovery import Reading, Recovery, close_recovery, compare, recover
from agents.scenario import LED, Scenario, close_form, list_stages, tell_scenario
from agents.scenario_checks import check_scenario
from agents.scenario_choice import Candidate, choose, word_misses
from agents.tally import Tally
from agents.transcript import Language
from taxonomy.plan import Planner, SessionPlan
from taxonomy.schema import Cell, load_taxonomy
from tests.agents.test_cast import Memory, Scripted, answer

TAXONOMY = load_taxonomy(Path(__file__).parents[2] / "taxonomy" / "emotions.yaml")
CELL = Cell("envy", "L08")
SOUND: dict[Language, dict[str, Any]] = {
    "zh": {
        "life_stage": "university",
        "when": "上周六晚上",
        "person": "老同桌",
        "event": "上周六晚上老同桌办生日，一屋子人，我是从别人发的照片里知道的。她在底下回了一句“都到齐了”。",
        "stake": "高中三年我们俩一个耳机两个人听，我以为那个位置是留着的。",
        "tried": "我点了个赞，又把准备好的礼物塞回柜子顶上。",
        "hidden": "她有的那帮人我一个都没有，我还偷偷盼过她们散伙。",
        "secondary_emotions": ["loneliness"],
        "intensity": 3,
        "opening_line": "也没什么，就是最近手机拿起来又放下。",
    },
    "en": {
        "life_stage": "university",
        "when": "last Saturday",
        "person": "my old deskmate",
        "event": "It was last Saturday that my old deskmate had her birthday. I saw the pictures, all of them there.",
        "stake": "For three years we shared one pair of earphones, and I thought the place was being kept.",
        "tried": "I liked the picture and put the present back on top of the wardrobe.",
        "hidden": "She has all those people and I have none, and I have hoped they would fall out.",
        "secondary_emotions": ["loneliness"],
        "intensity": 3,
        "opening_line": "It's nothing really, I keep picking up my phone and putting it down.",
    },
}
BROKEN: list[tuple[Language, str, dict[str, Any]]] = [
    ("zh", "vague_event", {"when": "大前年"}),
    ("zh", "vague_event", {"when": "照片里"}),
    ("zh", "vague_event", {"person": "班主任"}),
    ("zh", "vague_event", {"person": "我"}),
    ("zh", "stage_misfit", {"life_stage": "retired"}),
    ("zh", "diagnosis_named", {"hidden": "我猜我早就是抑郁症了，谁也没说。"}),
    ("zh", "real_name", {"stake": "我们说好一起考去杭州的，现在她跟别人去。"}),
    ("zh", "real_name", {"stake": "她现在最好的朋友叫周晓雯，什么都跟她讲。"}),
    ("zh", "minor_sexual", {"hidden": "她跟她男朋友去开房的事只告诉了别人。"}),
    ("zh", "unplanned_danger", {"hidden": "那天晚上我真的不想活了。"}),
    ("zh", "pii", {"tried": "我把她号码13812345678删了又记回来。"}),
    ("zh", "wrong_language", SOUND["en"]),
    ("zh", "role_swap", {"opening_line": "你好，我是你的咨询师，今天想聊点什么？"}),
    ("en", "vague_event", {"when": "the pictures"}),
    ("en", "vague_event", {"person": "the teacher"}),
    ("en", "stage_misfit", {"life_stage": "mid_career"}),
    ("en", "diagnosis_named", {"hidden": "I think I've had bipolar for years and told nobody."}),
    ("en", "real_name", {"stake": "We were going to move to Chicago together."}),
    ("en", "real_name", {"stake": "These days she tells everything to Megan Bradley instead."}),
    ("en", "minor_sexual", {"hidden": "She only told the others that she'd slept with him."}),
    ("en", "unplanned_danger", {"hidden": "That night I wanted to kill myself."}),
]


def plan_for(age: int = 17, **changes: Any) -> SessionPlan:
    return replace(Planner(TAXONOMY, 5).session_for_cell(0, CELL, "none", age, "female"), **changes)


def find_rules(language: Language, plan: SessionPlan, **changes: Any) -> dict[str, str]:
    """Return what the checks find in a scenario, by rule."""
    scenario = Scenario(**(SOUND[language] | changes))
    told = tell_scenario(scenario, plan, language)
    found = check_scenario(scenario, told, brief_cell(TAXONOMY, plan, language), plan, language)
    assert len({finding.rule for finding in found}) == len(found)
    return {finding.rule: finding.severity for finding in found}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_sound_scenario_is_told_in_three_lines_and_passes(language: Language) -> None:
    plan = plan_for()
    told = tell_scenario(Scenario(**SOUND[language]), plan, language)
    story, hidden, first = told.splitlines()
    for part in ("event", "stake", "tried"):
        assert SOUND[language][part] in story
    assert "17" in story.split("。" if language == "zh" else ".")[0]
    assert hidden == LED[language][0] + SOUND[language]["hidden"]
    assert first == f"{LED[language][1]}“{SOUND[language]['opening_line']}”"
    assert find_rules(language, plan) == {}


@pytest.mark.parametrize(("language", "rule", "changes"), BROKEN)
def test_each_rule_fails_what_breaks_it(language: Language, rule: str, changes: dict[str, Any]) -> None:
    assert find_rules(language, plan_for(), **changes)[rule] == "reject"


def test_what_only_a_minor_may_not_be_given_passes_with_an_adult() -> None:
    changes = {"life_stage": "early_career", "hidden": "她怀孕的事只告诉了别人。"}
    assert "minor_sexual" in find_rules("zh", plan_for(), hidden=changes["hidden"])
    assert find_rules("zh", plan_for(24), **changes) == {}


@pytest.mark.parametrize(
    "text",
    [
        "他夸下海口说要帮我。",
        "这事挺大连我妈都知道。",
        "我不太原谅得了她。",
        "配合得很完美团队都夸。",
        "屋里叫得人心慌，她也不管。",
        "一着急就出汗，网上说是焦虑症状，我没敢往下看。",
    ],
)
def test_words_that_only_look_like_places_names_and_illnesses_pass(text: str) -> None:
    assert find_rules("zh", plan_for(), tried=text) == {}


def test_planned_danger_may_show_and_where_it_does_not_that_is_noted() -> None:
    plan = plan_for(24, risk="passive")
    at_work = {"life_stage": "early_career"}
    assert find_rules("zh", plan, **at_work) == {"danger_absent": "flag"}
    assert find_rules("zh", plan, **at_work, hidden="有时候想，活着挺没劲的，睡过去就好了。") == {}


def test_a_feeling_called_by_its_name_tells_against_a_scenario_and_does_not_fail_it() -> None:
    assert find_rules("zh", plan_for(), hidden="我嫉妒她，说不出口。") == {"label_named": "flag"}


def test_a_topic_that_a_person_must_look_at_is_passed_on_as_a_flag() -> None:
    hidden = {"life_stage": "early_career", "hidden": "这阵子我天天酗酒，谁都没发现。"}
    assert find_rules("zh", plan_for(24), **hidden) == {"special_risk": "flag"}


def test_the_forms_take_nothing_that_is_not_on_their_lists() -> None:
    emotions = tuple(each.id for each in TAXONOMY.emotions)
    form = close_form(emotions)
    assert form.model_validate(SOUND["zh"]).secondary_emotions == ["loneliness"]
    for wrong in ({"secondary_emotions": ["joy"]}, {"intensity": 6}, {"secondary_emotions": list(emotions[:3])}):
        with pytest.raises(ValidationError):
            form.model_validate(SOUND["zh"] | wrong)
    reading = close_recovery(emotions, tuple(each.code for each in TAXONOMY.scenes))
    assert reading.model_validate({"first": "envy", "second": "shame", "scene": "L08"}).scene == "L08"
    with pytest.raises(ValidationError):
        reading.model_validate({"first": "envy", "second": "shame", "scene": "L99"})
    assert "retired" not in list_stages(16)
    assert "senior_high" in list_stages(16)


def test_a_cell_counts_as_found_by_feeling_among_two_and_by_scene() -> None:
    def rank(first: str, second: str, scene: str) -> tuple[int, bool]:
        reading = compare(Recovery(first=first, second=second, scene=scene), CELL, 1)
        return reading.rank, reading.is_recovered

    assert rank("envy", "shame", "L08") == (1, True)
    assert rank("shame", "envy", "L08") == (2, True)
    assert rank("envy", "shame", "L02") == (1, False)
    assert rank("shame", "grief", "L08") == (0, False)


def candidate(rank: int, findings: int = 0, fault: str = "", reading: bool = True) -> Candidate:
    found = [Finding(f"flag{number}", 1, "flag", (0, 0), "") for number in range(findings)]
    found += [Finding(fault, 1, "reject", (0, 0), "why")] if fault else []
    read = Reading("a", "b", "S01", rank, has_scene=True) if reading else None
    return Candidate(Scenario(**SOUND["zh"]), "x", 0, found, read)


def test_the_better_of_those_that_pass_is_chosen() -> None:
    assert choose([candidate(2), candidate(1)], is_blind=True) == 1
    assert choose([candidate(1, findings=2), candidate(1, findings=1)], is_blind=True) == 1
    assert choose([candidate(1, findings=3), candidate(2)], is_blind=True) == 0
    assert choose([candidate(1), candidate(1)], is_blind=True) == 0
    assert choose([candidate(1, fault="real_name"), candidate(0)], is_blind=True) is None
    assert choose([candidate(0, reading=False)], is_blind=True) is None
    assert choose([candidate(0, reading=False)], is_blind=False) == 0
    told = word_misses([candidate(1, fault="real_name"), candidate(0), candidate(0, reading=False)], is_blind=True)
    assert told == ["candidate 1: real_name: why", "candidate 2: read as a or b in S01", "candidate 3: not read"]


def read_blind(answers: list[str], seed: int = 7) -> tuple[Reading, list[str]]:
    """Return what an assessor with these answers makes of a scenario, and the messages it was sent."""
    plan = replace(plan_for(), seed=seed)
    gateway = Scripted([answer(text) for text in answers])
    cast = Cast(
        gateway=gateway, endpoints={"assessor": load_endpoint("rehearsal", {})}, ledger=Memory(), tally=Tally(),
        session_id="1/0", seed=5, language="zh", branch=lambda: "assessor",
    )  # fmt: skip
    reading = asyncio.run(recover(cast, brief_cell(TAXONOMY, plan, "zh"), plan, "出了一件事。"))
    return reading, [json.loads(body)["messages"][1]["content"] for body in gateway.sent]


def test_an_answer_that_cannot_be_read_leaves_a_scenario_unrecovered() -> None:
    assert read_blind(['{"first": "envy", "second": "shame", "scene": "L08"}'])[0].is_recovered
    reading, sent = read_blind(["envy", '{"first": "Neid", "second": "shame", "scene": "L08"}'])
    assert len(sent) == 2
    assert not reading.is_recovered
    assert reading.problem.startswith("not read: assessor gave no usable Recovery")


def test_the_lists_stand_in_an_order_of_the_sessions_own() -> None:
    good = ['{"first": "envy", "second": "shame", "scene": "L08"}']
    orders = {tuple(line.split("：")[0] for line in read_blind(good, seed)[1][0].splitlines()) for seed in range(5)}
    assert len(orders) == 5
    assert len({frozenset(order) for order in orders}) == 1
    named = {line.removeprefix("- ") for line in next(iter(orders)) if line.startswith("- ")}
    assert named == {each.id for each in TAXONOMY.emotions} | {each.code for each in TAXONOMY.scenes}
    assert read_blind(good, 3)[1] == read_blind(good, 3)[1]


def test_a_brief_without_a_taxonomy_cannot_be_read_blind() -> None:
    with pytest.raises(ValueError, match="has none"):
        asyncio.run(recover(None, Brief("x"), plan_for(), "x"))  # type: ignore[arg-type]
