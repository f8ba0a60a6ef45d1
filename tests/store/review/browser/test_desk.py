"""Somebody sits at the page and reviews: by keys alone, in Chinese with an input method, and when the line breaks."""

import json
import re
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from tests.store.review.browser.conftest import Desk
from tests.store.review.talks import LINES, keep_talks


def read_said(engine: Engine) -> list[dict[str, Any]]:
    with engine.connect() as db:
        return [dict(row) for row in db.execute(text("SELECT * FROM reviews ORDER BY id")).mappings()]


def read_words(engine: Engine, id: str, number: int) -> str:
    with engine.connect() as db:
        asked = text('SELECT "text" FROM utterances WHERE dialogue_id = :id AND number = :number')
        return str(db.execute(asked, {"id": id, "number": number}).scalar_one())


def path_of(page: Page) -> str:
    return page.url.split("?")[0].split("/dialogues/")[-1]


def test_twenty_dialogues_are_reviewed_by_keys_alone(desk: Desk) -> None:
    ids = keep_talks(desk.engine, 20, change=lambda at: {"is_crisis": at == 3, "risk_tier": "passive"})
    page = desk.sit_down()
    page.goto(f"{desk.url}/queue")
    seen = []
    for count in range(20):
        here = path_of(page)
        seen.append(here)
        if page.locator("#uncover").count():
            page.keyboard.press("a")
            expect(page.locator("#state")).to_have_text(re.compile("Enter"))
            page.keyboard.press("Enter")
        page.keyboard.press("j")
        page.keyboard.press("t")
        page.keyboard.press("t")
        if count % 4 == 3:
            page.keyboard.press("x")
            page.keyboard.press("6")
            page.keyboard.press("9")
            page.keyboard.press("Enter")
        else:
            page.keyboard.press("s" if count % 4 == 2 else "a")
        page.wait_for_url(lambda url, here=here: url.split("?")[0].split("/dialogues/")[-1] != here)
        page.wait_for_load_state()
    expect(page.locator("h1")).to_have_text("看完了")
    said = read_said(desk.engine)
    assert sorted(seen) == sorted(ids)
    assert [line["dialogue_id"] for line in said] == seen
    assert [line["verdict"] for line in said] == ["accept", "accept", "skip", "reject"] * 5
    assert {line["reasons"] for line in said if line["verdict"] == "reject"} == {'["boilerplate","lecture_list_dump"]'}
    assert all(line["seconds"] > 0 for line in said)


def test_a_rejection_without_a_reason_says_so_and_stays_open(desk: Desk) -> None:
    keep_talks(desk.engine, 1)
    page = desk.sit_down()
    page.goto(f"{desk.url}/queue")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(page.locator("#reasons .problem")).to_have_text("请至少选一个原因")
    page.keyboard.press("Escape")
    expect(page.locator("#reasons")).not_to_be_visible()
    assert read_said(desk.engine) == []


def test_an_input_method_at_work_triggers_no_key(desk: Desk) -> None:
    keep_talks(desk.engine, 2)
    page = desk.sit_down()
    page.goto(f"{desk.url}/queue")
    here = page.url
    page.evaluate(
        """() => { for (const key of ["a", "x", "s", "u", "e", "Enter"]) {
          document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, isComposing: true}));
          document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, keyCode: 229}));
        } }"""
    )
    page.keyboard.press("j")
    page.keyboard.press("c")
    field = page.locator("#comment textarea")
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "ax", "selectionStart": 2, "selectionEnd": 2})
    page.evaluate(
        """() => document.activeElement.dispatchEvent(
          new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true, isComposing: true}))"""
    )
    expect(page.locator("#comment")).to_be_visible()
    session.send("Input.insertText", {"text": "按压"})
    expect(field).to_have_value("按压")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#turn-0 .said-line p")).to_have_text("按压")
    assert page.url.split("#")[0] == here
    assert [(line["verdict"], line["number"], line["comment"]) for line in read_said(desk.engine)] == [
        ("comment", 0, "按压")
    ]


def test_letters_typed_into_the_search_stay_there(desk: Desk) -> None:
    keep_talks(desk.engine, 1)
    page = desk.sit_down()
    page.goto(f"{desk.url}/queue")
    page.keyboard.press("/")
    page.keyboard.type("axsu")
    expect(page.locator("#search")).to_have_value("axsu")
    assert read_said(desk.engine) == []


def test_undo_takes_the_last_verdict_back_and_leads_to_its_dialogue(desk: Desk) -> None:
    keep_talks(desk.engine, 2)
    page = desk.sit_down()
    page.goto(f"{desk.url}/queue")
    first = path_of(page)
    page.keyboard.press("a")
    page.wait_for_url(lambda url: first not in url)
    page.keyboard.press("u")
    page.wait_for_url(lambda url: f"/dialogues/{first}" in url)
    said = read_said(desk.engine)
    assert [line["verdict"] for line in said] == ["accept", "undo"]
    assert said[1]["undoes"] == said[0]["id"]
    page.keyboard.press("a")
    page.wait_for_url(lambda url: first not in url)
    assert [line["verdict"] for line in read_said(desk.engine)] == ["accept", "undo", "accept"]


