"""A comparison goes on only under the words it began with, and what is told of a finished one is what was scored."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import agents.checks.version
import agents.prompt
import agents.rubric
from agents.checks.version import checks_version
from agents.prompt import load_prompt
from agents.rubric import load_rubric, render_rubric
from tests.graphs.conftest import read_rows
from tests.graphs.test_compare import compare, write_models, write_questions

Change = Callable[[], None]
AGENTS = Path(agents.prompt.__file__).parent


def forget() -> None:
    """Forget what was read of the files, as a later process would."""
    load_prompt.cache_clear()
    load_rubric.cache_clear()
    render_rubric.cache_clear()
    checks_version.cache_clear()


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let prompts, rubrics and checks be read from a copy, which a test may change; returns its folder."""
    copy = tmp_path / "agents"
    shutil.copytree(AGENTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(agents.prompt, "FOLDER", copy / "prompts")
    monkeypatch.setattr(agents.rubric, "FOLDER", copy / "rubrics")
    monkeypatch.setattr(agents.checks.version, "HERE", copy / "checks")
    forget()
    yield copy
    monkeypatch.undo()
    forget()


def edit(path: Path, old: str, new: str) -> None:
    """Change a file, as somebody does between two commands."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    forget()


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("prompts/compare/judge.zh.md", "version: ", "# x\nversion: ", "prompt compare/judge.zh"),
        ("prompts/client/head.zh.md", "version: ", "# x\nversion: ", "prompt client/head.zh"),
        ("rubrics/autocbt.yaml", "version: ", "version: 9", "rubric autocbt"),
        ("rubrics/turn.yaml", "version: ", "version: 9", "rubric turn"),
        ("checks/care.py", '"""', '"""  ', "the checks"),
    ],
)
def test_what_has_changed_since_keeps_an_unfinished_comparison_from_going_on(
    tmp_path: Path, copied: Path, name: str, old: str, new: str, told: str
) -> None:
    (other,) = write_models(tmp_path, "other")
    flags = ("--models", f"rehearsal,{other}", "--questions", write_questions(tmp_path), "--sessions", 1)
    assert compare(tmp_path, *flags, "--max-calls", 12).code == 3
    edit(copied / name, old, new)
    before = count_calls(tmp_path)
    refused = compare(tmp_path, "--resume", "--max-calls", 1000)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"--resume 1: changed since it began: {told}. Start a new comparison, or " in refused.err
    assert count_calls(tmp_path) == before
    edit(copied / name, new, old)
    assert compare(tmp_path, "--resume", "--max-calls", 1000).code == 0


def test_a_map_that_has_changed_since_keeps_the_sessions_from_going_on(tmp_path: Path) -> None:
    (other,) = write_models(tmp_path, "other")
    shipped = AGENTS.parent / "taxonomy" / "emotions.yaml"
    shutil.copy(shipped, tmp_path / "map.yaml")
    flags = ("--models", f"rehearsal,{other}", "--questions", write_questions(tmp_path), "--sessions", 1)
    assert compare(tmp_path, *flags, "--taxonomy", "map.yaml", "--max-calls", 12).code == 3
    (tmp_path / "map.yaml").write_text(shipped.read_text(encoding="utf-8") + "# x\n", encoding="utf-8")
    refused = compare(tmp_path, "--resume", "--max-calls", 1000)
    assert (refused.code, "changed since it began: the map (map.yaml " in refused.err) == (2, True)


def test_several_changes_are_one_line_that_names_the_commit_to_go_back_to(tmp_path: Path, copied: Path) -> None:
    (other,) = write_models(tmp_path, "other")
    flags = ("--models", f"rehearsal,{other}", "--questions", write_questions(tmp_path))
    assert compare(tmp_path, *flags, "--max-calls", 12).code == 3
    for prompt in ("judge.zh", "judge.en", "judge_ask.zh", "counselor.zh"):
        edit(copied / "prompts" / "compare" / f"{prompt}.md", "version: ", "# x\nversion: ")
    edit(copied / "rubrics" / "autocbt.yaml", "version: ", "version: 9")
    told = compare(tmp_path, "--resume").err
    named = "prompts compare/counselor.zh, compare/judge.en, compare/judge.zh and 1 more; rubric autocbt."
    assert (told.count("\n"), f"changed since it began: {named}" in told) == (1, True)
    commit = read_rows("SELECT git_commit FROM runs WHERE id = 1", f"sqlite:///{tmp_path}/factory.db")[0][0]
    assert commit is None or commit.rstrip("+")[:12] in told


def count_calls(folder: Path) -> int:
    """Return how many calls are stored."""
    count: int = read_rows("SELECT count(*) FROM calls", f"sqlite:///{folder}/factory.db")[0][0]
    return count


def test_a_finished_comparison_is_told_from_its_scores_when_its_rubrics_and_prompts_are_others(
    tmp_path: Path, copied: Path
) -> None:
    (other,) = write_models(tmp_path, "other")
    flags = ("--models", f"rehearsal,{other}", "--questions", write_questions(tmp_path), "--sessions", 1)
    told = compare(tmp_path, *flags, "--out", "told", "--json")
    assert told.code == 0, told.err
    before = (tmp_path / "told" / "report.md").read_text(encoding="utf-8")
    versions = {name: load_rubric(name).version for name in ("autocbt", "safety", "session")}
    changed = {
        "autocbt": ("\nhigh: 7\n", "\nhigh: 9\n"),
        "safety": ('fault: "no"', 'fault: "yes"'),
        "session": ("\nhigh: 2\n", "\nhigh: 4\n"),
    }
    for name, version in versions.items():
        path = copied / "rubrics" / f"{name}.yaml"
        edit(path, f"version: {version}", f"version: {version + 1}")
        edit(path, *changed[name])
    edit(copied / "prompts" / "compare" / "judge.zh.md", "version: ", "# x\nversion: ")
    again = compare(tmp_path, "--resume", "--out", "again", "--json")
    assert (again.code, again.summary) == (0, told.summary)
    assert [one["judged"] for one in again.summary["answered"]["rehearsal"]["scores"]] == [4, 2]
    assert again.summary["sessions"]["rehearsal"]["scores"][0]["judged"] == 1
    after = (tmp_path / "again" / "report.md").read_text(encoding="utf-8")
    notes = [line for line in after.splitlines() if "跟那时不一样" in line]
    assert len(notes) == 3
    for (name, version), note in zip(versions.items(), notes, strict=True):
        assert f"{name}（第 {version} 版）" in note
        assert f"（第 {version + 1} 版）" in note
    assert [line for line in after.splitlines() if line and line not in notes] == [
        line for line in before.splitlines() if line
    ]


def test_the_rubrics_stand_in_what_is_stored_of_a_comparison(tmp_path: Path) -> None:
    (other,) = write_models(tmp_path, "other")
    assert compare(tmp_path, "--models", f"rehearsal,{other}", "--questions", write_questions(tmp_path)).code == 0
    (row,) = read_rows("SELECT config FROM runs WHERE kind = 'compare'", f"sqlite:///{tmp_path}/factory.db")
    kept = json.loads(row.config)
    assert kept["checks"] == checks_version()
    autocbt = load_rubric("autocbt")
    assert kept["rubrics"]["autocbt"]["version"] == autocbt.version
    assert [item["id"] for item in kept["rubrics"]["autocbt"]["items"]] == [item.id for item in autocbt.items]
