"""The prompts: both languages alike, strict about values, clean of what must not stand in them."""

import re
from hashlib import blake2b
from itertools import product
from typing import Any, get_args

import pytest

from agents.critic import render_rubric
from agents.hotlines import emergency_for, lines_for
from agents.memo import Memo as CaseMemo
from agents.memo import MemoPlan
from agents.memory import Memory
from agents.profile import FIELD_NAMES
from agents.prompt import FOLDER, PromptError, list_prompts, list_variables, load_prompt
from agents.risk import LEVELS, Kind
from agents.stage import STAGES
from agents.supervision import Advice
from agents.transcript import Language
from taxonomy.plan import APPROACHES, ATTITUDES, ENDINGS, STYLES

LANGUAGES: tuple[Language, ...] = ("zh", "en")
IDS = list_prompts()
BOTH = list(product(IDS, LANGUAGES))
MEMORY = Memory(facts=["夜里三点醒"], affect="堵得慌", goals=["睡着"], open_ends=["她妈"])
CASE_MEMO = CaseMemo(
    situation="四十岁，两个月前换了班组",
    problem="一听到叫自己就手心出汗",
    plan=MemoPlan(goal="听得见叫就应一声", technique="认知行为", steps=["看最近一次", "下次只问一件事"]),
    reflections="睡眠还没有谈到",
)
TRAITS = {"openness": "low", "extraversion": "middle", "neuroticism": "high"}
PERSONA = {"attitude": "open", "style": "plain", "big_five": TRAITS}
PROFILE = [("称呼", "小周"), ("年龄", "31")]

SECTIONS = [("基本情况", "小周，24，女"), ("主要困扰", "论文退回来，我就想我不行。")]
KNOWN = {"demographics": "小周，24，女", "reason": "睡不好，想找人说说。"}

VALUES: dict[str, dict[str, Any]] = {
    "cactus/answer": {**KNOWN, "technique": "pie_chart", "plan": "先弄清那天的事。"},
    "cactus/writer_ask": {
        "sections": SECTIONS,
        "manner": "neutral",
        "technique": "pie_chart",
        "plan": "先弄清那天的事。",
        "exchanges": 12,
    },
    "cbt/client": {"sections": SECTIONS, "manner": "negative"},
    "cbt/intake_ask": {
        "material": "三月起睡不好。",
        "emotion": "委屈",
        "scene": "论文与科研",
        "age": 24,
        "gender": "female",
        "risk": "只露一点影子",
    },
    "cbt/planner_ask": {**KNOWN, "first_line": "来是来了。"},
    "autocbt/advice": {"advice": [Advice(1, "empathy", "第一句太急。")]},
    "autocbt/consult": {"question": "室友不理我。", "draft": "先别急着认错。"},
    "autocbt/route": {"open": ["empathy", "user"]},
    "autocbt/supervisor": {"supervisor": "empathy"},
    "cast/repair": {"problem": "move: choose one"},
    "client/profile": {
        "profile": PROFILE,
        "attitude": "open",
        "style": "plain",
        "ending": "lighter",
    },
    "client/pace": {"pace": "brief"},
    "client/ending": {"ending": "lighter"},
    "counselor/head": {"approach": "cbt"},
    "counselor/stage": {"stage": "exploring", "move": "enter"},
    "counselor/memory": {"memory": MEMORY},
    "counselor/pace": {"pace": "long"},
    "counselor/crisis": {
        "kind": "self_harm",
        "level": "plan",
        "lines": lines_for("zh"),
        "emergency": emergency_for("zh"),
    },
    "counselor/rewrite": {"draft": "会好的。", "reasons": ["安慰得太快"]},
    "cpsycoun/memo": {"memo": CASE_MEMO},
    "cpsycoun/report": {"report": "来访者，四十岁，说一听到组长叫自己就手心出汗。"},
    "critic/turn_head": {"rubric": render_rubric("turn", "zh")},
    "critic/session_head": {"rubric": render_rubric("session", "zh")},
    "inner_voice/ask": {"reply": "嗯。", "reasoning": "先接住。"},
    "inner_voice/rewrite": {"reasons": ["没有听到细节"]},
    "intake/cell": {
        "emotion": "委屈",
        "definition": "做了却没被看见",
        "family": "悲伤",
        "scene": "论文与科研",
        "scene_definition": "读研的人",
        "age": 24,
        "gender": "female",
        "risk": "passive",
        "risk_definition": "只露一点影子",
        **PERSONA,
    },
    "intake/text": {"text": "三月起睡不好。", **PERSONA},
    "interactive/client": {"profile": "三月起睡不好。"},
    "magnet/merger_ask": {"drafts": [("questioning", "那天谁在？")], "techniques": ["questioning"]},
    "magnet/selector": {"plan": "先弄清那天的事。"},
    "magnet/specialist": KNOWN,
    "magnet/specialist_note": {"technique": "normalization"},
    "memory/ask": {"memory": MEMORY},
    "psyroom/counselor": {"reasons": ["安慰得太快"]},
    "psyroom/step": {"step": "advise"},
    "risk/ask": {"words": ["不想在了"]},
    "smile/head": {"mode": "smile"},
    "smile/source": {"question": "室友不理我。", "answer": "先别急着认错。"},
    "stage/ask": {
        "stage": "exploring",
        "exchanges_in_stage": 4,
        "exchanges_left": 9,
        "moves": ["stay", "advance"],
    },
}
NO_VALUES = {
    "autocbt/counselor",
    "autocbt/router",
    "cactus/writer",
    "cbt/intake",
    "cbt/planner",
    "client/head",
    "client/opening",
    "cpsycoun/planner",
    "cpsycoun/role_play",
    "cpsycoun/writer",
    "critic/session_ask",
    "critic/turn_ask",
    "inner_voice/head",
    "intake/head",
    "interactive/counselor",
    "interactive/opening",
    "magnet/merger",
    "magnet/selector_ask",
    "memory/head",
    "risk/head",
    "smile/ask",
    "stage/head",
}
JSON_IDS = [
    "cactus/writer",
    "cast/repair",
    "cbt/intake",
    "cbt/planner",
    "cpsycoun/planner",
    "cpsycoun/role_play",
    "cpsycoun/writer",
    "critic/session_head",
    "critic/turn_head",
    "inner_voice/head",
    "intake/head",
    "memory/head",
    "risk/head",
    "smile/head",
    "stage/head",
]
"""The prompts of the agents that answer in JSON: an endpoint's JSON mode asks for the word."""

