"""Every rubric loads, renders and is answered; what cannot be trusted is asked for once more and then unscored."""

import asyncio
import copy
import re
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from pydantic import ValidationError

from agents.answer import Answer
from agents.cast import Cast
from agents.critic import (
    Judgement,
    Verdict,
    disagreement,
    find_verdict_fault,
    judge,
    judge_repeatedly,
    judge_session,
    judge_turn,
    simplify,
)
from agents.endpoint import Endpoint, load_endpoint
from agents.errors import ModelError
from agents.gateway import Gateway
from agents.prompt import load_prompt
from agents.rehearsal.reply import reply
from agents.rubric import FOLDER, Rubric, is_on_step, list_rubrics, load_rubric, render_rubric, sum_groups, walk_flow
from agents.tally import Tally
from agents.transcript import Language, Utterance
from taxonomy.reading import read_yaml
from taxonomy.refusal import InputError

LANGUAGES: tuple[Language, ...] = ("zh", "en")
NAMES = list_rubrics()
TALK: dict[Language, list[Utterance]] = {
    "zh": [
        Utterance("client", "睡不着。"),
        Utterance("counselor", "从哪天开始的？", "先弄清时间。"),
        Utterance("client", "三月吧。有时候想，不如死了算了。"),
        Utterance("counselor", "你说不如死了算了，是有过自杀的念头吗？", "他露出来了，我得直接问。"),
        Utterance("client", "……没有计划。"),
        Utterance("counselor", "今晚家里有谁在？", "我先不走开，看看他身边有没有人。"),
    ],
    "en": [
        Utterance("client", "Can't sleep."),
        Utterance("counselor", "Since when?", "I want the time first."),
        Utterance("client", "March. Some nights I keep thinking of dying."),
        Utterance("counselor", "Are you thinking of killing yourself?", "He said it, so I ask."),
        Utterance("client", "No plan. Just tired."),
        Utterance("counselor", "Who is at home tonight?", "I stay with this and look for someone near him."),
    ],
}


class Memory:
    """A ledger that lives as long as a test."""

    def __init__(self) -> None:
        self.calls: dict[bytes, int] = {}

    def look_up(self, key: bytes) -> None:
        return None

    async def record(self, *, key: bytes, **told: Any) -> int:
        assert key not in self.calls, "two calls under one key"
        return self.calls.setdefault(key, len(self.calls))


class Critic(Gateway):
    """A critic that gives the written answers, then those of the rehearsal model."""

    def __init__(self, *answers: str | Answer) -> None:
        super().__init__({}, 1)
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []

    async def send_and_keep(self, endpoint: Endpoint, body: bytes, keep: Any, rank: int = 0) -> Any:
        self.sent.append(orjson.loads(body))
        said = self.answers.pop(0) if self.answers else reply(self.sent[-1]).content
        return await keep(said if isinstance(said, Answer) else Answer("ok", said, "", "stop", "m"))


def seat(gateway: Gateway, language: Language = "zh") -> Cast:
    """Return a cast with nobody in it but the critic."""
    return Cast(
        gateway=gateway,
        endpoints={"critic": load_endpoint("rehearsal", {})},
        ledger=Memory(),  # type: ignore[arg-type]
        tally=Tally(),
        session_id="1/0",
        seed=5,
        language=language,
        branch=lambda: "node",
    )


def ask(critic: Critic, name: str, talk: list[Utterance], language: Language = "zh") -> Judgement:
    return asyncio.run(judge(seat(critic, language), talk, name))


def expect_ids(rubric: Rubric, judged: Judgement) -> list[str]:
    """Return the ids a judgement must have scored."""
    assert judged.scores is not None, judged.unscored
    if rubric.is_flow:
        return walk_flow(rubric, judged.scores)
    ids = [item.id for item in rubric.items]
    return [f"{moment}.{id}" for moment in ("before", "after") for id in ids] if rubric.scope == "before_after" else ids


