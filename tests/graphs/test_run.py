"""A run from end to end: what is stored, what is promised of it, and how wrong input is met."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import make_database
from tests.graphs.conftest import CHECKOUT, TAXONOMY, Factory, read_dialogues, read_rows


def test_a_run_stores_well_formed_sessions_of_eight_to_twenty_exchanges(factory: Factory) -> None:
    assert factory("--taxonomy", TAXONOMY, "--count", 12).code == 0
    dialogues = read_dialogues()
    assert len(dialogues) == 12
    for lines in dialogues.values():
        speakers = [speaker for speaker, _, _ in lines]
        assert speakers == ["client", "counselor"] * (len(lines) // 2)
        assert 8 <= len(lines) // 2 <= 20
        assert all(reasoning for speaker, _, reasoning in lines if speaker == "counselor")


def test_every_utterance_is_traced_to_the_call_that_made_it(factory: Factory) -> None:
    factory("--taxonomy", TAXONOMY, "--count", 3)
    untraced = read_rows(
        "SELECT count(*) FROM utterances u JOIN dialogues d ON d.id = u.dialogue_id LEFT JOIN calls c"
        " ON c.run_id = d.run_id AND c.position = d.position AND c.number = u.call_number"
        " WHERE c.content IS NULL OR trim(c.content) <> u.text OR c.agent <> u.speaker"
    )
    assert untraced[0][0] == 0


def test_two_runs_with_one_seed_give_the_same_dialogues(factory: Factory) -> None:
    for name in ("a", "b"):
        factory("--count", 4, "--db", f"sqlite:///{name}.db", "--concurrency", 3 if name == "a" else 16)
    first, second = read_dialogues("sqlite:///a.db"), read_dialogues("sqlite:///b.db")
    assert first == second
    factory("--count", 4, "--db", "sqlite:///c.db", "--seed", 1)
    assert read_dialogues("sqlite:///c.db") != first


def test_a_new_run_goes_on_in_the_plan_and_fresh_starts_over(factory: Factory) -> None:
    factory("--recipe", "interactive", "--count", 3)
    second = factory("--recipe", "interactive", "--count", 2)
    assert "going on at position 3" in second.out
    factory("--recipe", "interactive", "--count", 1, "--fresh")
    assert list(read_dialogues()) == ["1/0", "1/1", "1/2", "2/3", "2/4", "3/0"]


def test_a_run_remembers_its_settings_code_and_prompts(factory: Factory) -> None:
    factory("--recipe", "interactive", "--count", 1, "--set", "exchanges=2")
    config, versions, prompts, status = read_rows("SELECT config, versions, prompts, status FROM runs")[0]
    assert json.loads(config)["switches"] == {"exchanges": "2"}
    assert {"python", "openai", "langgraph", "psyfoundry"} <= set(json.loads(versions))
    assert "interactive/counselor.zh" in json.loads(prompts)
    assert status == "finished"


def test_rehearsal_is_marked_in_every_dialogue(factory: Factory) -> None:
    factory("--recipe", "interactive", "--count", 2)
    assert read_rows("SELECT DISTINCT is_rehearsal FROM dialogues")[0][0]


def test_a_sign_of_danger_tiers_the_dialogue_and_opens_the_crisis_branch(factory: Factory) -> None:
    factory("--count", 24)
    risky = read_rows("SELECT id, end_reason FROM dialogues WHERE is_crisis AND outcome = 'done'")
    assert risky
    handed_over = [row for row in risky if row.end_reason == "handed_over"]
    assert handed_over
    stages = read_rows(
        "SELECT stage FROM utterances WHERE dialogue_id = :id AND speaker = 'counselor' ORDER BY number",
        id=handed_over[0].id,
    )
    kinds = [row.stage for row in stages]
    assert "crisis" in kinds
    assert set(kinds[kinds.index("crisis") :]) == {"crisis"}


def test_a_faulty_turn_is_rewritten_and_every_attempt_is_kept(factory: Factory) -> None:
    factory("--count", 24)
    refused = read_rows("SELECT dialogue_id, exchange FROM attempts WHERE NOT is_chosen")
    assert refused
    for row in refused:
        tries = read_rows(
            "SELECT is_chosen FROM attempts WHERE dialogue_id = :id AND exchange = :exchange ORDER BY attempt",
            id=row.dialogue_id,
            exchange=row.exchange,
        )
        assert 2 <= len(tries) <= 3


def test_interactive_runs_on_texts_and_names_the_row_of_each(factory: Factory, tmp_path: Path) -> None:
    seeds = tmp_path / "posts.jsonl"
    rows = [
        {"id": "p1", "text": "最近和室友闹僵了，晚上睡不着。"},
        {"note": "nothing"},
        {"id": "p3", "text": "I can't sleep."},
    ]
    seeds.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    told = factory("--recipe", "interactive", "--seeds", seeds)
    assert told.code == 0
    assert "skipped 1 rows: posts.jsonl:2 no text" in told.out
    stored = read_rows(
        'SELECT s.file, s."row", s.row_id, d.language FROM dialogues d JOIN seeds s ON s.id = d.seed_id'
        " ORDER BY d.position"
    )
    assert [tuple(row) for row in stored] == [("posts.jsonl", 1, "p1", "zh"), ("posts.jsonl", 3, "p3", "en")]


@pytest.mark.parametrize("recipe", ["interactive", "session"])
def test_a_text_with_a_sign_of_danger_waits_for_a_person(factory: Factory, tmp_path: Path, recipe: str) -> None:
    seeds = tmp_path / "posts.jsonl"
    seeds.write_text(
        '{"text": "活着没意思，有时候想睡过去就好了。"}\n{"text": "考研二战，坐不住。"}\n'
        '{"text": "失眠半年。", "history": "去年曾割腕自杀。"}\n',
        encoding="utf-8",
    )
    factory("--recipe", recipe, "--seeds", seeds)
    tiers = read_rows("SELECT risk_tier, is_crisis FROM dialogues ORDER BY position")
    assert tiers[0].is_crisis
    assert tiers[0].risk_tier != "none"
    assert not tiers[1].is_crisis
    assert tiers[2].is_crisis, "another text of the row tells of it"


def test_fifty_real_texts_run_when_they_are_at_hand(factory: Factory) -> None:
    seeds = CHECKOUT.parent / "shared" / "data" / "self_descriptions_zh.jsonl"
    if not seeds.exists():
        pytest.skip("needs the shared data beside the checkout")
    told = factory("--recipe", "interactive", "--seeds", seeds, "--count", 50, "--json")
    assert told.summary["outcomes"] == {"done": 50}
    rows = read_rows("SELECT DISTINCT s.row_id FROM dialogues d JOIN seeds s ON s.id = d.seed_id")
    assert len(rows) == 50


def test_the_summary_tells_the_cache_share_and_what_to_do_next(factory: Factory) -> None:
    told = factory("--count", 24, "--json")
    assert "cache" in told.out
    assert "python -m store.dialogues list" in told.out
    assert told.summary["cache_share"] >= 0.80


def test_a_dry_run_calls_nothing_and_writes_nothing(factory: Factory, tmp_path: Path) -> None:
    told = factory("--taxonomy", TAXONOMY, "--count", 480, "--dry-run")
    assert told.code == 0
    assert "480 sessions" in told.out
    assert "counselor" in told.out
    assert list(tmp_path.iterdir()) == []


def write(path: Path, content: str | bytes) -> Path:
    """Write a file of a test and return its path."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_wrong_input_is_one_line_with_exit_code_two_and_nothing_is_written(factory: Factory, tmp_path: Path) -> None:
    good = TAXONOMY.read_text(encoding="utf-8")
    cases: list[tuple[tuple[object, ...], str]] = [
        (("--recipe", "sesion"), "did you mean 'session'"),
        (("--model", "rehersal"), "did you mean 'rehearsal'"),
        (("--recipi", "session"), "did you mean '--recipe'"),
        (("--set", "exchange=3", "--recipe", "interactive"), "did you mean 'exchanges'"),
        (("--set", "exchanges=many", "--recipe", "interactive"), "exchanges"),
        (("--cast", "councelor=rehearsal"), "did you mean 'counselor'"),
        (("--db", "mysql://u:secret@h/x"), "mysql://u:***@h/x"),
        (("--count", "0"), "count"),
        (("--taxonomy", tmp_path), "directory"),
        (("--taxonomy", write(tmp_path / "empty.yaml", "")), "empty.yaml"),
        (("--taxonomy", write(tmp_path / "gbk.yaml", good.encode("gbk", "replace"))), "gbk.yaml"),
        (("--taxonomy", write(tmp_path / "twice.yaml", good + "\nversion: 1\n")), "twice.yaml:"),
        (("--config", write(tmp_path / "run.yaml", "recipe: session\nconcurency: 3\n")), "run.yaml:2"),
        (("--config", write(tmp_path / "type.yaml", "count: many\n")), "type.yaml:1"),
        (("--seeds", write(tmp_path / "none.jsonl", "{}\n")), "none.jsonl"),
    ]
    before = sorted(path.name for path in tmp_path.iterdir())
    for flags, expected in cases:
        told = factory(*flags)
        assert told.code == 2, (flags, told)
        assert expected in told.err, (flags, told.err)
        assert len(told.err.strip().splitlines()) == 1, told.err
        assert "secret" not in told.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_missing_key_names_its_variable_with_exit_code_four(factory: Factory, tmp_path: Path) -> None:
    told = factory("--model", "deepseek", "--count", 1, "--yes")
    assert told.code == 4
    assert "DEEPSEEK_API_KEY" in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_paid_run_of_unknown_cost_needs_yes(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "canary-key-0123456789")
    told = factory("--model", "deepseek", "--count", 480)
    assert told.code == 2
    assert "--yes" in told.err
    assert "canary" not in told.out + told.err
    assert not Path("factory.db").exists()


