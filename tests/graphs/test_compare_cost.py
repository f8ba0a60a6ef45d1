"""A comparison accounts for every call and every coin, and says so where an endpoint did not tell what it took."""

import re
from pathlib import Path
from typing import Any

import pytest

from agents.rehearsal.app import create_app
from tests.graphs.conftest import Result, read_rows
from tests.graphs.test_compare import OTHER, compare, write_questions
from tests.witness import serve

PRICED = "prices: {input: 4, cached_input: 1, output: 16}\ncurrency: CNY\n"
ENGLISH = """\
version: 1
language: en
source: own wording
questions:
  - {id: blank, life: study, kind: asks, text: "My mind goes blank in every exam. What can I do?"}
  - {id: door, life: life, kind: asks, text: "My son locks his door when he comes home. How do I get him to talk?"}
"""
SUMS = (
    "SELECT count(*) AS calls, sum(prompt_tokens) AS prompt, sum(completion_tokens) AS completion,"
    " sum(reasoning_tokens) AS reasoning, sum(price) AS price, count(*) - count(prompt_tokens) AS untold,"
    " count(*) - count(price) AS unpriced FROM calls"
)


def ask(folder: Path, where: str = "", **values: Any) -> Any:
    """Return the sums over the calls of a folder's database."""
    return read_rows(SUMS + (f" WHERE {where}" if where else ""), f"sqlite:///{folder}/factory.db", **values)[0]


