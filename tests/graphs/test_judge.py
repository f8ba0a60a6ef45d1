"""Any file of dialogues can be judged by the rules from the command line, without a database."""

import json
import sys
from pathlib import Path

import pytest

from graphs.judge import main
from taxonomy.command import run_main
from tests.graphs.conftest import Result


def judge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *flags: object) -> Result:
    """Run the command in this process."""
    monkeypatch.setattr(sys, "argv", ["graphs.judge", *map(str, flags)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run_main(main)
    told = capsys.readouterr()
    return Result(ended.value.code if isinstance(ended.value.code, int) else 1, told.out, told.err)


def write(folder: Path, *talks: list[tuple[str, str]]) -> Path:
    """Write dialogues as JSON Lines."""
    path = folder / "talks.jsonl"
    rows = [
        {"id": f"t{number}", "messages": [{"role": role, "content": text} for role, text in talk]}
        for number, talk in enumerate(talks)
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_findings_are_json_lines_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = [("user", "睡不着。"), ("assistant", "几点醒的？")]
    labelled = [("user", "睡不着。"), ("assistant", "咨询师：几点醒的？")]
    told = judge(monkeypatch, capsys, write(tmp_path, clean, labelled), "--rules-only")
    assert told.code == 0
    (finding,) = [row for row in map(json.loads, told.out.splitlines()) if row["rule"] == "role_prefix"]
    assert {key: finding[key] for key in ("id", "utterance", "severity", "span")} == {
        "id": "t1",
        "utterance": 1,
        "severity": "reject",
        "span": [0, 4],
    }
    assert finding["reason"]
    assert "2 dialogues, 4 utterances (2 of the client, 2 of the counselor)" in told.err
    assert "role_prefix" in told.err


def test_an_utterance_beyond_all_measure_is_a_finding_and_not_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, [("user", "嗯。"), ("assistant", "<think>" + "研究表明95%" * 4_000)])
    told = judge(monkeypatch, capsys, path, "--rules-only")
    (finding,) = map(json.loads, told.out.splitlines())
    assert (finding["rule"], finding["utterance"]) == ("oversized", 1)


def test_what_cannot_be_judged_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.jsonl"
    path.write_text('{"a": 1}\n', encoding="utf-8")
    for words, expected in (
        ((path, "--rules-only"), "no row holds a dialogue"),
        ((tmp_path / "gone.jsonl", "--rules-only"), "does not exist"),
        ((path,), "--rules-only"),
    ):
        told = judge(monkeypatch, capsys, *words)
        assert told.code == 2
        assert expected in told.err.splitlines()[-1]
