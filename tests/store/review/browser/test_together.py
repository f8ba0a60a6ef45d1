"""What several people do at once or in turn: pairs, disputes, one verdict for many, and judging without the others."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from store.cards import refresh_cards
from store.review.settings import Settings
from store.reviews import Said, say
from tests.store.review.browser.conftest import Desk, serve
from tests.store.review.browser.test_desk import read_said
from tests.store.review.talks import keep_talks


@pytest.fixture
def shared(engine: Engine, browser: Browser) -> Iterator[Desk]:
    """Yield a review page where two people look at every dialogue."""
    with serve(engine, Settings(overlap=1.0)) as url:
        opened = Desk(engine, url, browser)
        yield opened
        opened.close()


def test_nobody_reads_what_another_said_before_their_own_verdict(shared: Desk) -> None:
    (id,) = keep_talks(shared.engine, 1)
    first, second = shared.sit_down("甲"), shared.sit_down("乙")
    first.goto(f"{shared.url}/queue")
    first.keyboard.press("c")
    first.keyboard.type("word of the first")
    first.keyboard.press("Control+Enter")
    expect(first.locator(".log-part .said-line")).to_have_count(1)
    second.goto(f"{shared.url}/queue")
    expect(second.locator(".talk-head")).to_contain_text("请先自己判断")
    assert "word of the first" not in second.content()
    assert "no-marks" in (second.locator("#talk").get_attribute("class") or "")
    second.goto(f"{shared.url}/dialogues")
    assert second.locator(".card").count() == 1
    expect(second.locator(".card .chip")).to_have_text(["等人看"])
    second.goto(f"{shared.url}/queue")
    second.keyboard.press("a")
    second.wait_for_url("**/queue*")
    second.goto(f"{shared.url}/dialogues/{id}")
    expect(second.locator(".log-part")).to_contain_text("word of the first")


def test_a_pair_hides_who_wrote_it_until_one_is_chosen(desk: Desk) -> None:
    keep_talks(desk.engine, 1)
    keep_talks(desk.engine, 1, change=lambda at: {"recipe": "cactus"})
    page = desk.sit_down()
    page.goto(f"{desk.url}/pairs")
    assert "cactus" not in page.content()
    page.keyboard.press("2")
    expect(page.locator("#revealed")).to_contain_text("cactus")
    expect(page.locator("h1")).to_have_text("两段比较")
    (said,) = read_said(desk.engine)
    assert said["verdict"] == "prefer"
    assert {said["dialogue_id"], said["other_id"]} == {"1/0", "2/0"}


def test_a_third_person_settles_what_two_disagree_on(shared: Desk) -> None:
    (id,) = keep_talks(shared.engine, 1)
    about = {"dialogue_id": id, "wanted": 2}
    say(shared.engine, Said(word="accept", reviewer="甲", comment="有来有回。", **about))
    say(shared.engine, Said(word="reject", reviewer="乙", reasons=["boilerplate"], **about))
    refresh_cards(shared.engine)
    page = shared.sit_down("丙")
    page.goto(f"{shared.url}/adjudicate")
    expect(page.locator(".side")).to_have_count(2)
    expect(page.locator(".sides")).to_contain_text("有来有回。")
    expect(page.locator(".sides")).to_contain_text("套话")
    page.click(".case .button")
    page.wait_for_url("**/dialogues/**")
    page.keyboard.press("a")
    page.wait_for_url("**/adjudicate")
    expect(page.locator(".case")).to_have_count(0)
    last = read_said(shared.engine)[-1]
    assert (last["reviewer"], last["verdict"], bool(last["is_adjudication"])) == ("丙", "accept", True)


def test_one_verdict_for_many_waits_for_the_phrase(desk: Desk) -> None:
    ids = keep_talks(desk.engine, 5)
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues?recipe=session")
    page.click("text=成批处理")
    expect(page.locator("main")).to_contain_text("共 5 段")
    page.wait_for_load_state()
    page.check("input[value=reject]")
    page.check("input[value=boilerplate]")
    phrase = page.locator("#phrase").inner_text()
    expect(page.locator("#bulk button")).to_be_disabled()
    page.fill("input[name=typed]", phrase[:-1])
    expect(page.locator("#bulk button")).to_be_disabled()
    page.fill("input[name=typed]", phrase)
    page.click("#bulk button")
    expect(page.locator("#bulk .problem")).to_contain_text("处理了 5 段")
    said = read_said(desk.engine)
    assert {line["dialogue_id"] for line in said} == set(ids)
    assert {(line["verdict"], line["way"]) for line in said} == {("reject", "bulk")}


def test_what_was_said_is_downloaded_with_the_filter_of_the_list(desk: Desk) -> None:
    ids = keep_talks(desk.engine, 3)
    for id in ids[:2]:
        say(desk.engine, Said(dialogue_id=id, reviewer="甲", word="reject", reasons=["pii"], comment="=1+1"))
    refresh_cards(desk.engine)
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues?standing=rejected")
    with page.expect_download() as downloaded:
        page.click("text=CSV")
    rows = downloaded.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert downloaded.value.suggested_filename == "labels.csv"
    assert len(rows) == 3
    assert all("'=1+1" in row for row in rows[1:])
