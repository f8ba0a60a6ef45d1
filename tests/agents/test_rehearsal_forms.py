"""The rehearsal model fills a form it has never seen: valid by its schema, quoting the material, the same each time."""

from typing import Annotated, Literal

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field

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


def ask(form: type[BaseModel], language: str, seed: int = 1) -> str:
    schema = {"name": form.__name__, "schema": form.model_json_schema()}
    messages = [{"role": "system", "content": HEADS[language]}]
    messages += [{"role": "user", "content": line} for line in LINES[language]]
    wanted = {"type": "json_schema", "json_schema": schema}
    body = {"model": "rehearsal-planner", "messages": messages, "response_format": wanted, "seed": seed}
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
