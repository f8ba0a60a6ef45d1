"""Holds patient_psi to its method: a hidden diagram, a style with its cap, and a score of what was rebuilt of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from agents.patient import MOST_SENTENCES, STYLES, TalkingStyle, split_sentences
from agents.prompt import load_prompt
from agents.transcript import Language
from graphs.recipes.patient_psi import Switches, estimate
from graphs.trace import rebuild_requests
from graphs.units import CellUnits
from store.db import open_db
from taxonomy.schema import load_taxonomy
from tests.graphs.conftest import TAXONOMY, Factory, read_dialogues, read_rows
from tests.graphs.scripted import script
from tests.graphs.test_danger import calm_lines, play
from tests.real_data import DATA
from tests.real_data import read_rows as read_data

LANGUAGES: tuple[Language, ...] = get_args(Language)
WORDY = {"zh": "那天我又迟到了{}回。", "en": "That day I was late {} times. "}
TERM = {"zh": "我的核心信念就是这样。", "en": "That is my core belief."}
TERM_ALONE = {"zh": "核心信念", "en": "core belief"}
VOCABULARY = (
    "core_beliefs", "intermediate_beliefs", "automatic_thought", "life_history", "beliefs_in_low_times",
    "core belief", "intermediate belief", "automatic thought", "coping strateg", "cognitive conceptualization",
    "核心信念", "中间信念", "自动思维", "自动想法", "应对策略", "认知概念化", "helpless_", "unlovable_", "worthless_",
)  # fmt: skip
HAND_MADE: dict[str, Any] = {
    "name": "小满",
    "life_history": "六岁那年跟着外婆住，冬天窗户漏风，妈妈答应来接却没有来。",
    "core_beliefs": ["unlovable_left", "unlovable_unwanted"],
    "intermediate_beliefs": "人家一冷淡，就得赶在前头先走开才不丢人。",
    "beliefs_in_low_times": "早就知道留不住谁，费那个劲干嘛呢。",
    "coping": "把手机调成静音，装作比谁都忙。",
    "situations": [
        {
            "situation": f"{day}{friend}没有回那条约饭的消息。",
            "automatic_thought": f"{friend}果然嫌弃了。",
            "emotions": ["hurt", "angry"],
            "behavior": f"把{friend}的聊天记录整个删了。",
        }
        for day, friend in (("礼拜一", "阿蓝"), ("礼拜三", "老陆"), ("礼拜六", "表姐"))
    ],
}


def run(factory: Factory, language: Language, count: int, *switches: str, exchanges: int = 4) -> None:
    given = [flag for switch in (f"exchanges={exchanges}", *switches) for flag in ("--set", switch)]
    told = factory("--recipe", "patient_psi", "--language", language, "--count", count, *given)
    assert told.code == 0, told.out + told.err


def read_made(kind: str) -> dict[str, list[Any]]:
    """Return the bodies of one kind of artefact by dialogue, in order."""
    made: dict[str, list[Any]] = {}
    query = "SELECT dialogue_id AS id, body FROM artefacts WHERE kind = :kind ORDER BY dialogue_id, number"
    for row in read_rows(query, kind=kind):
        made.setdefault(row.id, []).append(json.loads(row.body))
    return made


def read_requests() -> list[tuple[str, str, str]]:
    """Return (dialogue, role, all its text) of each call of the first run, in order."""
    requests = []
    for call, body in rebuild_requests(open_db("sqlite:///factory.db"), 1):
        text = "\n".join(part["content"] for part in orjson.loads(body)["messages"])
        requests.append((f"1/{call.position}", call.agent, text))
    return requests


def list_texts(value: Any) -> list[str]:
    """Return every text in a diagram."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [text for part in parts for text in list_texts(part)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("style", STYLES)
