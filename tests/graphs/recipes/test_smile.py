"""SMILE: a question and its answer become a well-formed talk that says where it comes from."""

import json
from pathlib import Path

import pytest

from agents.transcript import Language
from graphs.recipes.smile import GRAM, cut_grams
from store.report.speech import load_finders
from tests import real_data
from tests.graphs.conftest import Factory, read_dialogues, read_rows

SEEDS = Path(__file__).parents[1] / "seeds"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
COUNT = 6


def seeds(language: Language) -> Path:
    return SEEDS / f"smile.{language}.jsonl"


def read_pairs(language: Language) -> list[dict[str, str]]:
    return [json.loads(line) for line in seeds(language).read_text(encoding="utf-8").splitlines()]


def check_form(speakers: list[str]) -> None:
    """Hold a talk to the method: client first, turns taken, counselor last, ten exchanges at least."""
    assert speakers[::2] == ["client"] * len(speakers[::2])
    assert speakers[1::2] == ["counselor"] * len(speakers[::2])
    assert len(speakers) >= 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_talk_is_well_formed_after_at_most_one_repair_and_names_its_row(
    factory: Factory, language: Language
) -> None:
    told = factory("--recipe", "smile", "--seeds", seeds(language), "--count", COUNT, "--json")
    assert told.summary["outcomes"] == {"done": COUNT}
    talks = read_dialogues()
    assert len(talks) == COUNT
    for lines in talks.values():
        check_form([speaker for speaker, _, _ in lines])
    asked = read_rows("SELECT count(*) FROM calls WHERE agent = 'writer' GROUP BY position")
    assert len(asked) == COUNT
    assert all(count <= 2 for (count,) in asked)
    query = (
        "SELECT d.position, d.language, s.file, s.row, s.row_id, s.text FROM dialogues d"
        " JOIN seeds s ON s.id = d.seed_id ORDER BY d.position"
    )
    pairs = read_pairs(language)
    assert [tuple(row) for row in read_rows(query)] == [
        (n, language, f"smile.{language}.jsonl", n + 1, pairs[n]["id"], pairs[n]["question"]) for n in range(COUNT)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_likeness_to_the_source_and_advice_are_kept_with_each_talk(factory: Factory, language: Language) -> None:
    factory("--recipe", "smile", "--seeds", seeds(language), "--count", COUNT, "--set", "critic=off")
    rows = read_rows("SELECT dialogue_id, body, exchange FROM artefacts WHERE kind = 'measures'")
    measured = {row.dialogue_id: json.loads(row.body) for row in rows}
    talks = read_dialogues()
    assert measured.keys() == talks.keys()
    find = load_finders()[language]["advice"]
    for id, lines in talks.items():
        replies = [text for speaker, text, _ in lines if speaker == "counselor"]
        share = sum(find(text) is not None for text in replies) / len(replies)
        assert measured[id]["advice"] == pytest.approx(share)
        assert 0 < measured[id]["likeness"] < 1
    assert read_rows("SELECT count(*) FROM calls WHERE agent = 'critic'")[0][0] == 0


def test_a_talk_that_repeats_its_source_is_wholly_alike_and_one_about_something_else_is_not() -> None:
    question, answer = (read_pairs("zh")[0][key] for key in ("question", "answer"))
    source = cut_grams(f"{question}\n{answer}", GRAM["zh"])
    assert cut_grams(question, GRAM["zh"]) <= source
    other = cut_grams(read_pairs("zh")[3]["answer"], GRAM["zh"])
    assert len(other & source) / len(other) < 0.3


def test_the_modes_differ_in_what_the_writer_is_shown(factory: Factory) -> None:
    pair = read_pairs("zh")[0]
    shown = {}
    for mode in ("smile", "plain", "cot"):
        factory(
            *("--recipe", "smile", "--seeds", seeds("zh"), "--count", 1, "--db", f"sqlite:///{mode}.db"),
            *("--set", f"mode={mode}", "--set", "critic=off"),
        )
        db = f"sqlite:///{mode}.db"
        sent = "\n".join(row.content for row in read_rows("SELECT content FROM messages", db))
        kinds = {row.kind for row in read_rows("SELECT kind FROM artefacts", db)}
        shown[mode] = (pair["question"] in sent, pair["answer"] in sent, kinds)
        check_form([row.speaker for row in read_rows("SELECT speaker FROM utterances ORDER BY number", db)])
    assert shown == {
        "smile": (True, True, {"measures"}),
        "plain": (False, False, {"measures"}),
        "cot": (True, True, {"measures", "thought"}),
    }


def test_a_row_without_an_answer_worth_rewriting_is_skipped_and_named(factory: Factory, tmp_path: Path) -> None:
    good = read_pairs("en")[0]
    rows = [{"question": "Why?"}, {"question": "Why?", "answer": "Because."}, good]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = factory("--recipe", "smile", "--seeds", "rows.jsonl", "--json")
    assert told.summary["outcomes"] == {"done": 1}
    assert (
        "skipped 2 rows: rows.jsonl:1 no answer; rows.jsonl:2 an answer of length 1, too short" in told.out + told.err
    )


def test_a_cell_is_no_seed_for_it(factory: Factory) -> None:
    told = factory("--recipe", "smile")
    assert told.code == 2
    assert "recipe 'smile' runs on text, not on a cell" in told.err


def test_twenty_real_questions_give_nineteen_talks_or_more(factory: Factory) -> None:
    real_data.read_rows("counsel_chat_qa_en")
    path = real_data.DATA / "counsel_chat_qa_en.jsonl"
    told = factory("--recipe", "smile", "--seeds", path, "--count", 20, "--set", "critic=off", "--json")
    assert told.summary["outcomes"].get("done", 0) >= 19
    for lines in read_dialogues().values():
        check_form([speaker for speaker, _, _ in lines])
