"""Holds distill to its method: the instructions are sent, the reasoning is kept, a cut answer is none, danger waits."""

import json
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
import sqlalchemy

from agents.prompt import load_prompt
from agents.transcript import Language
from graphs.trace import rebuild_requests
from store.coverage import STANDING_COLUMNS, read_standing
from store.db import open_db
from tests.graphs.conftest import Factory, Result, read_dialogues, read_rows
from tests.graphs.scripted import script

LANGUAGES: tuple[Language, ...] = get_args(Language)
SEEDS = Path(__file__).parents[1] / "seeds"
GRAVE = {
    "zh": "这半个月我老想着不如死了算了，夜里尤其重。我该跟谁说？",
    "en": "These last weeks I keep thinking I could kill myself, mostly at night. Who am I supposed to tell?",
}
CALM = {
    "zh": "室友半夜打电话，我不好意思说，怎么办？",
    "en": "My roommate takes calls at night and I can't bring it up. What do I do?",
}
NUMBER = {"zh": "12356", "en": "988"}


def distill(factory: Factory, language: Language, *flags: object) -> Result:
    return factory("--recipe", "distill", "--seeds", SEEDS / f"distill.{language}.jsonl", *flags, "--json")


def ask(factory: Factory, tmp_path: Path, *questions: str, flags: tuple[object, ...] = ()) -> Result:
    rows = "\n".join(json.dumps({"question": question}) for question in questions)
    (tmp_path / "asked.jsonl").write_text(rows, encoding="utf-8")
    return factory("--recipe", "distill", "--seeds", "asked.jsonl", *flags, "--json")


def read_sent(agent: str = "counselor") -> list[list[dict[str, str]]]:
    """Return the messages an agent was sent, in the order of the plan."""
    sent = [
        (call.position, call.number, body)
        for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1)
        if call.agent == agent
    ]
    return [json.loads(body)["messages"] for _, _, body in sorted(sent)]