def test_a_key_in_the_environment_never_selects_a_paid_endpoint(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key-0123456789")
    factory("--recipe", "interactive", "--count", 1)
    assert {row[0] for row in read_rows("SELECT DISTINCT served_model FROM calls")} <= {
        "rehearsal-client",
        "rehearsal-counselor",
        "rehearsal-critic",
    }


def test_no_secret_reaches_database_output_or_json(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries = {"DEEPSEEK_API_KEY": "canary-deep-1", "PSYFOUNDRY_API_KEY": "canary-own-2", "HF_TOKEN": "canary-hf-3"}
    for name, value in canaries.items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".env").write_text("OPENAI_API_KEY=canary-env-4\n", encoding="utf-8")
    told = factory("--recipe", "interactive", "--count", 2, "--json")
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("factory.db"))
    for canary in (*canaries.values(), "canary-env-4"):
        assert canary not in told.out + told.err
        assert canary.encode() not in kept


def test_a_run_on_postgresql_is_the_run_on_sqlite_and_keeps_no_password(factory: Factory, postgres: str) -> None:
    url = f"postgresql://factory:canary-password@{postgres}/{make_database(postgres)}"
    told = factory("--count", 3, "--db", url, "--json")
    assert told.code == 0
    again = factory("--count", 1, "--db", url, "--json")
    assert "postgresql://factory:***@" in again.out
    factory("--count", 4)
    url = url.replace("postgresql:", "postgresql+psycopg:")
    assert list(read_dialogues(url).values()) == list(read_dialogues().values())
    kept = [
        str(row) for table in ("runs", "dialogues", "parameters") for row in read_rows(f"SELECT * FROM {table}", url)
    ]
    assert "canary" not in " ".join(kept) + told.out + told.err + again.out + again.err


def test_help_answers_without_the_heavy_imports() -> None:
    code = (
        "import sys\nsys.argv = ['graphs.run', '--help']\n"
        "try:\n    import runpy; runpy.run_module('graphs.run', run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'langgraph', 'openai', 'torch', 'transformers', 'datasets', 'sqlalchemy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True)


def test_a_session_of_fourteen_exchanges_costs_at_most_sixty_kilobytes(factory: Factory) -> None:
    sizes, exchanges = [], []
    for count in (12, 60):
        factory("--count", count, "--db", f"sqlite:///{count}.db")
        sizes.append(
            read_rows(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", f"sqlite:///{count}.db"
            )[0][0]
        )
        exchanges.append(read_rows("SELECT sum(exchanges) FROM dialogues", f"sqlite:///{count}.db")[0][0])
    an_exchange = (sizes[1] - sizes[0]) / (exchanges[1] - exchanges[0])
    assert an_exchange * 14 <= 60 * 1024, an_exchange * 14
