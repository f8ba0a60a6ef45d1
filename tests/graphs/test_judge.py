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
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "none.jsonl"
    path.write_text('{"a": 1}\n', encoding="utf-8")
    for words, expected in (
        ((path, "--rules-only"), "no row holds a dialogue"),
        ((tmp_path / "gone.jsonl", "--rules-only"), "does not exist"),
        ((path,), "no row holds a dialogue"),
        ((path, "--rules-only", "--rubric", "session"), "--rules-only asks no model"),
        ((path, "--rubric", "sesion"), "unknown rubric 'sesion' (did you mean 'session'?)"),
        ((path, "--run", 3), "--run is about the store"),
        (("--against", path), "--against looks through a file"),
        (("--rubric", "session", "--repeats", 0), "--repeats 0: at least 1"),
    ):
        told = judge(monkeypatch, capsys, *words)
        assert told.code == 2
        assert expected in told.err.splitlines()[-1]


def test_a_policy_decides_on_each_dialogue_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = [("user", "睡不着。"), ("assistant", "几点醒的？")]
    claims = [("user", "睡不着。"), ("assistant", "研究表明，有95%的人都这样。")]
    told = judge(monkeypatch, capsys, write(tmp_path, clean, claims), "--policy", "default")
    decisions = {row["id"]: row for row in map(json.loads, told.out.splitlines()) if "decision" in row}
    assert decisions["t0"]["decision"] == "accept"
    assert decisions["t1"]["decision"] == "reject"
    assert any(reason.startswith("stat_claim") for reason in decisions["t1"]["reasons"])
    assert "the policy: accept 1, reject 1" in told.err


def test_a_text_of_an_evaluation_file_is_told_with_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exam = "最近三个月我每天夜里两点都会醒过来，然后一直想着项目的事，再也睡不着。"
    exams = tmp_path / "exam.jsonl"
    exams.write_text("\n".join(json.dumps({"question": text}) for text in ("别的问题在这里放着不要紧的吧", exam)))
    shared = [("user", f"你好。{exam}"), ("assistant", "几点醒的？")]
    other = [("user", "我和室友吵架了。"), ("assistant", "嗯，吵了什么？")]
    told = judge(monkeypatch, capsys, write(tmp_path, other, shared), "--rules-only", "--against", exams)
    (overlap,) = [row for row in map(json.loads, told.out.splitlines()) if "overlap" in row]
    assert overlap["id"] == "t1"
    assert (overlap["overlap"]["file"], overlap["overlap"]["row"]) == ("exam.jsonl", 2)
    assert "1 dialogues hold a text of exam.jsonl" in told.err


def test_a_critics_verdicts_on_a_file_are_lines_of_json_and_are_paid_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    talk = [("user", "睡不着。"), ("assistant", "几点醒的？"), ("user", "两点。"), ("assistant", "醒了以后呢？")]
    path = write(tmp_path, talk, [("user", "I can't sleep."), ("assistant", "Since when?")])
    flags = (path, "--rubric", "session", "--rubric", "turn", "--repeats", 2)
    first = judge(monkeypatch, capsys, *flags)
    assert first.code == 0
    verdicts = [row for row in map(json.loads, first.out.splitlines()) if "rubric" in row]
    asked = sorted((row["id"], row["rubric"], row["exchange"], row["repeat"]) for row in verdicts)
    places = [("t0", "session", 0), ("t0", "turn", 1), ("t0", "turn", 2), ("t1", "session", 0), ("t1", "turn", 1)]
    assert asked == [(*place, repeat) for place in places for repeat in range(2)]
    assert all(row["model"] == "rehearsal-critic" and row["scores"] for row in verdicts)
    assert "10 calls" in first.err
    again = judge(monkeypatch, capsys, *flags)
    assert sorted(again.out.splitlines()) == sorted(first.out.splitlines())
    assert "0 calls" in again.err


def test_without_a_file_and_without_a_store_there_is_nothing_to_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = judge(monkeypatch, capsys)
    assert told.code == 1
    assert told.err == "factory.db does not exist; name the database of an earlier run\n"
    assert not (tmp_path / "factory.db").exists()
