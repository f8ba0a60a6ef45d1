"""The sessions of a comparison are spoken in the language that was named, else in that of all its questions."""

import re
from pathlib import Path

import pytest

from tests.graphs.conftest import read_rows
from tests.graphs.test_compare import compare, write_models

SET = """\
version: 1
language: {}
source: own wording
questions:
  - {{id: one_thing, life: life, kind: asks, text: "{}"}}
"""
TEXT = {"zh": "一回家就觉得累，怎么办？", "en": "I am tired the moment I get home. What can I do?"}
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("asked", "flags", "spoken"),
    [
        (("en",), (), "en"),
        (("zh",), (), "zh"),
        (("zh", "en"), (), "zh"),
        (("zh", "en"), ("--language", "en"), "en"),
    ],
)
def test_the_sessions_are_in_the_language_of_the_questions_and_the_report_says_so(
    tmp_path: Path, asked: tuple[str, ...], flags: tuple[str, ...], spoken: str
) -> None:
    paths = [tmp_path / f"ask.{language}.yaml" for language in asked]
    for language, path in zip(asked, paths, strict=True):
        path.write_text(SET.format(language, TEXT[language]), encoding="utf-8")
    models = ",".join(map(str, write_models(tmp_path, "base", "tuned")))
    told = compare(tmp_path, "--models", models, "--questions", *paths, "--sessions", 1, *flags)
    assert told.code == 0, told.err
    rows = read_rows("SELECT text, language FROM utterances JOIN dialogues ON dialogue_id = dialogues.id", of(tmp_path))
    assert {row.language for row in rows} == {spoken}
    assert {bool(HAN.search(row.text)) for row in rows} == {spoken == "zh"}
    text = (tmp_path / "reports" / "compare-1" / "report.md").read_text(encoding="utf-8")
    told_in = ["The sessions were held in Chinese", "The sessions were held in English", "会谈用的语言：中文"]
    (said,) = [words for words in told_in if words in text]
    assert said.endswith("English" if spoken == "en" else ("中文" if asked == ("zh",) else "Chinese"))


def of(folder: Path) -> str:
    """Return the database of a folder."""
    return f"sqlite:///{folder}/factory.db"


def test_chinese_sessions_go_on_where_a_run_without_a_language_stopped(tmp_path: Path) -> None:
    path = tmp_path / "ask.zh.yaml"
    path.write_text(SET.format("zh", TEXT["zh"]), encoding="utf-8")
    models = ",".join(map(str, write_models(tmp_path, "base", "tuned")))
    flags = ("--models", models, "--questions", path, "--sessions", 1)
    compare(tmp_path, *flags)
    compare(tmp_path, *flags)
    rows = read_rows("SELECT DISTINCT language, first_position FROM runs WHERE recipe = 'session'", of(tmp_path))
    assert sorted((row.language, row.first_position) for row in rows) == [("", 0), ("", 1)]


@pytest.mark.parametrize("sessions", [0, 1])
def test_clients_are_a_limit_only_where_there_were_any(tmp_path: Path, sessions: int) -> None:
    path = tmp_path / "ask.en.yaml"
    path.write_text(SET.format("en", TEXT["en"]), encoding="utf-8")
    models = ",".join(map(str, write_models(tmp_path, "base", "tuned")))
    compare(tmp_path, "--models", models, "--questions", path, "--sessions", sessions)
    text = (tmp_path / "reports" / "compare-1" / "report.md").read_text(encoding="utf-8")
    assert ("Clients were played by a model" in text) == bool(sessions)
    assert "A higher score does not mean more help" in text