def read_took(folder: Path, language: str = "zh") -> dict[str, list[str]]:
    """Return the report's table of what all took: its rows by their names, without the latency."""
    text = (folder / "out" / "report.md").read_text(encoding="utf-8")
    title = {"zh": "## 用量\n", "en": "## What it took\n"}[language]
    section = text.partition(title)[2].partition("\n## ")[0]
    lines = [re.sub(r"\\(.)", r"\1", line) for line in section.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0]: row[1:-1] for row in rows[1:]}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Compare two models with questions and sessions; all endpoints have prices."""
    folder = tmp_path_factory.mktemp("priced")
    for name in ("base", "tuned", "judge"):
        (folder / f"{name}.yaml").write_text(OTHER.format(name=name) + PRICED, encoding="utf-8")
    flags = ("--models", "base.yaml,tuned.yaml", "--judge", "judge.yaml", "--questions", write_questions(folder))
    return folder, compare(folder, *flags, "--sessions", 2, "--out", "out", "--json", "--yes")


def test_the_rows_add_up_to_every_call_and_every_coin_in_the_database(priced: tuple[Path, Result]) -> None:
    folder, told = priced
    assert told.code == 0, told.err
    rows, all = read_took(folder), ask(folder)
    *parts, total = rows.values()
    assert list(rows)[-1] == "总共"
    assert total[:4] == [f"{each:,}" for each in (all.calls, all.prompt, all.completion, all.reasoning)]
    for column, expected in enumerate((all.calls, all.prompt, all.completion, all.reasoning)):
        assert sum(int(row[column].replace(",", "")) for row in parts) == expected
    assert total[4] == f"{all.price:,.4f} CNY"
    # Each row is rounded to a hundredth of a fen.
    summed = sum(float(row[4].removesuffix(" CNY")) for row in parts)
    assert summed == pytest.approx(all.price, abs=0.00005 * len(parts))
    figures = told.summary
    assert sum(row["price"]["CNY"] for row in figures["took"]) == pytest.approx(all.price)
    assert (figures["took_in_all"]["calls"], figures["took_in_all"]["unpriced"]) == (all.calls, 0)
    assert figures["took_in_all"]["price"]["CNY"] == pytest.approx(all.price)


def test_each_row_is_what_the_database_has_of_its_calls(priced: tuple[Path, Result]) -> None:
    folder, told = priced
    rows = read_took(folder)
    runs = {label: each["run"] for label, each in told.summary["sessions"].items()}
    played = f"run_id IN {tuple(runs.values())} AND branch NOT LIKE 'judge/%'"
    expected = {
        "评审：给回答打分": "run_id = 1 AND branch LIKE 'score/%'",
        "评审：两封回话里选一封": "run_id = 1 AND branch LIKE 'pair/%'",
        "会谈里的来访者": f"{played} AND agent = 'client'",
        "会谈里的设定": f"{played} AND agent = 'intake'",
        "会谈结束以后的评审": "branch LIKE 'judge/%'",
    }
    for label, run in runs.items():
        expected[f"{label}：回答问题"] = f"run_id = 1 AND branch = 'answer/{label}'"
        expected[f"{label}：会谈里的咨询师"] = f"run_id = {run} AND agent = 'counselor'"
    for name, where in expected.items():
        held = ask(folder, where)
        assert held.calls > 0
        assert (rows[name][0], rows[name][4]) == (f"{held.calls:,}", f"{held.price:,.4f} CNY"), name
    critics = ask(folder, f"{played} AND agent = 'critic'")
    assert rows.get("会谈里方法自带的评委", ["0"])[0] == str(critics.calls)
    judged = ask(folder, "branch LIKE 'score/%' OR branch LIKE 'pair/%' OR branch LIKE 'judge/%'")
    assert told.summary["judging"]["calls"] == judged.calls
    assert told.summary["judging"]["price"]["CNY"] == pytest.approx(judged.price)


def test_the_page_has_the_same_account(priced: tuple[Path, Result]) -> None:
    page = (priced[0] / "out" / "report.html").read_text(encoding="utf-8")
    for name, cells in read_took(priced[0]).items():
        assert "".join(f"<td>{cell}</td>" for cell in (name, *cells)) in page


def compare_untold(folder: Path, share: float, language: str) -> dict[str, Any]:
    """Compare a priced model and one without a price that tells its usage for this share of its calls."""
    (folder / "base.yaml").write_text(OTHER.format(name="base") + PRICED, encoding="utf-8")
    questions = write_questions(folder, ENGLISH) if language == "en" else write_questions(folder)
    with serve(create_app(fault_rate=1 - share, faults=("no_usage",))) as port:
        other = OTHER.format(name="tuned").replace("asgi://rehearsal", f"http://127.0.0.1:{port}/v1")
        (folder / "tuned.yaml").write_text(other, encoding="utf-8")
        flags = ("--models", "base.yaml,tuned.yaml", "--judge", "rehearsal", "--questions", questions, "--yes")
        told = compare(folder, *flags, "--out", "out", "--json")
    assert told.code == 0, told.err
    return told.summary


@pytest.mark.parametrize(
    ("language", "name", "total", "unknown", "no_price", "least"),
    [
        ("zh", "tuned：回答问题", "总共", "不知道", "没有价格", "至少 {sum:,}（{left} 次调用没有报）"),
        ("en", "tuned: answering the questions", "in all", "unknown", "no price known",
         "at least {sum:,} ({left} calls untold)"),
    ],
)  # fmt: skip
def test_what_no_call_told_is_unknown_and_what_some_did_not_tell_is_a_least(
    tmp_path: Path, language: str, name: str, total: str, unknown: str, no_price: str, least: str
) -> None:
    figures = compare_untold(tmp_path, 0.0, language)
    rows, all = read_took(tmp_path, language), ask(tmp_path)
    asked = 2 if language == "en" else 4
    assert rows[name] == [str(asked), unknown, unknown, unknown, no_price]
    (row,) = [row for row in figures["took"] if (row["for"], row["name"]) == ("answer", "tuned")]
    assert (row["prompt_tokens"], row["completion_tokens"], row["untold"]["prompt_tokens"]) == (None, None, asked)
    assert (all.untold, all.unpriced) == (asked, all.calls - asked)
    assert rows[total][1] == least.format(sum=all.prompt, left=asked)
    assert rows[total][2] == least.format(sum=all.completion, left=asked)
    priced = {"zh": "至少 {price:.4f} CNY（{left} 次调用没有价格）",
              "en": "at least {price:.4f} CNY ({left} calls without a price)"}[language]  # fmt: skip
    assert rows[total][4] == priced.format(price=all.price, left=all.unpriced)
    assert figures["took_in_all"]["unpriced"] == all.unpriced


def test_a_model_that_told_some_of_its_calls_took_at_least_those(tmp_path: Path) -> None:
    figures = compare_untold(tmp_path, 0.5, "zh")
    held = ask(tmp_path, "branch = 'answer/tuned'")
    assert 0 < held.untold < held.calls
    shown = read_took(tmp_path)["tuned：回答问题"]
    assert shown[1] == f"至少 {held.prompt:,}（{held.untold} 次调用没有报）"
    (row,) = [row for row in figures["took"] if (row["for"], row["name"]) == ("answer", "tuned")]
    assert (row["prompt_tokens"], row["untold"]["prompt_tokens"]) == (held.prompt, held.untold)
