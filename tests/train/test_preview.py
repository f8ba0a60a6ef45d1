"""The preview shows which tokens are learned and what each target costs, and says in one line what it cannot read."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.export.rows import TalkRow
from store.export.talk import Message
from tests.train.made_shards import make_talks, tell, write_shards
from train.packing import pack_lengths
from train.preview import main
from train.shards import read_talks
from train.targets import EVERY_TARGET, make_rows
from train.template import load_speech, load_tokenizer

Run = Callable[..., str]
SAID = [
    Message("system", "Listen."), Message("user", "I cannot\nsleep \x1b[31m\x07<|im_end|>"),
    Message("assistant", "Since when?", "He is tired.", True), Message("user", "May"),
    Message("assistant", "Since May.", "I repeat it.", True),
]  # fmt: skip


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Return an export of which the first talk is known."""
    talks = [TalkRow(tell("7/0"), SAID), *make_talks(11)]
    return write_shards(tmp_path / "shards", {"train": talks, "validation": make_talks(3, 1)})


@pytest.fixture
def run(shards: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the command over those shards with the tiny model, and returns what it printed."""

    def run_command(*flags: str) -> str:
        given = ["--shards", str(shards), "--model", str(tiny), *flags]
        monkeypatch.setattr(sys, "argv", ["train.preview", *given])
        assert main() == 0
        return capsys.readouterr().out

    return run_command


def read_lines(out: str) -> list[tuple[str, str]]:
    """Return who does something with a line of a row, and the line."""
    lines = [line.split(" │ ", 1) for line in out.splitlines() if " │ " in line]
    return [(re.sub(r" +\d+$", "", gutter).strip(), text) for gutter, text in lines]


def test_what_is_read_and_what_is_learned_is_told_apart_without_colours(run: Run) -> None:
    out = run("--targets", "tree")
    assert "\x1b" not in out
    assert "\x07" not in out
    assert read_lines(out) == [
        ("read", "<|im_start|>system⏎"), ("", "Listen.<|im_end|>⏎"), ("", "<|im_start|>user⏎"), ("", "I cannot⏎"),
        ("", "sleep �[31m�< |im_end|><|im_end|>⏎"), ("", "<|im_start|>assistant⏎"),
        ("learned branch 1", "<think>⏎"), ("", "He is tired.⏎"), ("", "</think>⏎"), ("", "⏎"),
        ("", "Since when?<|im_end|>"),
        ("read", "Since when?<|im_end|>⏎"), ("", "<|im_start|>user⏎"), ("", "May<|im_end|>⏎"),
        ("", "<|im_start|>assistant⏎"),
        ("learned", "<think>⏎"), ("", "I repeat it.⏎"), ("", "</think>⏎"), ("", "⏎"), ("", "Since May.<|im_end|>"),
        ("read", "⏎"),
    ]  # fmt: skip


def test_on_a_terminal_it_is_in_colours_unless_nobody_wants_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain_of = re.compile(r"\x1b\[[0-9;]*m")
    coloured = run("--targets", "tree")
    assert "\x1b[36;1mHe is tired.⏎\x1b[0m" in coloured
    assert "\x1b[32;1mI repeat it.⏎\x1b[0m" in coloured
    assert "\x1b[31m" not in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("--targets", "tree") == plain_of.sub("", coloured)


def test_counts_of_every_target_are_those_of_its_rows(run: Run, shards: Path, tiny: Path) -> None:
    told = json.loads(run("--json", "--length", "150"))
    speech = load_speech(load_tokenizer(tiny))
    talks = [talk for split in ("train", "validation") for talk in read_talks(shards, split)]
    assert told["talks"] == len(talks) == 15
    assert list(told["targets"]) == list(EVERY_TARGET)
    for targets in EVERY_TARGET:
        rows = [row for talk in talks for row in make_rows(talk, targets, speech)]
        kept = [len(row) for row in rows if len(row) <= 150]
        tokens, learned = sum(map(len, rows)), sum(row.learned for row in rows)
        packs = len(pack_lengths(kept, 150))
        assert told["targets"][targets] == {
            "rows": len(rows), "tokens": tokens, "loss_tokens": learned, "share": learned / tokens, "packs": packs,
            "unfilled": 1 - sum(kept) / (packs * 150), "over_long": len(rows) - len(kept),
            "longest": max(map(len, rows)),
        }  # fmt: skip
    assert told["targets"]["tree"]["over_long"] > 0
    assert told["targets"]["tree"]["tokens"] < told["targets"]["per_turn"]["tokens"]
    assert told["targets"]["tree"]["loss_tokens"] == told["targets"]["per_turn"]["loss_tokens"]


def test_the_table_tells_the_same_and_names_what_is_over_long(run: Run) -> None:
    figures = json.loads(run("--json", "--length", "150"))["targets"]
    lines = run("--length", "150", "--targets", "all_turns").splitlines()
    (line,) = (line for line in lines if line.startswith("all_turns ") and "%" in line)
    told: dict[str, Any] = figures["all_turns"]
    assert line.split()[1:4] == [f"{told[name]:,}" for name in ("rows", "tokens", "loss_tokens")]
    assert f"{told['over_long']} rows of all_turns are over 150 tokens and would be left out" in "\n".join(lines)


def test_a_row_in_json_is_its_runs_of_tokens(run: Run) -> None:
    told = json.loads(run("--json", "--row", "2"))["row"]
    assert (told["split"], told["number"], told["targets"], told["talk"]) == ("train", 2, "per_turn", "7/0")
    assert sum(len(each["tokens"]) for each in told["runs"]) == told["tokens"]
    assert sum(len(each["tokens"]) for each in told["runs"] if each["learned"]) == told["loss_tokens"]
    assert [each["text"] for each in told["runs"] if each["learned"]] == [
        "<think>\nI repeat it.\n</think>\n\nSince May.<|im_end|>"
    ]


def test_it_says_how_a_model_of_all_turns_is_to_be_served(run: Run, tmp_path: Path, tiny: Path) -> None:
    assert '{"preserve_thinking": true}' in run()
    write_shards(tmp_path / "plain", {"train": make_talks(2, thinks=False)})
    assert "preserve_thinking" not in run("--shards", str(tmp_path / "plain"))


def test_rows_of_another_split_are_shown(run: Run) -> None:
    assert json.loads(run("--json", "--split", "validation"))["row"]["talk"] == "1/0"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--model", "/nowhere/model"], "/nowhere/model: there is no such model folder; check the path"),
        (["--shards", "/nowhere/shards"], "/nowhere/shards: there is no such folder"),
        (["--split", "test"], "split 'test' is empty; it holds train 12, validation 3"),
        (["--row", "0"], "--row 0: rows are counted from 1"),
        (["--row", "500", "--targets", "tree"], "--row 500: split 'train' has 12 rows of tree; name one of them"),
        (["--length", "0"], "--length 0: a pack holds 1 token or more"),
    ],
)
def test_what_it_cannot_show_it_says_in_one_line(
    run: Run, shards: Path, flags: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from taxonomy.refusal import InputError

    with pytest.raises(InputError) as caught:
        run(*flags)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_the_command_ends_with_one_line_and_the_code_for_bad_input(shards: Path, tiny: Path, tmp_path: Path) -> None:
    import subprocess

    shutil.copytree(tiny, tmp_path / "other")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        path = tmp_path / "other" / name
        path.write_text(path.read_text(encoding="utf-8").replace("<|im_end|>", "<|eot|>"), encoding="utf-8")
    command = [sys.executable, "-m", "train.preview", "--shards", str(shards), "--model", str(tmp_path / "other")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "this tokenizer is not Qwen2.5's: <|im_end|> is no special token of it; name a Qwen2.5 model\n"
    )
