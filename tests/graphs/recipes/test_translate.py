"""Holds translate to its method: each line is held to its source, asked for once more, and nothing is lost."""

import json
import re
import sqlite3
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

import agents.translation
from agents.checks.version import checks_version
from agents.translation_checks import LIKE_ENOUGH
from graphs.judge import main as judge
from graphs.trace import rebuild_requests
from store.db import open_db
from taxonomy.command import run_main
from tests.graphs.conftest import Factory, Result, read_dialogues, read_rows
from tests.graphs.scripted import script

SEEDS = Path(__file__).parents[1] / "seeds"
QUESTION = (
    "I am 34 and I have been anxious for 2 years, mostly at night when the flat goes quiet."
    " My counselor says I should write it down. Does that help anybody?"
)
ANSWER = "It helps some people. Write 3 lines before bed, close the book, and bring it to your next meeting with her."
ZH = {
    QUESTION: "我34岁，焦虑了2年，多半是夜里，屋里静下来的时候。我的咨询师说，该把它写下来。这真能帮到谁吗？",
    ANSWER: "对有些人有用。睡前写3行，合上本子，下次见她的时候带上。",
}
BACK = {zh: en for en, zh in ZH.items()}
NUMBERED = re.compile(r"^\[(\d+)\] (?:Client: |Counselor: |来访者：|咨询师：)?(.*)$", re.MULTILINE)


def write(lines: list[str]) -> str:
    return orjson.dumps({"lines": lines}).decode()


def translate_by(book: Mapping[str, str]) -> Callable[[int, str], str]:
    """Return a translator who knows these lines, and says anything else back as it is."""

    def answer(_: int, asked: str) -> str:
        # In a later request stands what was asked before; what is asked now comes last.
        last = re.split(r"^(?=\{\"lines\")", asked, flags=re.MULTILINE)[-1]
        return write([book.get(text, text) for _, text in NUMBERED.findall(last)])

    return answer


def play(monkeypatch: pytest.MonkeyPatch, *answers: str, back: Callable[[int, str], str] | None = None) -> None:
    """Let the translator give these answers in turn, and the reader read back truly, or as is wanted."""
    script(monkeypatch, "writer", lambda number, asked: answers[number])
    script(monkeypatch, "assessor", back or translate_by(BACK))


def run(factory: Factory, tmp_path: Path, *flags: object, **row: str) -> Result:
    (tmp_path / "asked.jsonl").write_text(json.dumps({"id": "q-1", **row}), encoding="utf-8")
    return factory("--recipe", "translate", "--seeds", "asked.jsonl", *flags, "--json")


def read_made(kind: str) -> list[Any]:
    query = "SELECT body FROM artefacts WHERE kind = :kind ORDER BY dialogue_id, number"
    return [json.loads(row.body) for row in read_rows(query, kind=kind)]


def read_sent(agent: str, run: int = 1) -> list[str]:
    sent = [
        (call.position, call.number, body)
        for call, body in rebuild_requests(open_db("sqlite:///factory.db"), run)
        if call.agent == agent
    ]
    return ["\n\n".join(part["content"] for part in json.loads(body)["messages"]) for _, _, body in sorted(sent)]


def test_a_question_and_its_answer_are_translated_and_name_where_they_come_from(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, write([ZH[QUESTION], ZH[ANSWER]]))
    assert run(factory, tmp_path, question=QUESTION, answer=ANSWER).summary["outcomes"] == {"done": 1}
    assert read_dialogues()["1/0"] == [("client", ZH[QUESTION], ""), ("counselor", ZH[ANSWER], "")]
    record = read_rows(
        "SELECT d.language, d.recipe, s.file, s.row, s.row_id, s.text FROM dialogues d JOIN seeds s ON s.id = d.seed_id"
    )[0]
    assert tuple(record) == ("zh", "translate", "asked.jsonl", 1, "q-1", QUESTION)
    source = read_made("source")[0]
    assert [line["text"] for line in source["lines"]] == [QUESTION, ANSWER]
    assert (source["language"], source["terms"]) == ("en", ["anxiety", "counselor"])
    assert {line["likeness"] for line in read_made("read_back")[0]} == {1.0}
    assert read_made("refused") == []
    asked = read_sent("writer")[0]
    assert "- anxiety：焦虑" in asked
    assert "- counselor：咨询师" in asked


def test_the_reader_sees_the_translation_and_nothing_of_the_source(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, write([ZH[QUESTION], ZH[ANSWER]]))
    run(factory, tmp_path, question=QUESTION, answer=ANSWER)
    shown = read_sent("assessor")[0]
    assert ZH[QUESTION] in shown
    assert ZH[ANSWER] in shown
    for source in (QUESTION, ANSWER):
        assert not [part for part in re.split(r"[.?,]", source) if len(part) > 12 and part in shown]


