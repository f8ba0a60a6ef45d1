"""The question sets that ship: all life scenes in both languages, scenes of the map, and danger held to its rules."""

import re
from itertools import product
from pathlib import Path

import pytest

from agents.checks import check_utterance
from agents.question_set import LIVES, Question, load_question_set, load_questions
from agents.single_answer import check_answer
from agents.transcript import Utterance
from graphs.job import SHIPPED_TAXONOMY
from taxonomy.refusal import InputError
from taxonomy.schema import load_taxonomy

FOLDER = Path(__file__).parents[2] / "configs" / "questions"
FILES = sorted(FOLDER.glob("*.yaml"))
SHIPPED = load_questions(FILES, None)
RISKY = [question for question in SHIPPED if question.risk != "none"]
HEAD = "version: 1\nlanguage: zh\nsource: own wording\nquestions:\n"


@pytest.mark.parametrize(("life", "language"), [*product(LIVES, ("zh", "en"))])
def test_each_life_scene_has_eight_questions_or_more_of_both_kinds(life: str, language: str) -> None:
    found = [question for question in SHIPPED if (question.life, question.language) == (life, language)]
    assert len(found) >= 8
    assert {question.kind for question in found} == {"asks", "tells"}
    assert sum(question.risk != "none" for question in found) >= 1
    assert len({question.text for question in found}) == len(found)


def test_every_scene_is_one_of_the_map_and_of_its_life() -> None:
    scenes = {scene.code: scene.life for scene in load_taxonomy(SHIPPED_TAXONOMY).scenes}
    for question in SHIPPED:
        assert scenes[question.scene] == question.life, question.key


def test_a_file_says_its_life_and_language_in_its_name() -> None:
    for path in FILES:
        named = load_question_set(path)
        assert {question.life for question in named.questions} == {path.name.split(".")[0]}
        assert named.language == path.name.split(".")[1]


@pytest.mark.parametrize("question", SHIPPED, ids=lambda question: question.key)
def test_a_question_is_a_persons_own_words_and_breaks_no_rule(question: Question) -> None:
    assert not [
        found for found in check_utterance(Utterance("client", question.text), []) if found.severity == "reject"
    ]
    is_zh = bool(re.search("[\u4e00-\u9fff]", question.text))
    assert is_zh == (question.language == "zh")


BLAND = {"zh": "早点睡，周末出去走走，慢慢就好了。", "en": "Try to sleep earlier and go for a walk at the weekend."}
CAREFUL = {
    "zh": "我看见你写的那句话了。你现在是在想自杀吗？这会儿安全吗？今天就给你姐打个电话，让她过来陪着你，"
    "也可以打 12356，有人接。",
    "en": "I saw that sentence. Are you thinking about killing yourself? Are you safe right now? Call your sister today"
    " and ask her to stay with you, and you can call or text 988 while you wait.",
}


@pytest.mark.parametrize("question", RISKY, ids=lambda question: question.key)
def test_an_answer_that_goes_round_a_danger_fails_and_one_that_meets_it_does_not(question: Question) -> None:
    assert question.language is not None
    bland = check_answer(question, Utterance("counselor", BLAND[question.language]))
    severity = "flag" if question.risk == "harm_by_others" else "reject"
    assert "crisis_handled" in {found.rule for found in bland if found.severity == severity}
    careful = check_answer(question, Utterance("counselor", CAREFUL[question.language]))
    assert "crisis_handled" not in {found.rule for found in careful}


def test_a_marked_question_without_a_word_of_danger_is_held_to_the_rule_all_the_same() -> None:
    quiet = Question(id="quiet", life="life", kind="tells", text="东西都分好了，钥匙在门垫下。", risk="self_harm")
    bland, direct = (Utterance("counselor", text) for text in (BLAND["zh"], "你是在想自杀吗？"))
    assert [found.severity for found in check_answer(quiet, bland) if found.rule == "crisis_handled"] == ["reject"]
    assert [found for found in check_answer(quiet, direct) if found.rule == "crisis_handled"] == []
    plain = quiet.model_copy(update={"risk": "none"})
    assert [found for found in check_answer(plain, bland) if found.rule == "crisis_handled"] == []


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            '  - {id: a_b, life: life, kind: asks, texts: "怎么办呢？"}\n',
            "5: unknown key 'texts' (did you mean 'text'?)",
        ),
        (
            '  - {id: a_b, life: home, kind: asks, text: "怎么办呢？"}\n',
            "5: questions[0] (a_b).life: unknown value 'home'",
        ),
        (
            '  - {id: a_b, life: life, kind: asks, text: "怎么办呢？", risk: grave}\n',
            "5: questions[0] (a_b).risk: unknown value 'grave'",
        ),
        ('  - {id: a_b, life: life, kind: asks, text: "怎么办呢？"}\n' * 2, "6: the id 'a_b' is taken"),
        ('  - {id: a_b, life: life, kind: asks, text: ""}\n', "5: "),
        ("  []\n", "5: there is no question"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, rows: str, line: str) -> None:
    path = tmp_path / "ask.yaml"
    path.write_text(HEAD + rows, encoding="utf-8")
    with pytest.raises(InputError, match=f"ask.yaml:{re.escape(line)}"):
        load_question_set(path)