def test_an_edit_shows_its_diff_before_it_is_saved_and_after(desk: Desk) -> None:
    (id,) = keep_talks(desk.engine, 1)
    page = desk.sit_down()
    page.goto(f"{desk.url}/queue")
    for _ in range(4):
        page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("考试和妈妈的话一起来了。哪一样更重？")
    expect(page.locator("#turn-3 .diff del")).to_have_text(["压过", "沉"])
    expect(page.locator("#turn-3 .diff ins")).to_have_text(["了", "重"])
    page.keyboard.press("Escape")
    assert read_words(desk.engine, id, 3) == LINES[3][1]
    page.keyboard.press("e")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#turn-3 .words")).to_have_text("考试和妈妈的话一起来了。哪一样更重？")
    expect(page.locator("#turn-3 .said .diff ins")).to_have_text(["了", "重"])
    expect(page.locator(".talk-head")).to_contain_text("等待重新检查")
    assert read_words(desk.engine, id, 3) == "考试和妈妈的话一起来了。哪一样更重？"
    page.wait_for_load_state()  # keys are bound by scripts that load after the text
    page.keyboard.press("u")
    expect(page.locator("#turn-3 .words")).to_have_text(LINES[3][1])


def test_a_flag_names_the_words_that_are_selected(desk: Desk) -> None:
    (id,) = keep_talks(desk.engine, 1)
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues/{id}")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.evaluate(
        """() => { const words = document.querySelector("#turn-1 .words").firstChild;
          const node = words.nodeType === 3 ? words : words.firstChild; const range = document.createRange();
          range.setStart(node, 2); range.setEnd(node, 4); getSelection().addRange(range); }"""
    )
    page.keyboard.press("f")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    expect(page.locator("#turn-1 .flagged")).to_contain_text("角色错位")
    (said,) = read_said(desk.engine)
    assert (said["verdict"], said["number"], said["span_start"], said["span_end"]) == ("flag", 1, 2, 4)


def test_ratings_are_given_by_keys(desk: Desk) -> None:
    (id,) = keep_talks(desk.engine, 1)
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues/{id}")
    page.keyboard.press("r")
    for key in ("4", "3", "5", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".log-part .said-line")).to_have_count(1)
    (said,) = read_said(desk.engine)
    assert json.loads(said["scores"]) == {"empathy": 4, "helpfulness": 3, "realism": 5}


def test_a_verdict_given_offline_is_kept_and_sent_later(desk: Desk) -> None:
    keep_talks(desk.engine, 2)
    page = desk.sit_down()
    page.goto(f"{desk.url}/queue")
    first = path_of(page)
    page.context.set_offline(True)
    page.keyboard.press("a")
    expect(page.locator("#state")).to_contain_text("已经留着")
    assert read_said(desk.engine) == []
    page.context.set_offline(False)
    page.wait_for_url(lambda url: first not in url)
    assert [(line["dialogue_id"], line["verdict"]) for line in read_said(desk.engine)] == [(first, "accept")]


def test_two_browsers_at_one_queue_never_get_the_same_dialogue(desk: Desk) -> None:
    ids = keep_talks(desk.engine, 12)
    pages = {name: desk.sit_down(name) for name in ("甲", "乙")}
    for page in pages.values():
        page.goto(f"{desk.url}/queue")
    shown: dict[str, list[str]] = {name: [] for name in pages}
    for _ in range(6):
        for name, page in pages.items():
            shown[name].append(path_of(page))
        here = {name: path_of(page) for name, page in pages.items()}
        for page in pages.values():
            page.keyboard.press("a")
        for name, page in pages.items():
            page.wait_for_url(lambda url, was=here[name]: f"/dialogues/{was}?" not in url)
    assert set(shown["甲"]) & set(shown["乙"]) == set()
    assert sorted([*shown["甲"], *shown["乙"]]) == sorted(ids)
    assert len(read_said(desk.engine)) == 12


def test_a_verdict_that_the_server_could_not_take_is_kept_over_a_reload(desk: Desk) -> None:
    keep_talks(desk.engine, 2)
    page = desk.sit_down()
    page.route("**/say*", lambda route: route.fulfill(status=503, json={"error": "busy"}))
    page.goto(f"{desk.url}/queue")
    first = path_of(page)
    page.keyboard.press("a")
    expect(page.locator("#state")).to_contain_text("正在重试")
    page.unroute("**/say*")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("#state")).to_have_text("已保存")
    assert [(line["dialogue_id"], line["verdict"]) for line in read_said(desk.engine)] == [(first, "accept")]


def test_after_fifty_minutes_a_rest_is_proposed_once(desk: Desk) -> None:
    keep_talks(desk.engine, 1)
    page = desk.sit_down()
    page.goto(f"{desk.url}/guide")
    expect(page.locator("#rest")).not_to_be_visible()
    page.evaluate("localStorage.setItem('since', Date.now() - 51 * 60000)")
    page.goto(f"{desk.url}/queue")
    expect(page.locator("#timer")).to_have_text("51 分钟")
    page.locator("#rested").click()
    expect(page.locator("#rest")).not_to_be_visible()
    page.reload()
    expect(page.locator("#rest")).not_to_be_visible()


def test_the_way_through_a_list_is_walked_by_keys(desk: Desk) -> None:
    keep_talks(desk.engine, 3)
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues?sort=oldest")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dialogues/1/0*")
    page.keyboard.press("n")
    page.wait_for_url("**/dialogues/1/1*")
    page.keyboard.press("p")
    page.wait_for_url("**/dialogues/1/0*")
    page.keyboard.press("p")
    expect(page.locator("#state")).to_have_text("前面没有了")
