"""A text of an evaluation file is noticed inside a dialogue, changed a little or in part, and nothing else is."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from store.bands import normalise
from store.decontamination import Evaluation, find_overlap, load_evaluation
from taxonomy.refusal import InputError
from tests.bench.minhash import edit, make_text
from tests.real_data import DATA, read_dialogues, read_rows

QUESTION = "我妈妈上个月住院以后，家里的账都是我在管，弟弟一分钱也不出，我该不该跟他翻脸？"
SHORT = "被裁员以后不敢告诉爸妈怎么办？"
ENGLISH = "My sister borrowed my car in March and now tells everyone I never lent it. Should I confront her at dinner?"
CHANGED = [
    QUESTION,
    QUESTION.replace("，", " ").replace("？", "!!\n"),
    "我妈妈上个月　住院以后,家里的账都是我在管，弟弟一分钱也不出｡我该不该跟他翻脸",
    "嗯，其实是这样。" + QUESTION + "我已经想了一个星期。",
]


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return path


def wrap(*said: str) -> list[str]:
    """Return a dialogue in which somebody says this."""
    return ["你好，我不知道从哪里说起。", "没关系，慢慢来，我在听。", *said, "听起来这件事压了你很久。"]


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    rows = [{"id": "a", "question": SHORT}, {"id": "b", "question": QUESTION, "answer": "先" * 5}, {"text": ENGLISH}]
    return load_evaluation([write(tmp_path / "exam.jsonl", *rows)])


@pytest.mark.parametrize("said", CHANGED)
def test_a_question_hidden_in_a_dialogue_is_found_whatever_its_marks_and_width(
    evaluation: Evaluation, said: str
) -> None:
    found = find_overlap(evaluation, wrap(said))
    assert found is not None
    assert (found.file, found.row, found.how, found.share) == ("exam.jsonl", 2, "verbatim", 1)


def test_a_question_in_letters_is_found_whatever_its_case(evaluation: Evaluation) -> None:
    found = find_overlap(evaluation, wrap("Well... " + ENGLISH.upper().replace(" ", "\n")))
    assert found is not None
    assert (found.row, found.how) == (3, "verbatim")


def test_a_question_of_a_few_words_counts_only_where_it_is_said_as_it_stands(evaluation: Evaluation) -> None:
    found = find_overlap(evaluation, wrap("老师，" + SHORT.replace("？", "……")))
    assert found is not None
    assert (found.row, found.how) == (1, "verbatim")
    assert find_overlap(evaluation, wrap(SHORT.replace("爸妈", "家人"))) is None
    assert find_overlap(evaluation, wrap(SHORT[:8], SHORT[8:])) is None


@pytest.mark.parametrize(
    "said",
    [
        "谢谢你，我会试试的。",
        "我妈妈上个月住院了，我很担心她。",
        "弟弟不肯出钱，我在想该不该跟他翻脸。",
        "被裁员以后，我一直没有告诉爸妈。",
        "My sister borrowed my car and I do not know how to talk to her.",
        "",
        "。。。",
        "\ud800",
    ],
)
def test_the_same_topic_in_other_words_is_not_found(evaluation: Evaluation, said: str) -> None:
    assert find_overlap(evaluation, wrap(said)) is None


def test_nothing_said_overlaps_with_nothing(evaluation: Evaluation) -> None:
    assert find_overlap(evaluation, []) is None
    assert find_overlap(load_evaluation([]), wrap(QUESTION)) is None


def test_a_part_of_a_long_text_is_found(tmp_path: Path) -> None:
    text = make_text(np.random.default_rng(5), 600)
    evaluation = load_evaluation([write(tmp_path / "a.jsonl", {"question": text})])
    assert len(evaluation.sizes) == 8
    for start in (0, 130, 430):
        found = find_overlap(evaluation, wrap(text[start : start + 150]))
        assert found is not None
        assert found.share > 0.5
    assert find_overlap(evaluation, wrap(text[200:230])) is None


@pytest.mark.parametrize(("length", "least"), [(28, 0.8), (40, 0.85), (60, 0.99), (100, 1.0), (300, 1.0)])
def test_a_text_with_five_percent_of_its_characters_edited_is_found(tmp_path: Path, length: int, least: float) -> None:
    words, chance = np.random.default_rng(6), random.Random(6)
    texts = [make_text(words, length) for _ in range(300)]
    evaluation = load_evaluation([write(tmp_path / "a.jsonl", *({"question": text} for text in texts))])
    rows = [find_overlap(evaluation, wrap(edit(text, 0.05, chance))) for text in texts]
    assert np.mean([found is not None and found.row == row for row, found in enumerate(rows, start=1)]) >= least


def test_every_shape_of_file_is_read(tmp_path: Path) -> None:
    shapes = {
        "messages.jsonl": [
            {"messages": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "嗯"}]}
        ],
        "script.jsonl": [{"text": f"来访者：{QUESTION}\n咨询师：嗯。"}],
        "choice.jsonl": [{"stem": {"zh": QUESTION}, "options": ["甲", "乙"], "key": 1}],
        "bare.jsonl": [7, QUESTION],
    }
    for name, rows in shapes.items():
        found = find_overlap(load_evaluation([write(tmp_path / name, *rows)]), wrap(QUESTION))
        assert found is not None, name
        assert (found.file, found.row) == (name, len(rows))
    whole, plain = tmp_path / "whole.json", tmp_path / "plain.txt"
    whole.write_text(json.dumps([{"question": SHORT}, {"question": QUESTION}], ensure_ascii=False), encoding="utf-8")
    plain.write_text(f"{SHORT}\n\n{QUESTION}\n", encoding="utf-8")
    both = load_evaluation([whole, plain])
    assert find_overlap(both, [QUESTION]) == find_overlap(load_evaluation([whole]), [QUESTION])
    found = find_overlap(load_evaluation([plain]), [QUESTION])
    assert found is not None
    assert (found.file, found.row) == ("plain.txt", 3)


def test_rows_that_nothing_protects_are_counted_and_a_file_of_them_refused(tmp_path: Path) -> None:
    evaluation = load_evaluation([write(tmp_path / "a.jsonl", {"question": QUESTION}, {"question": "怎么办"}, None)])
    assert evaluation.skipped == 2
    with pytest.raises(InputError, match=r"thanks\.jsonl: no row holds a question of 10"):
        load_evaluation([write(tmp_path / "thanks.jsonl", {"answer": "好的"})])
    with pytest.raises(InputError, match="does not exist"):
        load_evaluation([tmp_path / "none.jsonl"])


def test_an_evaluation_is_held_as_hashes_of_bounded_size(tmp_path: Path) -> None:
    words = np.random.default_rng(7)
    texts = [make_text(words, 400) for _ in range(200)]
    evaluation = load_evaluation([write(tmp_path / "a.jsonl", *({"question": text} for text in texts))])
    assert evaluation.bytes_held <= 24 * sum(map(len, texts))


def test_posts_planted_in_real_dialogues_are_found_edited_or_in_part() -> None:
    posts = [row["text"] for row in read_rows("self_descriptions_zh")]
    evaluation = load_evaluation([DATA / "self_descriptions_zh.jsonl"])
    chance = random.Random(8)
    missed = {"whole": 0, "edited": 0, "part, edited": 0}
    for row in range(1, len(posts), 3):
        post, (_, lines) = posts[row - 1], read_dialogues("cpsycound_sample")[row]
        said = [line.text for line in lines]
        for how, text in zip(missed, (post, edit(post, 0.05, chance), edit(post[:120], 0.05, chance)), strict=True):
            found = find_overlap(evaluation, [*said[:2], text, *said[2:]])
            missed[how] += found is None or found.row != row
    assert missed["whole"] == missed["edited"] == 0
    assert missed["part, edited"] <= 3


def test_questions_in_letters_are_found_when_edited() -> None:
    questions = [row["question"] for row in read_rows("counsel_chat_qa_en")][:120]
    evaluation = load_evaluation([DATA / "counsel_chat_qa_en.jsonl"])
    chance = random.Random(10)
    long = [text for text in questions if len(normalise(text)) >= 60]
    found = [find_overlap(evaluation, wrap(edit(text, 0.05, chance))) for text in long]
    assert len(long) >= 80
    assert np.mean([overlap is not None for overlap in found]) >= 0.98


@pytest.mark.parametrize(
    ("data", "against", "most"),
    [
        ("smile_sample", "cpsycound_sample", 0),
        ("emopsy_sample", "cpsycound_sample", 2),
        ("smile_sample", "case_reports_zh", 0),
        ("cpsycound_sample", "self_descriptions_zh", 0),
        ("emopsy_sample", "psyguard_valid", 0),
        ("smile_sample", "counsel_chat_qa_en", 0),
    ],
)
def test_real_data_that_share_no_source_raise_few_false_alarms(data: str, against: str, most: int) -> None:
    read_rows(against)
    dialogues = read_dialogues(data)[:150]
    evaluation = load_evaluation([DATA / f"{against}.jsonl"])
    found = [find_overlap(evaluation, [line.text for line in lines]) for _, lines in dialogues]
    alarms = [overlap for overlap in found if overlap is not None]
    assert len(alarms) <= most
    assert all(overlap.how == "near" for overlap in alarms)


def test_real_data_of_one_source_are_found_out() -> None:
    evaluation = load_evaluation([DATA / "self_descriptions_zh.jsonl"])
    posts = [normalise(row["text"]) for row in read_rows("self_descriptions_zh")]
    found = 0
    for _, lines in read_dialogues("smile_sample")[:400]:
        overlap = find_overlap(evaluation, [line.text for line in lines])
        if overlap is not None and overlap.how == "verbatim":
            said = [normalise(line.text) for line in lines]
            post = posts[overlap.row - 1]
            assert any(post[start : start + 50] in line for line in said for start in range(len(post) - 49))
            found += 1
    assert found >= 4
