"""The page of a comparison of three models can be read on a telephone and on a desk, by day and by night."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.chromium import open_chromium
from tests.graphs.test_compare import compare, write_models, write_questions

MODELS = ("base", "tuned-on-sessions", "whatever-third")
NARROWEST = 80
"""Pixels of a model's column in which an interval of a score still stands on two lines, none of its figures broken."""
MEASURE = """() => {
  const row = document.querySelector('.letters tbody tr');
  row.lastElementChild.querySelector('details').open = true;
  const widths = cells => [...cells].map(cell => cell.getBoundingClientRect().width);
  const scores = document.querySelector('#scores .side tbody tr');
  return {
    over: document.documentElement.scrollWidth - innerWidth,
    answers: widths(row.children).slice(1),
    scores: widths(scores.children).slice(1),
    seen: row.lastElementChild.innerText,
    whole: row.lastElementChild.querySelector('p').innerText,
  };
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compare three models once; returns the folder of the reports."""
    folder = tmp_path_factory.mktemp("layout")
    models = ",".join(map(str, write_models(folder, *MODELS)))
    told = compare(folder, "--models", models, "--questions", write_questions(folder))
    assert told.code == 0, told.err
    return folder / "reports" / "compare-1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for the module."""
    with open_chromium() as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_columns_stay_readable_and_alike_when_an_answer_is_opened(
    report: Path, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto((report / "report.html").as_uri())
    told = page.evaluate(MEASURE)
    context.close()
    assert told["over"] <= 0
    assert len(told["answers"]) == len(told["scores"]) == len(MODELS)
    assert min(told["answers"]) >= 2 * NARROWEST
    assert min(told["scores"]) >= NARROWEST
    assert max(told["answers"]) - min(told["answers"]) < 1
    assert told["seen"].count(told["whole"][:12]) == 1


def test_each_report_speaks_only_of_what_it_has(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "点开是全文" in page
    assert "表后" not in page
    assert "全文在表后" in text
    assert not re.search("点开|收起", text)
