"""The page of a report asks for nothing, is drawn soundly, and lets no model text act."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from store.db import Database, open_db
from store.repetition import Recurrence
from store.report import figures
from store.report.figures import Report
from store.report.map import find_shade
from store.report.page import choose_words, render, write_page
from store.report.svg import clean, find_ticks, find_width, shorten
from store.report.words import Words, load_words
from store.stats import MAP
from taxonomy.refusal import InputError
from taxonomy.schema import Taxonomy, load_taxonomy
from tests.store.test_report import FAILED, NASTY, Kept, keep, read


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    """Return the shipped map."""
    return load_taxonomy(MAP)


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    """Return an empty database of one kind: a page does not know which it was."""
    return open_db(f"sqlite:///{tmp_path}/factory.db", synchronous="normal")


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Report:
    """Return a report in which every figure is drawn and every text of a model is nasty."""
    database = open_db(f"sqlite:///{tmp_path_factory.mktemp('nasty')}/factory.db")
    said = Kept(
        lines=[("client", NASTY), ("counselor", NASTY)] * 6,
        findings=({"rule": NASTY},),
        verdicts=({"scores": '{"spoken": 1.0, "<b>": 0.5}', "rubric": NASTY},),
        choice="person",
        reasons=(f"{NASTY}: x",),
    )
    english = replace(said, fields={"language": "en", "end_reason": NASTY})
    keep(
        database, [Kept(), said, said, english, english, replace(FAILED, fields=FAILED.fields | {"error_kind": NASTY})]
    )
    report = read(database, taxonomy)
    openings = [Recurrence(f"{NASTY}\x00\ud83d", 2, 0.5)]
    spoken = [replace(each, openings=openings) for each in report.spoken]
    return replace(report, spoken=spoken, models={NASTY: figures.Tally(1, 1, 1, 1)})


class Page(HTMLParser):
    """Notes the elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_asks_for_nothing_and_runs_nothing(nasty: Report, taxonomy: Taxonomy, language: str) -> None:
    text = render(nasty, taxonomy, Words(language))
    page = Page(text)
    assert set(page.elements).isdisjoint({"script", "img", "link", "iframe", "object", "image", "use", "form"})
    assert [value for name, value in page.attributes if name in ("src", "href") and not value.startswith("#")] == []
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    assert set(re.findall(r"https?://[^\"\s<]*", text)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in text
    assert "@import" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)


def test_every_plot_is_sound_told_in_words_and_has_its_table(nasty: Report, taxonomy: Taxonomy) -> None:
    text = render(nasty, taxonomy, Words("zh"))
    plots = [ElementTree.fromstring(plot) for plot in re.findall(r"<svg .*?</svg>", text, re.DOTALL)]
    keys = [element.get("id") for plot in plots for element in plot.iter() if element.get("id")]
    assert len(keys) == len(set(keys)) == 2 * len(plots)
    assert text.count("<details>") >= len(plots) - 1
    for plot in plots:
        width, height = (float(side) for side in (plot.get("viewBox") or "").split()[2:])
        titles = [plot.findtext(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "desc")]
        assert titles[0], "it has no title"
        for box in plot.iter("{http://www.w3.org/2000/svg}rect"):
            x, y, wide, high = (float(box.get(name, "nan")) for name in ("x", "y", "width", "height"))
            assert -0.1 <= x <= x + wide <= width + 0.1
            assert -0.1 <= y <= y + high <= height + 0.1
        for word in plot.iter("{http://www.w3.org/2000/svg}text"):
            assert -0.1 <= float(word.get("x", "0")) <= width


def test_the_map_shows_every_cell_with_its_count(sqlite: Database, taxonomy: Taxonomy) -> None:
    keep(sqlite, [Kept()] * 3)
    text = render(read(sqlite, taxonomy), taxonomy, Words("en"))
    cells = re.findall(r'class="cell shade(\d)" rx="2"><title>(.*?)</title>', text)
    assert len(cells) == len(taxonomy.cells)
    scene = taxonomy.scene("S11").en
    shown = [f"Rage × {scene}: accepted 3, waiting 0, rejected 0, failed 0"]
    assert [hint for shade, hint in cells if shade != "0"] == shown


def test_a_page_of_rehearsal_says_so_before_any_figure(sqlite: Database, taxonomy: Taxonomy) -> None:
    keep(sqlite, [Kept({"is_rehearsal": True})])
    text = render(read(sqlite, taxonomy), taxonomy, Words("zh"))
    assert text.index(load_words()["zh"]["page"]["only_rehearsal_title"]) < text.index('class="tiles"')


def test_a_set_without_an_accepted_dialogue_is_drawn_too(sqlite: Database, taxonomy: Taxonomy) -> None:
    keep(sqlite, [FAILED])
    report = read(sqlite, taxonomy)
    assert report.spoken == []
    assert "<svg" in render(report, taxonomy, choose_words(report, None))


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, "old")
    write_page(path, "新")
    assert path.read_text(encoding="utf-8") == "新"
    with pytest.raises(InputError, match=r"there\.html: cannot be written"):
        write_page(tmp_path / "not" / "there.html", "x")
    with pytest.raises(InputError, match="cannot be written"):
        write_page(tmp_path, "x")
    with pytest.raises(UnicodeEncodeError):
        write_page(path, "\ud83d")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text(encoding="utf-8") == "新"


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    words = load_words()
    for part in ("page", "features"):
        assert set(words["zh"][part]) == set(words["en"][part])
    for key, chinese in words["zh"]["page"].items():
        assert set(re.findall(r"{\w+", chinese)) == set(re.findall(r"{\w+", words["en"]["page"][key])), key


def test_shades_rise_with_the_count_and_ticks_are_round() -> None:
    assert [find_shade(count, 10) for count in (0, 1, 2, 3, 10)] == [0, 1, 1, 2, 5]
    assert [find_shade(count, 1) for count in (0, 1)] == [0, 1]
    assert find_ticks(1067, 4) == [0, 500, 1000, 1500]
    assert find_ticks(0.3, 4) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert find_ticks(0)[-1] > 0


def test_a_long_text_is_cut_to_its_place() -> None:
    assert find_width(shorten("很长很长很长的一句话", 60)) <= 60
    assert shorten("short", 60) == "short"
    assert clean("a\nb\x00c\ud83d") == "a b�c�"