FORBIDDEN = {
    "a phone-like number": r"(?<!\d)(?!100(?!\d))\d{3,}|\d(?:[ -]?\d){5,}",
    "a percentage": r"\d\s*[%％]|百分之|per ?cent\b",
    "a model's name": r"(?i)gpt|claude|gemini|llama|qwen|deepseek|mistral|chatglm|kimi|千问|豆包|文心",
    "a chat-template token": r"(?i)<\|?/?[a-z_]+\|?>|\[/?inst\]|<<sys>>",
    "a sampling setting": r"(?i)temperature|top_p|max_tokens|stop token",
}


def render(id: str, language: Language, **changes: Any) -> str:
    return load_prompt(id, language).render(**{**VALUES.get(id, {}), **changes})


def test_every_prompt_is_known_here() -> None:
    assert set(IDS) == set(VALUES) | NO_VALUES


@pytest.mark.parametrize("id", IDS)
def test_both_languages_take_the_same_values_in_the_same_version(id: str) -> None:
    zh, en = (load_prompt(id, language) for language in LANGUAGES)
    assert list_variables(id, "zh") == list_variables(id, "en") == set(VALUES.get(id, {}))
    assert zh.version == en.version >= 1
    assert zh.text != en.text


@pytest.mark.parametrize(("id", "language"), BOTH)
def test_a_prompt_renders_stripped_and_without_leftovers(id: str, language: Language) -> None:
    text = render(id, language)
    assert text
    assert text == text.strip()
    assert not re.search(r"\{[{%#]|[#%}]\}", text)


@pytest.mark.parametrize(("id", "language"), BOTH)
def test_a_missing_value_is_refused_with_the_prompt_named(id: str, language: Language) -> None:
    for name in VALUES.get(id, {}):
        values = {key: value for key, value in VALUES[id].items() if key != name}
        with pytest.raises(PromptError, match=f"{id}.*{language}.*{name}"):
            load_prompt(id, language).render(**values)


def test_a_missing_prompt_names_the_file_to_add() -> None:
    with pytest.raises(PromptError) as caught:
        load_prompt("x/y", "zh")
    assert str(caught.value) == "no prompt 'x/y' in 'zh': add agents/prompts/x/y.zh.md"


@pytest.mark.parametrize("language", LANGUAGES)
def test_jinja_in_a_value_is_only_text(language: Language) -> None:
    trick = "{{ 7 * 7 }}{% for x in y %}{# z #} <b>&"
    assert trick in render("counselor/rewrite", language, draft=trick)
    assert trick in render("counselor/rewrite", language, reasons=[trick])
    assert trick in render("counselor/memory", language, memory=Memory(**{**vars(MEMORY), "affect": trick}))
    assert trick in render("client/profile", language, profile=[("x", trick)])
    assert trick in render("interactive/client", language, profile=trick)
    assert trick in render("inner_voice/ask", language, reply=trick)
    assert trick in render("inner_voice/ask", language, reasoning=trick)
    assert trick in render("intake/text", language, text=trick)
    assert trick in render("autocbt/consult", language, question=trick)
    assert trick in render("autocbt/consult", language, draft=trick)
    assert trick in render("autocbt/advice", language, advice=[Advice(1, "empathy", trick)])
    assert trick in render("psyroom/counselor", language, reasons=[trick])
    assert trick in render("cast/repair", language, problem=trick)


def test_a_value_cannot_reach_out_of_the_sandbox() -> None:
    prompt = load_prompt("cast/repair", "en")
    unsafe = type(prompt)("x/y", "en", 1, "", "{{ a.__class__.__mro__ }}", b"")
    with pytest.raises(PromptError):
        unsafe.render(a="")