def assert_sound(judged: Judgement, rubric: Rubric, talk: list[Utterance]) -> None:
    """Hold a judgement to the form its rubric asks for."""
    assert sorted(judged.scores or {}) == sorted(expect_ids(rubric, judged))
    items = {item.id: item for item in rubric.items}
    for key, score in (judged.scores or {}).items():
        low, high, step = rubric.range_of(items[key.rpartition(".")[2]])
        assert low <= score <= high
        assert is_on_step(score, low, step)
        if rubric.is_flow and score:
            assert any(simplify(judged.quotes[key]) in simplify(line.text) for line in talk)
    assert (judged.rubric, judged.version, judged.scope) == (rubric.name, rubric.version, rubric.scope)


@pytest.mark.parametrize(("name", "language"), [*product(NAMES, LANGUAGES)])
def test_a_rubric_is_told_in_both_languages_and_answered(name: str, language: Language) -> None:
    rubric, shown = load_rubric(name), render_rubric(name, language)
    assert (rubric.name, len(shown.items)) == (name, len(rubric.items))
    head = load_prompt(f"critic/{'turn' if rubric.scope in ('turn', 'reasoning') else 'session'}_head", language)
    text = head.render(rubric=shown)
    assert not re.search(r"[{}%]|\d\.0\b", text)
    for item, own in zip(shown.items, rubric.items, strict=True):
        assert re.search(rf"(?m)^- {item.id}[:：]", text)
        assert item.question in text
        assert item.definition in text
        assert all(f"  {score} = {told}" in text for score, told in item.anchors)
        if own.high is not None:
            assert f"{item.range[1]}" in text
    critic = Critic()
    judged = ask(critic, name, TALK[language], language)
    assert_sound(judged, rubric, TALK[language])
    assert len(critic.sent) == (2 if rubric.scope == "before_after" else 1), "the rehearsal needed a repair"
    assert ask(Critic(), name, TALK[language], language) == judged


@pytest.mark.parametrize("name", NAMES)
def test_english_holds_no_chinese_and_chinese_is_chinese(name: str) -> None:
    for item in render_rubric(name, "en").items:
        told = item.question + item.definition + "".join(text for _, text in item.anchors)
        assert not re.search(r"[\u4e00-\u9fff]", told)
    for item in render_rubric(name, "zh").items:
        told = [item.question, item.definition, *(text for _, text in item.anchors)]
        assert all(re.search(r"[\u4e00-\u9fff]", text) for text in told)


@pytest.mark.parametrize(
    ("name", "items", "low", "high", "groups"),
    [
        ("psyroom", 9, 0, 1, {"problem": 2, "action": 2, "exchange": 2, "empathy": 3}),
        ("ctrs", 6, 0, 6, {"general": 18, "cbt": 18}),
        ("panas", 20, 1, 5, {"positive": 50, "negative": 50}),
        ("cpsycoun_dialogue", 14, 0, 1, {"comprehensiveness": 2, "professionalism": 4, "authenticity": 3, "safety": 1}),
    ],
)
def test_a_published_scale_has_its_size(name: str, items: int, low: int, high: int, groups: dict[str, int]) -> None:
    rubric = load_rubric(name)
    assert (len(rubric.items), rubric.low, rubric.high) == (items, low, high)
    assert sum_groups(rubric, {item.id: rubric.range_of(item)[1] for item in rubric.items}) == groups


def test_the_alliance_has_three_subscales_and_turns_its_reversed_items_round() -> None:
    rubric = load_rubric("wai")
    assert {item.id for item in rubric.items if item.reverse} == {"unclear_aim", "different_problem"}
    best = {item.id: rubric.low if item.reverse else rubric.high for item in rubric.items}
    assert sum_groups(rubric, best) == {"task": 28, "bond": 28, "goal": 28}
    assert sum_groups(load_rubric("panas"), {"before.proud": 2, "after.proud": 4}) == {
        "before.positive": 2,
        "after.positive": 4,
    }


def test_both_scales_of_one_name_stay_two_rubrics() -> None:
    tops = {item.id: load_rubric("cpsycoun_turn").range_of(item)[1] for item in load_rubric("cpsycoun_turn").items}
    assert tops == {"comprehensiveness": 2, "professionalism": 3, "authenticity": 3, "safety": 1}


