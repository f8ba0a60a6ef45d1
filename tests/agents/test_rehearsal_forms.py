"""The rehearsal model fills a form it has never seen: valid by its schema, quoting the material, the same each time."""

import re
from typing import Annotated, Literal

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from agents.checks.lexicon import language_of
from agents.prompt import load_prompt
from agents.rehearsal.reply import reply
from agents.script import Script, find_script_fault

LINES = {
    "zh": ["来访者：我连着三晚睡不着，一闭眼就是那个报表。", "咨询师：嗯，三晚。", "来访者：我妈还让我再忍忍。"],
    "en": ["Client: I haven't slept for three nights.", "Counselor: Three nights.", "Client: My mother says bear it."],
}
HEADS = {"zh": "你是一名督导，读完这段谈话，写出计划。", "en": "You supervise. Read the talk and write a plan."}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    goal: str
    quote: str
    strength: Annotated[int, Field(ge=1, le=5)]


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    technique: Literal["reflection", "questioning", "normalisation"]
    parts: Annotated[list[Part], Field(min_length=2, max_length=4)]
    tags: Annotated[list[Literal["a", "b", "c"]], Field(min_length=2)]
    note: Annotated[str, Field(min_length=60)]
    short: Annotated[str, Field(max_length=6)]
    doubt: str | None
    is_ready: bool


def ask(form: type[BaseModel], language: str, seed: int = 1, role: str = "planner") -> str:
    schema = {"name": form.__name__, "schema": form.model_json_schema()}
    messages = [{"role": "system", "content": HEADS[language]}]
    messages += [{"role": "user", "content": line} for line in LINES[language]]
    wanted = {"type": "json_schema", "json_schema": schema}
    body = {"model": f"rehearsal-{role}", "messages": messages, "response_format": wanted, "seed": seed}
    return reply(body).content


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_strange_form_is_filled_validly_and_quotes_what_was_said(language: str) -> None:
    for seed in range(20):
        answer = ask(Plan, language, seed)
        plan = Plan.model_validate_json(answer)
        said = " ".join(LINES[language])
        assert all(part.quote and part.quote in said for part in plan.parts)
        assert len(set(plan.tags)) == len(plan.tags)
        assert answer == ask(Plan, language, seed)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_whole_talk_is_well_formed_and_about_the_material(language: str) -> None:
    script = Script.model_validate_json(ask(Script, language))
    assert find_script_fault(script.turns, 10) is None
    texts = [line.text for line in script.turns]
    assert len(set(texts)) > 0.7 * len(texts)
    assert orjson.loads(ask(Script, language)) == orjson.loads(ask(Script, language))


@pytest.mark.parametrize("role", ["stage", "memory", "intake", "critic"])
def test_a_role_with_forms_of_its_own_fills_a_strange_one_like_any_other(role: str) -> None:
    assert Plan.model_validate_json(ask(Plan, "en", role=role))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_of_a_labelled_talk_the_clients_lines_are_the_material(language: str) -> None:
    client = " ".join(line for line in LINES[language] if line.startswith(("来访者", "Client")))
    quotes = [part.quote for seed in range(20) for part in Plan.model_validate_json(ask(Plan, language, seed)).parts]
    assert len(set(quotes)) > 1, "only one line of the talk is read"
    assert all(quote in client for quote in quotes)


class Short(BaseModel):
    model_config = ConfigDict(extra="forbid")

    quote: Annotated[str, Field(max_length=14)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_short_quote_breaks_no_word_and_comes_from_no_direction_and_no_repair(language: str) -> None:
    told = {
        "zh": "我连着三晚睡不着，一闭眼就是那个报表。\n【写出最短的一句】",
        "en": "I haven't slept for three nights, the report is there.\n【Write the shortest one】",
    }[language]
    repair = load_prompt("cast/repair", "zh" if language == "zh" else "en").render(problem="quote: too long")
    thread = [("system", HEADS[language]), ("user", told), ("assistant", "{}"), ("user", repair)]
    messages = [{"role": role, "content": content} for role, content in thread]
    wanted = {"type": "json_schema", "json_schema": {"name": "Short", "schema": Short.model_json_schema()}}
    for seed in range(20):
        body = {"model": "rehearsal-planner", "messages": messages, "response_format": wanted, "seed": seed}
        quote = Short.model_validate_json(reply(body).content).quote
        assert quote in told.splitlines()[0]
        assert language == "zh" or set(quote.split()) <= set(re.findall(r"[\w']+", told.splitlines()[0]))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_talk_goes_on_from_the_lines_that_were_said(language: str) -> None:
    first = [line.text for line in Script.model_validate_json(ask(Script, language)).turns]
    label = {"zh": ("来访者：", "咨询师："), "en": ("Client: ", "Counselor: ")}[language]
    said = [label[number % 2] + line for number, line in enumerate(first[:8])]
    messages = [{"role": "system", "content": HEADS[language]}, {"role": "user", "content": "\n\n".join(said)}]
    wanted = {"type": "json_schema", "json_schema": {"name": "Script", "schema": Script.model_json_schema()}}
    body = {"model": "rehearsal-writer", "messages": messages, "response_format": wanted}
    script = Script.model_validate_json(reply(body).content)
    assert find_script_fault(script.turns, 10) is None
    greeting = {
        "zh": "随意坐|头一回见|慢慢来|先坐稳|先缓一缓",
        "en": "Settle in|Get comfortable|Take your time|No hurry",
    }[language]
    assert not re.match(greeting, script.turns[1].text)
    assert not {line.text for line in script.turns if len(line.text) > 12} & {
        line for line in first[:8] if len(line) > 12
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_numbered_lines_have_a_text_each_of_about_their_length_in_the_language_of_the_instructions(
    language: str,
) -> None:
    told = [
        "My sister picked a girl from school as her bridesmaid, and I smiled all day and went home alone.",
        "You smiled all day.",
        "我从那天起就没有跟她说过一句话，也没有人来问过我怎么了，饭桌上谁都不提。",
    ]
    shown = "\n\n".join(f"[{number}] Client: {line}" for number, line in enumerate(told, 1))
    form = create_model("Lines", lines=(list[str], Field(min_length=3, max_length=3)))
    wanted = {"type": "json_schema", "json_schema": {"name": "Lines", "schema": form.model_json_schema()}}
    messages = [{"role": "system", "content": HEADS[language]}, {"role": "user", "content": shown}]
    for seed in range(10):
        body = {"model": "rehearsal-writer", "messages": messages, "response_format": wanted, "seed": seed}
        lines = orjson.loads(reply(body).content)["lines"]
        assert [language_of(line) for line in lines] == [language] * 3
        for line, source in zip(lines, told, strict=True):
            usual = len(source) * (1 if language_of(source) == language else 0.3 if language == "zh" else 3.3)
            assert len(line) >= 0.8 * usual
            assert len(line) <= usual + (40 if language == "zh" else 130)