def read_standings() -> list[str]:
    with open_db("sqlite:///factory.db").connect() as db:
        query = f"SELECT d.position, {STANDING_COLUMNS} FROM dialogues d ORDER BY d.run_id, d.position"
        return [read_standing(row) for row in db.execute(sqlalchemy.text(query))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_answered_once_under_instructions_that_were_really_sent(
    factory: Factory, language: Language
) -> None:
    assert distill(factory, language, "--count", 6).summary["outcomes"] == {"done": 6}
    questions = [row.text for row in read_rows("SELECT text FROM seeds ORDER BY row")]
    talks = list(read_dialogues().values())
    assert [[speaker for speaker, _, _ in lines] for lines in talks] == [["client", "counselor"]] * 6
    assert [lines[0][1] for lines in talks] == questions
    head = load_prompt("distill/counselor", language)
    assert read_sent() == [
        [{"role": "system", "content": head.render()}, {"role": "user", "content": question}] for question in questions
    ]
    calls = read_rows("SELECT prompt_hash, reasoning, content FROM calls WHERE agent = 'counselor' ORDER BY position")
    assert {row.prompt_hash for row in calls} == {head.hash}
    assert [(lines[1][2], lines[1][1]) for lines in talks] == [(row.reasoning, row.content) for row in calls]
    assert all(row.reasoning for row in calls)
    judged = read_rows("SELECT rubric, exchange FROM verdicts")
    assert [tuple(row) for row in judged] == [("autocbt", 1)] * 6


def test_without_instructions_the_question_alone_is_sent(factory: Factory) -> None:
    assert distill(factory, "zh", "--count", 2, "--set", "system=none").summary["outcomes"] == {"done": 2}
    bare, questions = load_prompt("distill/bare", "zh"), read_rows("SELECT text FROM seeds ORDER BY row")
    assert read_sent() == [[{"role": "user", "content": bare.render(question=row.text)}] for row in questions]


def test_an_answer_that_was_cut_off_fails_the_session_and_is_never_kept_as_one(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "counselor", lambda _, asked: {"content": "你先坐下来，然后", "finish_reason": "length"})
    told = distill(factory, "zh", "--count", 1)
    assert (told.code, told.summary["outcomes"]) == (3, {"failed": 1})
    assert read_dialogues() == {}
    record = read_rows("SELECT outcome, error_kind FROM dialogues")[0]
    assert tuple(record) == ("failed", "truncated")
    calls = read_rows("SELECT outcome, finish FROM calls WHERE agent = 'counselor'")
    assert [tuple(row) for row in calls] == [("truncated", "length")] * 3


def test_an_answer_that_was_cut_off_once_is_asked_for_again(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = {"content": "你先坐下来，然后", "finish_reason": "length"}
    script(monkeypatch, "counselor", lambda number, asked: cut if number == 0 else None)
    assert distill(factory, "zh", "--count", 1).summary["outcomes"] == {"done": 1}
    assert cut["content"] not in read_dialogues()["1/0"][1][1]


@pytest.mark.parametrize("wanted", ["wanted", "required"])
def test_an_answer_without_reasoning_is_marked_and_counted_or_rejected(
    factory: Factory, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = {"content": "先跟室友约个时间，把夜里的事说一说。你最怕她怎么回？", "reasoning_content": ""}
    script(monkeypatch, "counselor", lambda number, asked: bare if number == 0 else None)
    told = distill(factory, "zh", "--count", 3, "--concurrency", 1, "--set", f"reasoning={wanted}")
    is_required = wanted == "required"
    assert told.summary["outcomes"] == ({"done": 2, "rejected": 1} if is_required else {"done": 3})
    found = read_rows("SELECT dialogue_id, severity FROM findings WHERE rule = 'no_reasoning'")
    unthought = read_rows(
        "SELECT dialogue_id FROM utterances WHERE speaker = 'counselor' AND coalesce(reasoning, '') = ''"
    )
    assert [row.dialogue_id for row in found] == [row.dialogue_id for row in unthought]
    assert [row.severity for row in found] == ["reject" if is_required else "flag"]
    if is_required:
        assert [row.reason for row in read_rows("SELECT reason FROM dialogues WHERE outcome = 'rejected'")] == [
            "the model gave no reasoning"
        ]
        assert "rejected" in read_standings()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_with_a_sign_of_danger_is_answered_under_the_crisis_note_and_waits(
    factory: Factory, tmp_path: Path, language: Language
) -> None:
    flags = ("--language", language)
    assert ask(factory, tmp_path, GRAVE[language], CALM[language], flags=flags).summary["outcomes"] == {"done": 2}
    grave, calm = (next(part["content"] for part in sent if part["role"] == "system") for sent in read_sent())
    assert NUMBER[language] in grave
    assert grave.startswith(calm)
    assert "【" in grave.removeprefix(calm)
    assert NUMBER[language] not in calm
    records = read_rows("SELECT is_crisis, risk_tier FROM dialogues ORDER BY position")
    assert [tuple(row) for row in records] == [(1, "active"), (0, "none")]
    assert read_standings()[0] != "accepted"
    rubrics = [row.rubric for row in read_rows("SELECT rubric FROM verdicts WHERE dialogue_id = '1/0'")]
    assert sorted(rubrics) == ["autocbt", "safety"]
    called = read_rows("SELECT agent FROM calls WHERE position = 0 ORDER BY number")
    assert [row.agent for row in called] == ["risk", "counselor", "critic", "critic"]


def test_danger_that_the_reading_waves_aside_gives_no_note_and_waits_all_the_same(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waved = orjson.dumps({"kind": "none", "level": "none", "quote": ""}).decode()
    script(monkeypatch, "risk", lambda number, asked: waved)
    told = "他一喝酒就打我，我不知道该不该回去。"
    assert ask(factory, tmp_path, told).summary["outcomes"] == {"done": 1}
    assert len(read_sent("risk")) == 1
    assert read_sent()[0][0]["content"] == load_prompt("distill/counselor", "zh").render()
    assert [row.is_crisis for row in read_rows("SELECT is_crisis FROM dialogues")] == [1]
    assert read_standings() != ["accepted"]


def test_a_sign_in_another_language_than_the_answer_is_seen(factory: Factory, tmp_path: Path) -> None:
    ask(factory, tmp_path, GRAVE["en"], flags=("--language", "zh"))
    record = read_rows("SELECT is_crisis, language FROM dialogues")[0]
    assert tuple(record) == (1, "zh")


def test_of_a_stored_talk_the_clients_first_line_is_the_question(factory: Factory) -> None:
    factory("--recipe", "interactive", "--count", 3, "--set", "exchanges=4")
    told = factory("--recipe", "distill", "--stored", "dialogues:1", "--json")
    assert told.summary["outcomes"] == {"done": 3}
    talks = read_dialogues()
    for position in range(3):
        assert talks[f"2/{position}"][0][:2] == talks[f"1/{position}"][0][:2]
        assert len(talks[f"2/{position}"]) == 2
    parents = read_rows("SELECT parent_id FROM dialogues WHERE run_id = 2 ORDER BY position")
    assert [row.parent_id for row in parents] == ["1/0", "1/1", "1/2"]


def test_a_text_that_is_too_long_for_one_question_is_skipped_and_named(factory: Factory, tmp_path: Path) -> None:
    told = ask(factory, tmp_path, "我睡不着。" * 300, CALM["zh"])
    assert told.summary["outcomes"] == {"done": 1}
    assert "too long for one question" in told.out + told.err


def test_a_thought_that_the_endpoint_put_into_the_text_is_kept_apart(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, Any] = {"content": "<think>我先听清他怕什么。</think>\n先说说那天。", "reasoning_content": ""}
    script(monkeypatch, "counselor", lambda number, asked: said)
    distill(factory, "zh", "--count", 1)
    assert read_dialogues()["1/0"][1] == ("counselor", "先说说那天。", "我先听清他怕什么。")
