"""Holds patient_psi to its score: who heard only the talk draws the diagram again, and right and wrong score apart."""

import json
from typing import get_args

import pytest

from agents.conceptualization import Diagram
from agents.transcript import Language
from tests.graphs.conftest import Factory, read_dialogues, read_rows
from tests.graphs.recipes.test_patient_psi import HAND_MADE, read_made, read_requests, run
from tests.graphs.scripted import script

LANGUAGES: tuple[Language, ...] = get_args(Language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_assessor_hears_the_whole_talk_and_its_score_is_stored(factory: Factory, language: Language) -> None:
    run(factory, language, 6)
    hidden, rebuilt, scores = read_made("diagram"), read_made("rebuilt"), read_made("recovery")
    assert len(scores) == 6
    heard = {dialogue: text for dialogue, role, text in read_requests() if role == "assessor"}
    for dialogue, lines in read_dialogues().items():
        assert all(text in heard[dialogue] for _, text, _ in lines)
        ((score,), (drawn,), (true,)) = scores[dialogue], rebuilt[dialogue], hidden[dialogue]
        assert len(Diagram.model_validate(true["diagram"]).situations) >= 3
        kinds = [sorted({one.split("_")[0] for one in part["core_beliefs"]}) for part in (true["diagram"], drawn)]
        assert [score["hidden"], score["rebuilt"]] == kinds
        assert score["is_recovered"] == (kinds[0] == kinds[1])
        assert 0 <= score["categories"] <= 1
        assert score["unscored"] == ""


@pytest.mark.parametrize(
    ("answer", "categories", "is_recovered"),
    [
        (["unlovable_alone"], 1, True),
        (["unlovable_left", "helpless_stuck"], 0.5, False),
        (["worthless_bad"], 0, False),
        (["helpless_stuck", "unlovable_left", "worthless_bad"], 0.3333, False),
    ],
)
def test_a_right_and_a_wrong_answer_score_apart(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, answer: list[str], categories: float, is_recovered: bool
) -> None:
    core = {key: value for key, value in HAND_MADE.items() if key not in ("name", "situations")}
    drawn = core | {"core_beliefs": answer, "situation": HAND_MADE["situations"][0]}
    script(monkeypatch, "planner", lambda number, asked: json.dumps(HAND_MADE))
    script(monkeypatch, "assessor", lambda number, asked: json.dumps(drawn))
    run(factory, "zh", 1)
    ((score,),) = read_made("recovery").values()
    assert (score["categories"], score["is_recovered"], score["emotions"]) == (categories, is_recovered, 1)


def test_an_answer_that_cannot_be_read_is_unscored_and_the_session_stands(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "assessor", lambda number, asked: "no idea")
    run(factory, "en", 1)
    ((score,),) = read_made("recovery").values()
    assert "assessor gave no usable Rebuilt" in score["unscored"]
    assert (score["categories"], score["is_recovered"]) == (None, None)
    assert read_made("rebuilt") == {}
    assert read_rows("SELECT outcome FROM dialogues")[0][0] == "done"