BAD = {
    "language": (QUESTION, "it is not in zh"),
    "length": ("我34岁，焦虑了2年，咨询师。", "something is left out"),
    "figure": (ZH[QUESTION].replace("34", "43"), "the figure 34 of the original is missing"),
    "term": (ZH[QUESTION].replace("焦虑", "担心"), "anxiety is 焦虑 here"),
    "hotline": (ZH[QUESTION] + "打12356。", "the figure 12356 does not stand in the original"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_line_that_fails_is_asked_for_once_more_with_the_reason_and_the_rest_stands(
    factory: Factory, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, told = BAD[fault]
    play(monkeypatch, write([bad, ZH[ANSWER]]), write([ZH[QUESTION]]))
    assert run(factory, tmp_path, question=QUESTION, answer=ANSWER).summary["outcomes"] == {"done": 1}
    assert [text for _, text, _ in read_dialogues()["1/0"]] == [ZH[QUESTION], ZH[ANSWER]]
    again = read_sent("writer")[1]
    assert told in again
    assert bad in again
    assert ANSWER not in again
    assert [(one["line"], told in one["reason"]) for one in read_made("refused")] == [(1, True)]
    assert [(draft["line"], draft["try"]) for draft in read_made("draft")] == [(1, 1), (2, 1), (1, 2)]


@pytest.mark.parametrize("fault", BAD)
def test_a_line_that_fails_twice_rejects_the_session_with_the_reason(
    factory: Factory, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, told = BAD[fault]
    play(monkeypatch, write([bad, ZH[ANSWER]]), write([bad]))
    assert run(factory, tmp_path, question=QUESTION, answer=ANSWER).summary["outcomes"] == {"rejected": 1}
    record = read_rows("SELECT reason, end_reason FROM dialogues")[0]
    assert record.reason.startswith("line 1: ")
    assert told in record.reason
    assert record.end_reason == "rejected"
    assert read_dialogues() == {}
    assert read_sent("assessor") == [], "what the checks refuse is not read back"


OTHER = "我34岁，焦虑，2年前买了一条狗，它天天在楼下叫，邻居都来敲门。我的咨询师也养狗，她说叫两声没事。"
DOG = "I am 34 and anxious. Two years ago I bought a dog that barks all day, and my counselor has one as well."


@pytest.mark.parametrize("is_mended", [True, False])
def test_a_translation_that_tells_something_else_is_found_when_it_is_read_back(
    factory: Factory, tmp_path: Path, is_mended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = ZH[QUESTION] if is_mended else OTHER
    play(monkeypatch, write([OTHER]), write([second]), back=translate_by({OTHER: DOG, **BACK}))
    told = run(factory, tmp_path, question=QUESTION)
    assert told.summary["outcomes"] == {"done" if is_mended else "rejected": 1}
    assert "I bought a dog that barks all day" in read_sent("writer")[1]
    first, last = read_made("read_back")
    assert first[0]["likeness"] < LIKE_ENOUGH["en"]
    assert (last[0]["likeness"] == 1) == is_mended
    reason = read_rows("SELECT reason FROM dialogues")[0].reason
    assert reason is None if is_mended else reason.startswith("line 1: read back, it says")


def test_an_answer_with_too_few_lines_is_repaired_once_and_then_fails(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, write([ZH[QUESTION] + ZH[ANSWER]]), write([ZH[QUESTION] + ZH[ANSWER]]))
    assert run(factory, tmp_path, question=QUESTION, answer=ANSWER).summary["outcomes"] == {"failed": 1}
    assert read_rows("SELECT error_kind FROM dialogues")[0].error_kind == "invalid_json"


def test_a_stored_talk_keeps_its_speakers_and_its_lines_and_names_its_parent(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents.translation, "MOST_LINES", 10)
    factory("--recipe", "interactive", "--language", "en", "--count", 2, "--set", "exchanges=8")
    talks = read_dialogues()
    english = sorted({text for lines in talks.values() for _, text, _ in lines})
    # Words of about the length that a translation has, each its own.
    marks = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃星宿列张寒来暑往秋收冬藏"
    zh = {
        text: ("说" + marks[n % len(marks)] + marks[n // len(marks)] * 2 + "这么些话" * 60)[: max(4, len(text) // 3)]
        for n, text in enumerate(english)
    }
    script(monkeypatch, "writer", translate_by(zh))
    script(monkeypatch, "assessor", translate_by({chinese: text for text, chinese in zh.items()}))
    told = factory("--recipe", "translate", "--stored", "dialogues:1", "--json")
    assert told.summary["outcomes"] == {"done": 2}, read_rows("SELECT reason FROM dialogues")
    made = read_dialogues()
    for position in range(2):
        source, target = talks[f"1/{position}"], made[f"2/{position}"]
        assert [speaker for speaker, _, _ in target] == [speaker for speaker, _, _ in source]
        assert [text for _, text, _ in target] == [zh[text] for _, text, _ in source]
    records = read_rows("SELECT parent_id, language FROM dialogues WHERE run_id = 2 ORDER BY position")
    assert [tuple(row) for row in records] == [("1/0", "zh"), ("1/1", "zh")]
    lengths = [len(lines) for id, lines in talks.items() if id.startswith("1/")]
    assert max(lengths) > 10
    assert len(read_sent("writer", 2)) == sum(-(-length // 10) for length in lengths)


def test_danger_that_only_the_source_shows_waits_for_a_person(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grave = "Most nights I lie there and think I could kill myself, and I have told nobody at all about it so far."
    mild = "多数夜里我躺着，心里转着那个念头，到现在一个人也没告诉过，谁都没有。"
    play(monkeypatch, write([mild]), back=translate_by({mild: grave}))
    assert run(factory, tmp_path, question=grave).summary["outcomes"] == {"done": 1}
    assert [row.is_crisis for row in read_rows("SELECT is_crisis FROM dialogues")] == [1]


def test_a_foreign_number_to_call_is_neither_replaced_nor_passed_over(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = "If it comes close tonight you can call 911, and let your sister know so that you are not by yourself."
    zh = "今晚要是念头近了，可以打911，再让你姐姐知道，别一个人待着。"
    swapped = zh.replace("911", "120")
    play(monkeypatch, write([ZH[QUESTION], swapped]), write([zh]), back=translate_by({zh: answer, **BACK}))
    assert run(factory, tmp_path, question=QUESTION, answer=answer).summary["outcomes"] == {"done": 1}
    assert "the figure 911 of the original is missing" in read_made("refused")[0]["reason"]
    found = read_rows("SELECT exchange, speaker, severity, reason FROM findings WHERE rule = 'foreign_line'")
    assert [tuple(row)[:3] for row in found] == [(1, "counselor", "reject")]
    assert "911" in found[0].reason
    decided = read_rows("SELECT choice, reasons FROM decisions")[0]
    assert decided.choice == "reject"
    assert "foreign_line" in decided.reasons
    with sqlite3.connect("factory.db") as db:
        db.execute("UPDATE dialogues SET checks = NULL")
    monkeypatch.setattr(sys, "argv", ["graphs.judge"])
    with pytest.raises(SystemExit):
        run_main(judge)
    assert read_rows("SELECT checks FROM dialogues")[0].checks == checks_version()
    kept = read_rows("SELECT count(*) FROM findings WHERE rule = 'foreign_line'")
    assert kept[0][0] == 1, "judging again has no source to find it by"


def test_what_is_in_the_language_already_costs_no_call(factory: Factory, tmp_path: Path) -> None:
    told = run(factory, tmp_path, question=ZH[QUESTION])
    assert (told.summary["outcomes"], told.summary["calls"]) == ({"rejected": 1}, 0)
    assert read_rows("SELECT reason FROM dialogues")[0].reason == "it is in zh already"


def test_an_english_set_becomes_chinese_questions_and_answers_with_reasoning(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, write([ZH[QUESTION]]))
    told = run(factory, tmp_path, "--set", "answer=off", question=QUESTION, answer=ANSWER)
    assert told.summary["outcomes"] == {"done": 1}
    assert read_dialogues()["1/0"] == [("client", ZH[QUESTION], "")]
    told = factory("--recipe", "distill", "--stored", "dialogues:1", "--set", "reasoning=required", "--json")
    assert told.summary["outcomes"] == {"done": 1}
    (asked, said), record = (
        read_dialogues()["2/0"],
        read_rows("SELECT parent_id, language FROM dialogues ORDER BY id")[1],
    )
    assert asked[:2] == ("client", ZH[QUESTION])
    assert said[2]
    assert tuple(record) == ("1/0", "zh")
    copies = read_rows("SELECT dialogue_id FROM findings WHERE rule = 'near_copy'")
    assert copies == [], "what is made of a dialogue may say again what stands in it"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_rehearsal_model_writes_in_the_language_and_is_found_out_when_read_back(
    factory: Factory, language: str
) -> None:
    seeds = SEEDS / ("translate.zh.jsonl" if language == "zh" else "distill.zh.jsonl")
    flags = ("--recipe", "translate", "--set", f"to={language}", "--seeds", seeds, "--json")
    unread = factory(*flags, "--set", "back_check=off").summary
    assert unread["outcomes"].get("done", 0) >= 6
    assert {row.language for row in read_rows("SELECT language FROM dialogues WHERE outcome = 'done'")} == {language}
    assert {row.agent for row in read_rows("SELECT agent FROM calls")} == {"writer"}
    assert factory(*flags, "--fresh").summary["outcomes"] == {"rejected": 12}
