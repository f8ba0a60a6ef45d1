"""The pages can be read by everybody: in both languages, in light and dark, on a phone, and by those who hear them."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from store.cards import refresh_cards
from store.reviews import Said, say
from tests.store.review.browser.conftest import Desk
from tests.store.review.talks import keep_talks

LOUD = ("serious", "critical")
PAGES = ("/dialogues", "/dialogues?standing=waiting", "/pairs", "/adjudicate", "/progress", "/guide", "/bulk")


def lay_out(desk: Desk) -> list[str]:
    """Store two runs of the same seed: a talk with danger, one that people disagree on, and one that was judged."""
    ids = keep_talks(desk.engine, 3, change=lambda at: {"is_crisis": at == 0, "risk_tier": "passive"})
    keep_talks(desk.engine, 1, change=lambda at: {"recipe": "cactus"})
    about = {"dialogue_id": ids[1], "wanted": 2}
    say(desk.engine, Said(word="accept", reviewer="乙", **about))
    say(desk.engine, Said(word="reject", reviewer="丙", reasons=["boilerplate"], comment="收尾是套话。", **about))
    say(desk.engine, Said(word="flag", reviewer="甲", dialogue_id=ids[2], number=1, reasons=["role_swap"]))
    refresh_cards(desk.engine)
    return ids


def list_faults(page: Page) -> list[str]:
    """Return what axe finds that keeps somebody from reading or working."""
    found = Axe().run(page).response["violations"]
    return [f"{page.url}: {one['id']} at {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in LOUD]


@pytest.mark.parametrize("theme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_axe_finds_nothing_serious_on_any_page(desk: Desk, theme: str) -> None:
    ids = lay_out(desk)
    page = desk.sit_down(color_scheme=theme)
    faults = []
    paths = [*PAGES, f"/dialogues/{ids[0]}", f"/dialogues/{ids[2]}", f"/dialogues/{ids[1]}?adjudicate=1"]
    for path in paths:
        page.goto(f"{desk.url}{path}")
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        faults += list_faults(page)
    for key, panel in (("x", "#reasons"), ("c", "#comment"), ("r", "#rate"), ("?", "#keys")):
        page.keyboard.press(key)
        expect(page.locator(panel)).to_be_visible()
        faults += list_faults(page)
        page.keyboard.press("Escape")
        expect(page.locator(panel)).not_to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{desk.url}/login")
    assert faults + list_faults(page) == []


def test_the_page_speaks_both_languages_and_remembers_which(desk: Desk) -> None:
    ids = lay_out(desk)
    page = desk.sit_down(language="zh")
    page.goto(f"{desk.url}/dialogues/{ids[2]}")
    expect(page.locator(".actions .yes")).to_contain_text("接受")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.click("#language")
    expect(page.locator(".actions .yes")).to_contain_text("Accept")
    page.goto(f"{desk.url}/guide")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert not re.search("[\u4e00-\u9fff]", page.locator("main").inner_text())


def test_the_theme_is_chosen_and_kept(desk: Desk) -> None:
    lay_out(desk)
    page = desk.sit_down(color_scheme="light")
    page.goto(f"{desk.url}/guide")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    page.click("#theme")
    dark = page.evaluate(ground)
    assert dark != light
    page.goto(f"{desk.url}/progress")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) == dark


def test_on_a_phone_nothing_is_wider_than_the_screen(desk: Desk) -> None:
    ids = lay_out(desk)
    page = desk.sit_down(viewport={"width": 390, "height": 844})
    for path in (*PAGES, f"/dialogues/{ids[0]}", f"/dialogues/{ids[2]}"):
        page.goto(f"{desk.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    for name in ("accept", "reject", "skip", "undo"):
        box = page.locator(f".actions [data-do={name}]").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390, name


def test_what_is_said_is_found_again_in_the_list(desk: Desk) -> None:
    ids = lay_out(desk)
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues")
    expect(page.locator("a.card")).to_have_count(4)
    page.keyboard.press("/")
    page.keyboard.type("失眠")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dialogues?text=*")
    expect(page.locator("a.card")).to_have_count(4)
    page.goto(f"{desk.url}/dialogues?flagged=yes")
    expect(page.locator("a.card")).to_have_attribute("href", re.compile(f"/dialogues/{ids[2]}"))
    page.locator("a.card").click()
    expect(page.locator("#turn-1 .flagged")).to_contain_text("角色错位")


def test_words_of_a_talk_with_danger_stand_in_no_list_and_are_covered_until_opened(desk: Desk) -> None:
    ids = lay_out(desk)
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues?crisis=yes")
    assert "失眠" not in page.locator(".cards").inner_text()
    page.goto(f"{desk.url}/dialogues/{ids[0]}")
    for part in ("#talk", ".beside"):
        assert page.locator(part).evaluate("part => part.inert && getComputedStyle(part).filter.includes('blur')")
    page.locator("#uncover").click()
    for part in ("#talk", ".beside"):
        assert not page.locator(part).evaluate("part => part.inert")