def test_the_hash_is_that_of_the_file() -> None:
    data = (FOLDER / "stage/head.zh.md").read_bytes()
    assert load_prompt("stage/head", "zh").hash == blake2b(data, digest_size=12).digest()
    hashes = {load_prompt(id, language).hash for id, language in BOTH}
    assert len(hashes) == len(BOTH)


@pytest.mark.parametrize(("id", "language"), BOTH)
def test_no_prompt_holds_what_must_not_be_said(id: str, language: Language) -> None:
    text = re.sub(r"\{[{%].*?[%}]\}", "", load_prompt(id, language).text)
    for what, pattern in FORBIDDEN.items():
        found = re.search(pattern, text)
        assert not found, f"{id}.{language}: {what}: {found}"


@pytest.mark.parametrize("id", [id for id in IDS if id.endswith("counselor") or "counselor/" in id])
def test_a_counselor_prompt_takes_nothing_of_the_profile(id: str) -> None:
    allowed = {"approach", "stage", "move", "memory", "pace"}
    allowed |= {"level", "kind", "lines", "emergency", "draft", "reasons"}
    for language in LANGUAGES:
        variables = list_variables(id, language)
        assert variables <= allowed
        assert not variables & {"profile", "client", "plan", *FIELD_NAMES[language]}


@pytest.mark.parametrize(("id", "language"), [*product(["counselor/head", "client/head"], LANGUAGES)])
def test_a_head_begins_with_a_long_fixed_part(id: str, language: Language) -> None:
    """What is the same in every session comes first, where a prefix cache can serve it."""
    fixed = re.split(r"\{[{%]", load_prompt(id, language).text, maxsplit=1)[0]
    assert len(fixed) >= 500


@pytest.mark.parametrize(("id", "language"), [*product(JSON_IDS, LANGUAGES)])
def test_an_agent_that_answers_in_json_is_told_so(id: str, language: Language) -> None:
    assert "JSON" in load_prompt(id, language).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_branch_says_something_of_its_own(language: Language) -> None:
    heads = {render("counselor/head", language, approach=approach) for approach in APPROACHES}
    assert len(heads) == len(APPROACHES)
    fixed = load_prompt("counselor/head", language).text.split("{%")[0].strip()
    assert all(len(head) > len(fixed) + 50 for head in heads)
    stages = {render("counselor/stage", language, stage=stage) for stage in STAGES}
    assert len(stages) == len(STAGES)
    back = {render("counselor/stage", language, stage=stage, move="step_back") for stage in STAGES}
    assert all(note.startswith("【") and note.endswith("】") for note in stages | back)
    for id in ("client/pace", "counselor/pace"):
        notes = {render(id, language, pace=pace) for pace in ("brief", "long")}
        assert len(notes) == 2
        assert all(note.startswith("【") and note.endswith("】") for note in notes)
    assert len({render("client/ending", language, ending=each) for each in ENDINGS}) == len(ENDINGS)
    assert len({render("client/profile", language, style=each) for each in STYLES}) == len(STYLES)
    assert len({render("client/profile", language, attitude=each) for each in ATTITUDES}) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_memory_goes_on_from_the_former_one_or_from_none(language: Language) -> None:
    first, later = render("memory/ask", language, memory=None), render("memory/ask", language)
    assert "夜里三点醒" in later
    assert first != later
    empty = Memory(facts=[], affect="", goals=[], open_ends=[])
    assert render("counselor/memory", language, memory=empty).startswith("【")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_critic_is_given_each_item_and_the_scale(language: Language) -> None:
    for name in ("turn", "session"):
        rubric = render_rubric(name, language)
        text = render(f"critic/{name}_head", language, rubric=rubric)
        assert str(rubric.low) in text
        assert str(rubric.high) in text
        for item in rubric.items:
            assert re.search(rf"(?m)^- {item.id}[:：]", text)
            assert item.question in text
            assert item.definition in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_crisis_note_says_the_listed_numbers_and_no_other(language: Language) -> None:
    lines, emergency = lines_for(language), emergency_for(language)
    allowed = f"{[(line.number, line.name, line.hours) for line in lines]} {emergency}"
    told = {}
    for kind, level in product(get_args(Kind), LEVELS):
        if "none" in (kind, level):
            continue
        values = {"kind": kind, "level": level, "lines": lines, "emergency": emergency}
        note = told[kind, level] = render("counselor/crisis", language, **values)
        assert note.startswith("【")
        assert note.endswith("】")
        assert all(line.number in note for line in lines) == (kind == "self_harm")
        assert all(number in note for number in emergency)
        assert set(re.findall(r"\d+", note)) <= set(re.findall(r"\d+", allowed))
        bare = render("counselor/crisis", language, **{**values, "lines": (), "emergency": ()})
        assert not re.search(r"\d", bare)
    assert len({told["self_harm", level] for level in LEVELS[1:]}) == len(LEVELS) - 1
    assert len({told[kind, "plan"] for kind in get_args(Kind)[1:]}) == 3
