"""What stands behind the lines of a comparison: drafts that were refused, and findings laid side by side."""

import json
import re
from pathlib import Path

import pytest

from graphs.compare.findings import compare_findings
from store.intervals import measure_paired
from tests.graphs.conftest import Result, read_rows
from tests.graphs.scripted import script
from tests.graphs.test_compare import compare, write_models
from tests.graphs.test_compare_figures import find_row, read_report
from tests.graphs.test_compare_judge import ONE

REFUSED = "有87%的人三个月就好了。"
REWRITE = "这句先别说出口"


def compare_sessions(folder: Path, count: int) -> Result:
    """Compare two models on two questions and some sessions."""
    (folder / "ask.yaml").write_text(ONE, encoding="utf-8")
    paths = ",".join(map(str, write_models(folder, "base", "tuned")))
    flags = ("--questions", folder / "ask.yaml", "--language", "zh", "--sessions", count, "--json")
    return compare(folder, "--models", paths, *flags)


def test_drafts_that_were_refused_and_rewritten_are_counted_beside_the_lines_that_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "tuned-counselor", lambda _, text: None if REWRITE in text else REFUSED)
    told = compare_sessions(tmp_path, 2)
    assert told.code == 0, told.err
    sessions, db = told.summary["sessions"], f"sqlite:///{tmp_path}/factory.db"
    for label in ("base", "tuned"):
        drafts, run = sessions[label]["drafts"], sessions[label]["run"]
        rows = read_rows(
            "SELECT is_chosen FROM attempts a JOIN dialogues d ON d.id = a.dialogue_id WHERE d.run_id = :run",
            db,
            run=run,
        )
        assert (drafts["kept"], drafts["refused"]) == (
            sum(row.is_chosen for row in rows),
            sum(not row.is_chosen for row in rows),
        )
        assert drafts["first"] == drafts["kept"] == sessions[label]["lines"]
    tuned = sessions["tuned"]["drafts"]
    assert tuned["first_refused"] == tuned["first"] > 0
    assert not any(rule["severity"] == "reject" for rule in sessions["tuned"]["rules"])
    (grave,) = [each for each in told.summary["session_finding_differences"] if each["rubric"] == "reject"]
    assert (grave["mean"]["of"], grave["mean"]["mean"], grave["equal"]) == (2, 0.0, 2)
    assert find_row(tmp_path, "头稿被退回")[2] == f"{tuned['first']}/{tuned['first']}"
    assert float(find_row(tmp_path, "每百句退稿")[2]) == pytest.approx(100 * tuned["refused"] / tuned["kept"], abs=0.05)
    text = "\n".join(read_report(tmp_path)).replace("\\", "")
    assert "退回重写的稿子不在分数和检查里" in text
    assert "只算完成了的会谈" in text


def test_drafts_of_a_session_that_was_given_up_are_counted_though_its_lines_have_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "tuned-counselor", lambda *_: REFUSED)
    sessions = compare_sessions(tmp_path, 1).summary["sessions"]
    assert sessions["tuned"]["outcomes"] == {"rejected": 1}
    assert sessions["tuned"]["drafts"] == {"kept": 0, "refused": 3, "first": 1, "first_refused": 1}
    assert sessions["tuned"]["lines"] == 0
    assert find_row(tmp_path, "每百句退稿")[2] == "–"


def test_findings_of_answers_and_sessions_are_laid_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_letter = re.compile("一考试就脑子空白|一回家就锁门")
    script(monkeypatch, "tuned-counselor", lambda _, text: REFUSED if is_letter.search(text) else None)
    told = compare_sessions(tmp_path, 2)
    db, labels = f"sqlite:///{tmp_path}/factory.db", ("base", "tuned")
    answers = read_rows("SELECT position, model, findings FROM comparison_answers", db)
    found = {
        (row.model, row.position): [severity for _, _, severity, _, _ in json.loads(row.findings)] for row in answers
    }
    apart = {each["rubric"]: each for each in told.summary["finding_differences"]}
    assert set(apart) == {"reject", "flag"}
    for severity, each in apart.items():
        counts = {key: given.count(severity) for key, given in found.items()}
        expected = measure_paired(
            [counts["base", place] - counts["tuned", place] for place in (0, 1)],
            max(counts.values()) or 1,
            is_held=False,
        )
        assert [each["mean"][key] for key in ("of", "mean", "low", "high")] == pytest.approx(
            [2, expected.mean, expected.low, expected.high]
        )
    assert apart["reject"]["mean"]["mean"] < 0
    assert (apart["reject"]["sign"]["hits"], apart["reject"]["sign"]["of"]) == (0, 2)
    sessions = {each["rubric"]: each["mean"] for each in told.summary["session_finding_differences"]}
    for severity in ("reject", "flag"):
        sums = [
            sum(rule["findings"] for rule in told.summary["sessions"][label]["rules"] if rule["severity"] == severity)
            for label in labels
        ]
        assert sessions[severity]["of"] == 2
        assert sessions[severity]["mean"] == pytest.approx((sums[0] - sums[1]) / 2)
    text = "\n".join(read_report(tmp_path)).replace("\\", "")
    for title in ("毛病之差（同一个问题，每封回话）", "毛病之差（同一个来访者，每场会谈）"):
        assert f"### {title}" in text
    assert "会谈里的毛病（严重）：base – tuned，差值的区间含着零" in text


def test_a_place_where_one_has_nothing_is_unpaired_and_many_findings_are_no_end_of_the_scale() -> None:
    counts = {"reject": {"one": {0: 3, 1: 1, 2: 0}, "other": {0: 0, 1: 0}}, "flag": {"one": {0: 0}, "other": {0: 0}}}
    grave, light = compare_findings(counts, [("one", "other")])
    assert (grave.rubric, grave.mean.of, grave.mean.mean, grave.unpaired) == ("reject", 2, 2.0, 1)
    assert grave.mean.high > 3
    assert (light.mean.mean, light.equal) == (0.0, 1)
    assert light.mean.low < 0 < light.mean.high