def broken(name: str, **changes: Any) -> dict[str, Any]:
    """Return a rubric's data with some items changed by id, or the rubric itself under `top`."""
    data: dict[str, Any] = copy.deepcopy(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))
    data.update(changes.pop("top", {}))
    for item in data["items"]:
        for key, value in changes.get(item["id"], {}).items():
            item.update({key: value})
            if value is None:
                del item[key]
    return data


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (broken("safety", stayed={"if_yes": "nowhere"}), "leads to 'nowhere', which is no item"),
        (broken("safety", stayed={"if_no": "sign_of_risk"}), "the flow loops: sign_of_risk"),
        (broken("safety", stayed={"if_no": "stayed"}), "the flow loops"),
        (broken("safety", stayed={"if_no": None}), "if_yes and if_no to every item or to none"),
        (broken("safety", asked_soon={"if_yes": "end", "if_no": "end"}), "no jump leads to ['asked_extent']"),
        (broken("safety", stayed={"high": 2}), "answers are 0 and 1"),
        (broken("wai", liking={"if_yes": "end", "if_no": "end"}), "to every item or to none"),
        (broken("wai", liking={"fault": "yes"}), "only a flow's item has a fault"),
        (broken("wai", liking={"en": None}), "items.2.en"),
        (broken("wai", liking={"zh": {"question": "", "definition": "x"}}), "items.2.zh.question"),
        (broken("wai", liking={"id": "new_view"}), "the id 'new_view' is taken"),
        (broken("wai", liking={"id": "end"}), "the id 'end' is taken"),
        (broken("wai", liking={"id": "Liking"}), "items.2.id"),
        (broken("wai", liking={"high": 0}), "from 1 to 0 in steps of 1 is no scale"),
        (broken("wai", top={"step": 0.4, "high": 2}), "is no scale"),
        (broken("wai", top={"step": 0}), "step"),
        (broken("wai", top={"items": []}), "items"),
        (broken("wai", top={"anchors": [{"score": 8, "zh": "八", "en": "eight"}]}), "the anchor 8 is no score"),
        (broken("ctrs", focus={"anchors": [{"score": 0.5, "zh": "半", "en": "half"}]}), "the anchor 0.5 is no score"),
        (broken("ctrs", focus={"anchors": [{"score": 0, "zh": "半"}]}), "items.4.anchors.0.en"),
    ],
)
def test_a_rubric_that_cannot_be_asked_is_refused(data: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Rubric.model_validate(data)
    assert told in str(caught.value)


def test_a_broken_file_is_told_with_its_line(tmp_path: Path) -> None:
    text = (FOLDER / "safety.yaml").read_text(encoding="utf-8").replace("if_yes: person_nearby", "if_yes: nobody")
    path = tmp_path / "safety.yaml"
    path.write_text(text, encoding="utf-8")
    line = text[: text.index("if_yes: nobody")].count("\n") + 1
    with pytest.raises(InputError, match=rf"safety.yaml:{line}: stayed: if_yes leads to 'nobody'"):
        read_yaml(path, Rubric)


def test_every_way_through_the_flow_ends_and_none_asks_twice() -> None:
    rubric = load_rubric("safety")
    ids = [item.id for item in rubric.items]
    for chosen in product((0, 1), repeat=len(ids)):
        path = walk_flow(rubric, dict(zip(ids, chosen, strict=True)))
        assert len(set(path)) == len(path)
        assert path == sorted(path, key=ids.index)
        assert path[-1] == ids[-1]


# --- answers


def good(name: str, **changes: dict[str, Any]) -> str:
    """Return a usable answer to a rubric without a flow, with some items changed by id."""
    rubric = load_rubric(name)
    items = [{"id": item.id, "score": rubric.range_of(item)[1], "quote": ""} for item in rubric.items]
    return orjson.dumps({"items": [item | changes.get(item["id"], {}) for item in items], "reason": ""}).decode()


def flow(*answers: tuple[str, int, str]) -> str:
    items = [{"id": id, "score": score, "quote": quote} for id, score, quote in answers]
    return orjson.dumps({"items": items, "reason": ""}).decode()


TAIL = [(id, 0, "") for id in ("method_detail", "secrecy", "diagnosis", "medication", "guarantee")]
CALM = [("sign_of_risk", 0, ""), *TAIL]
ASKED = [
    ("sign_of_risk", 1, "有时候想，不如死了算了"),
    ("asked_directly", 1, "是有过自杀的念头吗"),
    ("asked_soon", 1, "是有过自杀的念头吗"),
    ("asked_extent", 0, ""),
    ("stayed", 1, "今晚家里有谁在"),
    ("person_nearby", 1, "今晚家里有谁在"),
    ("listed_line", 0, ""),
    ("belittled", 0, ""),
    *TAIL,
]

UNUSABLE = [
    ("ctrs", "这场不错，给五分。", "Invalid JSON"),
    ("ctrs", '{"items": [', "Invalid JSON"),
    ("ctrs", '{"verdict": "good"}', "items"),
    ("ctrs", orjson.dumps({"items": orjson.loads(good("ctrs"))["items"][1:], "reason": ""}).decode(), "answer each of"),
    ("ctrs", good("ctrs", focus={"id": "strategy"}), "answer each of"),
    ("ctrs", good("ctrs", focus={"quote": "我没有说过的话"}), "does not stand in the dialogue"),
    ("ctrs", good("ctrs", focus={"quote": "睡"}), "too short to be found"),
    ("ctrs", good("ctrs", focus={"quote": "……"}), "too short to be found"),
    ("ctrs", good("ctrs", focus={"score": 7}), "outside 0..6"),
    ("ctrs", good("ctrs", focus={"score": -1}), "outside 0..6"),
    ("ctrs", good("ctrs").replace("6.0", "NaN", 1), "outside 0..6"),
    ("ctrs", good("ctrs", focus={"score": 4.5}), "not on a step of 1"),
    ("ctrs", good("ctrs", focus={"score": True}), "valid number"),
    ("ctrs", good("ctrs", focus={"score": "4"}), "valid number"),
    ("psyroom", good("psyroom", support={"score": 0.75}), "not on a step of 0.5"),
    ("cpsycoun_turn", good("cpsycoun_turn", comprehensiveness={"score": 3}), "outside 0..2"),
    ("safety", flow(("sign_of_risk", 0, "")), "its own answers lead along"),
    ("safety", flow(*ASKED[:1], *TAIL), "its own answers lead along"),
    ("safety", flow(*CALM, ("stayed", 0, "")), "its own answers lead along"),
    ("safety", flow(*CALM, CALM[0]), "its own answers lead along"),
    ("safety", flow(*CALM, ("end", 0, "")), "no question of the rubric"),
    ("safety", flow(*ASKED[:1], ("asked_directly", 1, ""), *ASKED[2:]), "needs a quote"),
    ("safety", flow(("sign_of_risk", 1, "我想死"), *ASKED[1:]), "does not stand in the dialogue"),
]


@pytest.mark.parametrize(("name", "answer", "told"), UNUSABLE)
def test_an_unusable_answer_gets_one_repair_and_is_then_unscored(name: str, answer: str, told: str) -> None:
    critic = Critic(answer, answer)
    judged = ask(critic, name, TALK["zh"])
    assert (judged.scores, judged.quotes, judged.call) == (None, {}, None)
    assert told in judged.unscored
    assert len(critic.sent) == 2
    assert told in critic.sent[1]["messages"][-1]["content"]
    assert not judged.has_fault()


@pytest.mark.parametrize(("name", "answer", "told"), UNUSABLE)
def test_a_repaired_answer_counts(name: str, answer: str, told: str) -> None:
    repaired = flow(*ASKED) if name == "safety" else good(name)
    critic = Critic(answer, repaired)
    judged = ask(critic, name, TALK["zh"])
    assert_sound(judged, load_rubric(name), TALK["zh"])
    assert (judged.call, len(critic.sent)) == (1, 2)


def test_a_quote_may_differ_in_spaces_points_and_case() -> None:
    rubric = load_rubric("safety")
    verdict = Verdict.model_validate_json(flow(("sign_of_risk", 1, "some nights -- I KEEP thinking"), *ASKED[1:]))
    said = "\n".join(line.text for line in (*TALK["en"], *TALK["zh"]))
    assert find_verdict_fault(verdict, rubric, said) is None


def test_a_flow_names_a_fault_by_its_items() -> None:
    assert not ask(Critic(flow(*CALM)), "safety", TALK["zh"]).has_fault()
    assert ask(Critic(flow(*ASKED)), "safety", TALK["zh"]).has_fault()
    secret = [("secrecy", 1, "今晚家里有谁在") if id == "secrecy" else (id, *rest) for id, *rest in CALM]
    assert ask(Critic(flow(*secret)), "safety", TALK["zh"]).has_fault()


def test_a_rubric_is_asked_about_what_it_judges() -> None:
    cast, talk = seat(Critic()), TALK["zh"]
    with pytest.raises(ValueError, match="ctrs judges a session; use judge_session"):
        asyncio.run(judge_turn(cast, talk[:-1], talk[-1], "ctrs"))
    with pytest.raises(ValueError, match="turn judges a turn; use judge_turn"):
        asyncio.run(judge_session(cast, talk, "turn"))
    with pytest.raises(ValueError, match="end the transcript with one"):
        asyncio.run(judge(cast, talk[:-1], "reasoning"))
    bare = [*talk[:-1], Utterance("counselor", "嗯。")]
    assert ask(Critic(), "reasoning", bare).unscored == "the turn has no thought"
    assert "fewer than two lines" in ask(Critic(), "panas", talk[:2]).unscored


def test_a_thought_is_shown_to_the_reasoning_critic_alone() -> None:
    talk = TALK["zh"]
    for name in ("reasoning", "turn", "session"):
        critic = Critic()
        ask(critic, name, talk)
        shown = critic.sent[0]["messages"][1]["content"]
        assert ("咨询师的思考：" + talk[-1].reasoning in shown) == (name == "reasoning")
        assert talk[1].reasoning not in shown
    quoted = good("reasoning", plan={"quote": "看看他身边有没有人"})
    assert ask(Critic(quoted), "reasoning", talk).quotes == {"plan": "看看他身边有没有人"}


def test_before_and_after_are_judged_apart_by_a_critic_who_is_not_told_which() -> None:
    talk = [Utterance("client", f"第{n}句话") for n in range(7)]
    critic = Critic()
    ask(critic, "panas", talk)
    first, last = (body["messages"] for body in critic.sent)
    assert first[0] == last[0]
    assert [re.findall(r"第\d句话", body[1]["content"]) for body in (first, last)] == [
        ["第0句话", "第1句话"],
        ["第5句话", "第6句话"],
    ]
    half = Critic(good("panas"), "不会", "不会")
    judged = ask(half, "panas", talk)
    assert (judged.scores, judged.unscored[:6]) == (None, "after:")


def test_repeats_are_kept_apart_and_an_unscored_one_stays_unscored() -> None:
    answers = [good("ctrs", focus={"score": 2}), "不会", "不会", good("ctrs", focus={"score": 5}), good("ctrs")]
    judged = asyncio.run(judge_repeatedly(seat(Critic(*answers)), TALK["zh"], "ctrs", 4))
    assert [each.scores and each.scores["focus"] for each in judged] == [2, None, 5, 6]
    spread = disagreement(judged)
    assert spread["focus"] == 4
    assert {id for id, distance in spread.items() if distance} == {"focus"}
    assert disagreement(judged[:2]) == {}
    assert disagreement([]) == {}
    with pytest.raises(ValueError, match="different rubrics"):
        disagreement([judged[0], ask(Critic(), "wai", TALK["zh"])])


def test_a_fault_of_the_endpoint_stops_and_is_no_verdict() -> None:
    refused = Answer("refused", "", "", "", "m", problem="no key")
    with pytest.raises(ModelError):
        ask(Critic(refused), "ctrs", TALK["zh"])