def test_no_line_of_any_style_is_over_its_cap_or_speaks_of_the_diagram(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, style: TalkingStyle, language: Language
) -> None:
    most = MOST_SENTENCES[style]

    def word(number: int, sentences: int) -> str:
        return "".join(WORDY[language].format(f"{number}{place}") for place in range(sentences)).strip()

    # Too long twice; in the diagram's terms, then not; too long, then not; as it should be.
    drafts = [word(0, 9), word(1, 9), TERM[language], word(3, 2), word(4, 9), word(5, most), word(6, 1)]
    script(monkeypatch, "client", lambda number, asked: drafts[number])
    run(factory, language, 1, f"style={style}")
    ((dialogue, lines),) = read_dialogues().items()
    said = [text for speaker, text, _ in lines if speaker == "client"]
    assert said == [word(1, most), word(3, 2), word(5, most), word(6, 1)]
    assert max(len(split_sentences(text)) for text in said) == most
    assert [term for text in said for term in VOCABULARY if term in text.lower()] == []
    assert [made["text"] for made in read_made("draft")[dialogue]] == [drafts[0], drafts[1], drafts[2], drafts[4]]
    asked = [text for _, role, text in read_requests() if role == "client"]
    again = [load_prompt("patient_psi/again", language).render(draft=drafts[at], sentences=most, terms=terms)
             for at, terms in ((0, []), (2, [TERM_ALONE[language]]), (4, []))]  # fmt: skip
    assert [text.endswith(tuple(again)) for text in asked] == [False, True, False, True, False, True, False]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rehearsal_client_keeps_every_cap_and_names_nothing_of_the_diagram(
    factory: Factory, language: Language
) -> None:
    run(factory, language, 12)
    style = {id: made[0]["style"] for id, made in read_made("diagram").items()}
    for dialogue, lines in read_dialogues().items():
        said = [text for speaker, text, _ in lines if speaker == "client"]
        assert all(len(split_sentences(text)) <= MOST_SENTENCES[style[dialogue]] for text in said)
        assert [term for text in said for term in VOCABULARY if term in text.lower()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_that_keeps_the_diagrams_terms_ends_the_session_rejected(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    script(monkeypatch, "client", lambda number, asked: TERM[language] if number else None)
    run(factory, language, 1)
    [row] = read_rows("SELECT outcome, end_reason, reason FROM dialogues")
    assert (row.outcome, row.end_reason) == ("rejected", "rejected")
    assert row.reason.startswith("the client's line 2 speaks in the diagram's terms: ")
    assert len(read_rows("SELECT 1 FROM calls WHERE agent = 'client'")) == 3
    assert read_made("recovery") == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_client_is_shown_the_diagram_and_of_its_situations_only_one(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    script(monkeypatch, "planner", lambda number, asked: json.dumps(HAND_MADE, ensure_ascii=False))
    run(factory, language, 6)
    dealt = {id: made[0]["situation"] for id, made in read_made("diagram").items()}
    drawn = {id: json.dumps(made, ensure_ascii=False) for id, made in read_made("rebuilt").items()}
    assert len(set(dealt.values())) > 1
    own = {key: list_texts(HAND_MADE[key]) for key in HAND_MADE if key not in ("name", "core_beliefs", "situations")}
    events = [[part for part in list_texts(one) if part not in one["emotions"]] for one in HAND_MADE["situations"]]
    said = {id: " ".join(text for _, text, _ in lines) for id, lines in read_dialogues().items()}
    seen = Counter[str]()
    for dialogue, role, text in read_requests():
        seen[role] += 1
        if role == "client":
            place = dealt[dialogue]
            assert all(part in text for parts in own.values() for part in parts)
            assert [all(part in text for part in parts) for parts in events] == [at == place for at in range(3)]
            assert "unlovable" not in text
        elif role in ("counselor", "assessor"):
            hidden = [part for parts in [*own.values(), *events] for part in parts]
            pieces = {part[at : at + 6] for part in hidden for at in range(len(part) - 5)}
            assert [one for one in pieces if one in text and one not in said[dialogue] + drawn[dialogue]] == []
    assert seen["counselor"] >= 24
    assert seen["assessor"] == 6


def test_style_and_situation_are_dealt_by_the_sessions_seed_or_the_style_is_given(factory: Factory) -> None:
    run(factory, "zh", 30, "critic=off", exchanges=1)
    dealt = [(made[0]["style"], made[0]["situation"]) for made in read_made("diagram").values()]
    assert {style for style, _ in dealt} == set(STYLES)
    assert {place for _, place in dealt} == {0, 1, 2}
    factory("--recipe", "patient_psi", "--fresh", "--count", 30, "--set", "exchanges=1", "--set", "critic=off")
    assert [(m[0]["style"], m[0]["situation"]) for id, m in read_made("diagram").items() if id[:2] == "2/"] == dealt
    factory("--recipe", "patient_psi", "--fresh", "--count", 3, "--set", "exchanges=1", "--set", "style=upset")
    assert {m[0]["style"] for id, m in read_made("diagram").items() if id[:2] == "3/"} == {"upset"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_style_softens_by_a_note_in_the_second_and_in_the_last_third(language: Language) -> None:
    notes = {
        style: [
            load_prompt("patient_psi/trust", language).render(style=style, step=step) for step in ("middle", "late")
        ]
        for style in STYLES
    }
    assert len({note for pair in notes.values() for note in pair}) == 12
    lines = calm_lines(language, 9)
    told = play(
        language,
        {"client": lines},
        "patient_psi",
        switches={"style": "tangent"},
        exchanges=9,
        ending="lighter",
        risk="none",
    )
    asked = [json.dumps(body, ensure_ascii=False) for body in told.sent["client"]]
    middle, late = (json.dumps(note, ensure_ascii=False)[1:-1] for note in notes["tangent"])
    assert [middle in text for text in asked] == [False] * 3 + [True] * 6
    assert [late in text for text in asked] == [False] * 6 + [True] * 3


def test_a_text_that_tells_of_nobody_is_skipped_and_counted(factory: Factory, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    rows = [{"text": "Help me."}, {"text": "My sister stopped calling after the move, and I lie awake going over it."}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = factory("--recipe", "patient_psi", "--seeds", path, "--set", "exchanges=2", "--json")
    assert "a text of 8 characters; 20 are needed" in told.out
    assert told.summary["outcomes"] == {"done": 1}


def test_peoples_own_words_and_reports_become_diagrams(factory: Factory) -> None:
    for name in ("self_descriptions_zh", "case_reports_zh"):
        read_data(name)
        field = ("--field", "case_introduction") if name == "case_reports_zh" else ()
        flags = ("--seeds", DATA / f"{name}.jsonl", *field, "--count", 4, "--set", "exchanges=2")
        told = factory("--recipe", "patient_psi", *flags, "--json", "--fresh")
        assert sum(told.summary["outcomes"].values()) == 4
        assert "failed" not in told.summary["outcomes"]
    assert len(read_made("diagram")) == len(read_made("recovery")) == 8


def test_the_estimate_is_what_a_session_takes(factory: Factory) -> None:
    factory("--recipe", "patient_psi", "--count", 1)
    plan = CellUnits(load_taxonomy(TAXONOMY), TAXONOMY, 0, "zh").unit(0).plan
    guessed = estimate(plan, Switches())
    asked = Counter(row.agent for row in read_rows("SELECT agent FROM calls"))
    assert guessed["client"] / 1.1 <= asked["client"] <= guessed["client"] + 1
    for role in ("planner", "counselor", "assessor", "critic"):
        assert asked[role] == guessed[role]
