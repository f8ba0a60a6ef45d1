"""The prompts: both languages alike, strict about values, clean of what must not stand in them."""

import re
from hashlib import blake2b
from itertools import product
from typing import Any, get_args

import pytest

from agents.critic import render_rubric
from agents.hotlines import emergency_for, lines_for
from agents.memory import Memory
from agents.patient import STYLES as TALKING_STYLES
from agents.problem_steps import STEPS
from agents.profile import FIELD_NAMES
from agents.prompt import FOLDER, PromptError, list_prompts, list_variables, load_prompt
from agents.risk import LEVELS, Kind
from agents.stage import STAGES
from agents.supervision import Advice
from agents.transcript import Language
from taxonomy.plan import APPROACHES, ATTITUDES, ENDINGS, STYLES
from tests.agents.prompt_values import JSON_IDS, MEMORY, NO_VALUES, VALUES

LANGUAGES: tuple[Language, ...] = ("zh", "en")
IDS = list_prompts()
BOTH = list(product(IDS, LANGUAGES))
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
    assert trick in render("catch/text", language, text=trick)
    assert trick in render("notechat/note", language, note=trick)
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
    parts = {render("patient_psi/part", language, style=each) for each in TALKING_STYLES}
    steps = ("middle", "late")
    softened = {render("patient_psi/trust", language, style=s, step=step) for s in TALKING_STYLES for step in steps}
    assert (len(parts), len(softened)) == (6, 12)
    assert len({render("sudosys/step", language, step=each) for each in STEPS}) == len(STEPS)
    assert render("notechat/lead", language) != render("notechat/lead", language, keywords=[])
    assert len({render("catch/stage", language, ending=each) for each in ENDINGS}) >= 7
    assert len({render("sudosys/stage_ask", language, step=each) for each in STEPS[:-1]}) == len(STEPS) - 1


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
