"""CPsyCoun: a report becomes a memo, the memo a talk in four stages, and both ways of writing are judged alike."""

import json
from pathlib import Path

import pytest

from agents.memo import LONGEST, STAGES
from agents.rubric import load_rubric
from agents.transcript import Language
from graphs.trace import rebuild_requests
from store.db import open_db
from tests import real_data
from tests.graphs.conftest import Factory, read_dialogues, read_rows

SEEDS = Path(__file__).parents[1] / "seeds"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
COUNT = 6


def seeds(language: Language) -> Path:
    return SEEDS / f"cpsycoun.{language}.jsonl"


def read_reports(language: Language) -> list[dict[str, str]]:
    return [json.loads(line) for line in seeds(language).read_text(encoding="utf-8").splitlines()]


def read_sent(agent: str, db: str = "sqlite:///factory.db") -> list[str]:
    """Return what an agent was sent, in the order of the plan."""
    sent = [(call.position, body) for call, body in rebuild_requests(open_db(db), 1) if call.agent == agent]
    parts = [json.loads(body)["messages"] for _, body in sorted(sent)]
    return ["\n".join(part["content"] for part in messages) for messages in parts]


def check_talks(language: Language, has_stages: bool, db: str = "sqlite:///factory.db") -> int:
    """Hold every stored talk to the method; returns how many there are."""
    talks = read_dialogues(db)
    for lines in talks.values():
        speakers = [speaker for speaker, _, _ in lines]
        assert speakers == ["client", "counselor"] * (len(lines) // 2)
        assert 5 <= len(lines) // 2 <= 15
        assert all(len(text if language == "zh" else text.split()) <= LONGEST[language] for _, text, _ in lines)
    told: dict[str, list[str | None]] = {}
    for id, stage in read_rows("SELECT dialogue_id, stage FROM utterances ORDER BY dialogue_id, number", db):
        told.setdefault(id, []).append(stage)
    for stages in told.values():
        assert list(dict.fromkeys(stages)) == (list(STAGES) if has_stages else [None])
        assert not has_stages or stages == sorted(stages, key=lambda stage: STAGES.index(stage))
    return len(talks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_becomes_a_memo_and_the_memo_a_talk_in_four_stages(factory: Factory, language: Language) -> None:
    told = factory("--recipe", "cpsycoun", "--seeds", seeds(language), "--count", COUNT, "--json")
    assert told.summary["outcomes"] == {"done": COUNT}
    assert check_talks(language, has_stages=True) == COUNT
    query = (
        "SELECT a.body, a.exchange, c.agent FROM artefacts a JOIN dialogues d ON d.id = a.dialogue_id"
        " JOIN calls c ON c.run_id = d.run_id AND c.position = d.position AND c.number = a.call_number"
        " WHERE a.kind = 'memo' ORDER BY d.position"
    )
    memos = read_rows(query)
    reports, planned, written = read_reports(language), read_sent("planner"), read_sent("writer")
    assert len(memos) == len(planned) == COUNT
    for position, (body, exchange, agent) in enumerate(memos):
        memo = json.loads(body)
        assert list(memo) == ["situation", "problem", "plan", "reflections"]
        assert list(memo["plan"]) == ["goal", "technique", "steps"]
        assert (exchange, agent) == (0, "planner")
        for part in (value for key, value in reports[position].items() if key != "id"):
            assert part in planned[position]
            assert part in written[position]
        assert memo["reflections"] in written[position]
        assert memo["plan"]["steps"][0] in written[position]
        assert reports[position]["id"] not in planned[position]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_baseline_is_one_call_on_the_same_report_and_is_judged_by_the_same_criteria(
    factory: Factory, language: Language
) -> None:
    judged, parts = {}, {}
    for memo in ("on", "off"):
        db = f"sqlite:///{memo}.db"
        factory(
            *("--recipe", "cpsycoun", "--seeds", seeds(language), "--count", 3),
            *("--set", f"memo={memo}", "--db", db),
        )
        assert check_talks(language, has_stages=memo == "on", db=db) == 3
        verdicts = read_rows("SELECT rubric, version, scores, exchange FROM verdicts", db)
        judged[memo] = {(row.rubric, row.version, row.exchange, *json.loads(row.scores)) for row in verdicts}
        assert len(verdicts) == 3
        parts[memo] = {row.agent: row[1] for row in read_rows("SELECT agent, count(*) FROM calls GROUP BY agent", db)}
        assert read_reports(language)[0]["process"] in read_sent("writer", db)[0]
    rubric = load_rubric("cpsycoun_dialogue")
    items = tuple(item.id for item in rubric.items)
    assert len(items) == 14
    assert judged["on"] == judged["off"] == {("cpsycoun_dialogue", rubric.version, 0, *items)}
    assert parts == {"on": {"planner": 3, "writer": 3, "critic": 3}, "off": {"writer": 3, "critic": 3}}
    assert not read_rows("SELECT 1 FROM artefacts", "sqlite:///off.db")


def test_a_report_in_which_no_case_is_told_is_skipped_and_named(factory: Factory, tmp_path: Path) -> None:
    rows = [{"description": "四十岁。"}, read_reports("zh")[0]]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = factory("--recipe", "cpsycoun", "--seeds", "rows.jsonl", "--json")
    assert told.summary["outcomes"] == {"done": 1}
    assert "skipped 1 rows: rows.jsonl:1 a report of 4 characters" in told.out + told.err


def test_nine_real_case_reports_become_talks_with_and_without_a_memo(factory: Factory) -> None:
    real_data.read_rows("case_reports_zh")
    path = real_data.DATA / "case_reports_zh.jsonl"
    for memo in ("on", "off"):
        told = factory(
            *("--recipe", "cpsycoun", "--seeds", path, "--field", "case_introduction", "--count", 9, "--json"),
            *("--set", f"memo={memo}", "--set", "critic=off", "--db", f"sqlite:///{memo}.db"),
        )
        assert told.summary["outcomes"] == {"done": 9}
        assert check_talks("zh", has_stages=memo == "on", db=f"sqlite:///{memo}.db") == 9
