"""MAGneT: one plan, five drafts and a choice for each reply, and a counselor's side that never read the story."""

import json
from collections import Counter
from typing import Any, get_args

import pytest

from agents.transcript import Language
from graphs.recipes.magnet import SPECIALISTS, Switches, estimate
from graphs.trace import rebuild_requests
from graphs.units import CellUnits
from store.db import open_db
from taxonomy.schema import load_taxonomy
from tests.graphs.conftest import TAXONOMY, Factory, read_dialogues, read_rows

LANGUAGES: tuple[Language, ...] = get_args(Language)
COUNT, EXCHANGES = 2, 4
COUNSELORS_SIDE = {"planner", "adviser", "counselor"}
LEAK: dict[Language, int] = {"zh": 6, "en": 24}
"""Characters of a form that stand in a request by chance at most."""


def play(factory: Factory, language: Language, *switches: str) -> None:
    given = [flag for switch in (f"exchanges={EXCHANGES}", *switches) for flag in ("--set", switch)]
    told = factory("--recipe", "magnet", "--language", language, "--count", COUNT, *given)
    assert told.code == 0, told.out + told.err
    assert read_rows("SELECT count(*) FROM dialogues WHERE outcome = 'done'")[0][0] == COUNT


def read_artefacts(kind: str) -> dict[int, list[tuple[int, Any, int]]]:
    """Return (exchange, body, call) of one kind of artefact, by position."""
    rows = read_rows(
        "SELECT d.position, a.exchange, a.body, a.call_number FROM artefacts a JOIN dialogues d ON d.id = a.dialogue_id"
        " WHERE a.kind = :kind ORDER BY d.position, a.number",
        kind=kind,
    )
    made: dict[int, list[tuple[int, Any, int]]] = {}
    for row in rows:
        made.setdefault(row.position, []).append((row.exchange, json.loads(row.body), row.call_number))
    return made


def count_calls() -> dict[int, Counter[str]]:
    """Return the calls of each session by the node that made them."""
    counts: dict[int, Counter[str]] = {}
    for row in read_rows("SELECT position, branch FROM calls"):
        counts.setdefault(row.position, Counter())[row.branch] += 1
    return counts


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_plan_is_made_and_each_reply_has_five_drafts_a_choice_and_one_merger(
    factory: Factory, language: Language
) -> None:
    play(factory, language)
    said = {int(key.split("/")[1]): lines for key, lines in read_dialogues().items()}
    calls = {
        (row.position, row.number): row for row in read_rows("SELECT position, number, branch, content FROM calls")
    }
    plans, drafts, choices = (read_artefacts(kind) for kind in ("plan", "draft", "techniques"))
    assert sorted(said) == [0, 1]
    for position, lines in said.items():
        ((exchange, plan, call),) = plans[position]
        assert (exchange, calls[position, call].branch) == (0, "planner")
        assert plan["plan"]
        replies = [text for speaker, text, _ in lines if speaker == "counselor"]
        assert len(replies) >= EXCHANGES
        merged = [row.content for row in calls.values() if (row.position, row.branch) == (position, "merger")]
        assert merged == replies
        for exchange in range(1, len(replies) + 1):
            own = [(body, call) for at, body, call in drafts[position] if at == exchange]
            assert sorted(body["technique"] for body, _ in own) == sorted(SPECIALISTS)
            assert all(calls[position, call].content == body["text"] for body, call in own)
            ((chosen, call),) = [(body, call) for at, body, call in choices[position] if at == exchange]
            assert calls[position, call].branch == "selector"
            assert set(chosen) <= set(SPECIALISTS)
            assert len(set(chosen)) == len(chosen) > 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_on_the_counselors_side_has_read_the_presenting_problem(factory: Factory, language: Language) -> None:
    play(factory, language)
    said = {int(key.split("/")[1]): " ".join(text for _, text, _ in lines) for key, lines in read_dialogues().items()}
    problems = {at: made[0][1]["presenting_problem"] for at, made in read_artefacts("intake").items()}
    length, read = LEAK[language], Counter[str]()
    for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        sent, problem = " ".join(text for _, text in call.messages), problems[call.position]
        assert sent
        if call.agent == "client":
            assert problem in sent
        if call.agent in COUNSELORS_SIDE:
            read[call.agent] += 1
            hidden = (problem[start : start + length] for start in range(len(problem) - length + 1))
            assert [piece for piece in hidden if piece in sent and piece not in said[call.position]] == []
            assert "presenting_problem" not in body.decode()
    assert set(read) == COUNSELORS_SIDE


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_role_is_shown_what_the_paper_shows_it(factory: Factory, language: Language) -> None:
    play(factory, language)
    plans = {at: made[0][1]["plan"] for at, made in read_artefacts("plan").items()}
    forms = {at: made[0][1] for at, made in read_artefacts("intake").items()}
    drafts = read_artefacts("draft")
    branches = {
        (row.position, row.number): row.branch for row in read_rows("SELECT position, number, branch FROM calls")
    }
    merged: Counter[int] = Counter()
    for call, _ in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        sent, form = [text for _, text in call.messages], forms[call.position]
        match branches[call.position, call.number]:
            case "merger":
                merged[call.position] += 1
                own = [body["text"] for at, body, _ in drafts[call.position] if at == merged[call.position]]
                assert len(sent) == 2, "the merger sees no talk"
                assert all(text in sent[1] for text in own)
                assert plans[call.position] not in " ".join(sent)
                assert form["demographics"] not in " ".join(sent)
            case "selector":
                assert plans[call.position] in sent[0]
            case branch if branch in SPECIALISTS:
                assert form["demographics"] in sent[0]
                assert form["reason"] in sent[0]
                assert plans[call.position] not in sent[0]
    assert all(number >= EXCHANGES for number in merged.values())


@pytest.mark.parametrize(
    ("switches", "gone"),
    [
        (["plan=off"], {"planner"}),
        (["technique=off"], {"selector"}),
        (["plan=off", "technique=off"], {"planner", "selector"}),
    ],
)
def test_a_switch_that_is_off_removes_exactly_its_calls(factory: Factory, switches: list[str], gone: set[str]) -> None:
    play(factory, "zh", *switches)
    for position, calls in count_calls().items():
        exchanges = calls["merger"]
        assert exchanges >= EXCHANGES
        whole = Counter({"intake": 1, "planner": 1, "client": exchanges, "selector": exchanges, "merger": exchanges})
        whole += Counter(dict.fromkeys(SPECIALISTS, exchanges)) + Counter({"critic": 4})
        assert calls == Counter({branch: n for branch, n in whole.items() if branch not in gone}), position


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_session_ends_in_time_and_is_judged_on_three_scales(factory: Factory, language: Language) -> None:
    play(factory, language)
    assert {row[0] for row in read_rows("SELECT end_reason FROM dialogues")} == {"time"}
    rows = read_rows("SELECT rubric, version, model, scores FROM verdicts ORDER BY dialogue_id, number")
    assert [row.rubric for row in rows] == ["ctrs", "wai", "panas"] * COUNT
    assert all(row.version >= 1 and row.model == "rehearsal-critic" for row in rows)
    assert [len(json.loads(row.scores)) for row in rows] == [6, 12, 40] * COUNT


def test_the_estimate_is_what_a_whole_session_takes(factory: Factory) -> None:
    factory("--recipe", "magnet", "--count", 1)
    plan = CellUnits(load_taxonomy(TAXONOMY), TAXONOMY, 0, "zh").unit(0).plan
    asked = Counter(row.agent for row in read_rows("SELECT agent FROM calls"))
    assert asked == estimate(plan, Switches())
