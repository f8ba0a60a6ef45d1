"""Whatever a model or a person writes is text on every page: nothing in it runs, loads or hides."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

import store.review
from store.cards import refresh_cards
from store.records import ArtefactRecord, SeedRecord
from store.reviews import Said, say
from tests.store.review.browser.conftest import Desk
from tests.store.review.browser.payloads import PAYLOADS
from tests.store.review.talks import keep_talks

ADDRESSES = (
    "/dialogues?text=", "/dialogues?emotion=", "/dialogues?after=", "/dialogues?nothing=", "/queue?model=",
    "/bulk?rule=", "/pairs?last=", "/dialogues/1/0?full=",
)  # fmt: skip
HERE = Path(store.review.__file__).parent
PAGES = ("/queue", "/dialogues", "/pairs", "/adjudicate", "/progress", "/guide", "/bulk", "/login")
BANNED = ("|safe", "| safe", "markup(", "innerhtml", "outerhtml", "insertadjacenthtml", "document.write",
          "new function", "autoescape false", "autoescape=false", "srcdoc", "createcontextualfragment")  # fmt: skip
BANNED_OUTSIDE_PYTHON = ("eval(", "style=", "http://", "https://", "javascript:")
ALLOWED = ("http://www.w3.org/2000/svg",)


def watch(page: Page, origin: str) -> list[str]:
    """Return a list that fills with all that ran, failed, was refused or left for elsewhere."""
    seen: list[str] = []
    page.expose_function("hit", lambda: seen.append("ran"))
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: message.type in ("error", "warning") and seen.append(f"console {message.text}"))
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("popup", lambda popup: seen.append(f"popup {popup.url}"))
    page.on("request", lambda request: request.url.startswith(origin) or seen.append(f"request {request.url}"))
    return seen


def say_everything(engine: Engine, id: str, other: str, payload: str) -> None:
    """Have two people say a text in every field that people fill."""
    about = {"dialogue_id": id, "comment": payload}
    say(engine, Said(word="edit", reviewer="甲", number=2, text=f"{payload} edited", **about))
    say(engine, Said(word="comment", reviewer="甲", number=0, **about))
    say(engine, Said(word="flag", reviewer="乙", number=1, reasons=[payload], span=(0, 2), **about))
    say(engine, Said(word="accept", reviewer="甲", wanted=2, **about))
    say(engine, Said(word="reject", reviewer="乙", wanted=2, reasons=[payload], **about))
    say(engine, Said(word="prefer", reviewer="甲", other_id=other, **about))


def lay_out(engine: Engine, texts: list[str]) -> list[str]:
    """Store a talk for each text that holds it in every field, and a second one of the same seed."""
    lines = [(("client", each), ("counselor", each), ("client", each), ("counselor", each)) for each in texts]

    def dress(field: str, at: int) -> str:
        return texts[at]

    def change(at: int) -> dict[str, Any]:
        about: dict[str, Any] = {"lines": lines[at], "recipe": texts[at], "reason": texts[at], "parent_id": f"1/{at}"}
        scenario = [ArtefactRecord("talk", 0, {"text": texts[at], texts[at]: [texts[at]]}, None)]
        return about | {"artefacts": scenario, "seed": SeedRecord("cell", texts[at], texts[at])}

    ids = keep_talks(engine, len(texts), dress, change=change)
    keep_talks(engine, 1, change=lambda at: {"seed": SeedRecord("cell", texts[0], texts[0])})
    for id, each in zip(ids, texts, strict=True):
        say_everything(engine, id, ids[0], each)
    refresh_cards(engine)
    return ids


def look_everywhere(page: Page, url: str, ids: list[str]) -> None:
    """Load every view of some talks, open all that is folded, and walk through it by keys."""
    for path in (*PAGES, *(f"/dialogues/{id}" for id in ids), *(f"/dialogues/{id}?adjudicate=1&full=1" for id in ids)):
        page.goto(f"{url}{path}")
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        for key in ("Enter", "j", "j", "t", "h"):
            page.keyboard.press(key)


def test_nothing_of_all_payloads_together_runs_on_any_page(desk: Desk) -> None:
    assert len(set(PAYLOADS)) >= 60
    together = "\n".join(PAYLOADS)
    ids = lay_out(desk.engine, [together, "\n".join(reversed(PAYLOADS))])
    page = desk.sit_down()
    seen = watch(page, desk.url)
    look_everywhere(page, desk.url, ids)
    page.keyboard.press("e")
    page.goto(f"{desk.url}/dialogues/{ids[0]}")
    for payload in ("<svg onload=hit()>", "{{ 7*7 }}{{ hit() }}", "<img src=x onerror=hit()>"):
        expect(page.locator("#turn-0 .words")).to_contain_text(payload)
        expect(page.locator("#turn-0 .said")).to_contain_text(payload)
    assert seen == []


@pytest.mark.slow
def test_nothing_of_any_payload_runs_alone(desk: Desk) -> None:
    ids = lay_out(desk.engine, list(PAYLOADS))
    page = desk.sit_down()
    seen = watch(page, desk.url)
    look_everywhere(page, desk.url, ids)
    assert seen == []


def test_a_hostile_address_is_answered_with_plain_text(desk: Desk) -> None:
    keep_talks(desk.engine, 1)
    page = desk.sit_down()
    seen = watch(page, desk.url)
    for number, payload in enumerate(PAYLOADS[:24]):
        page.goto(f"{desk.url}{ADDRESSES[number % len(ADDRESSES)]}{quote(payload)}")
    assert [line for line in seen if "400" not in line] == []


def test_hidden_characters_are_shown_and_named(desk: Desk) -> None:
    said = (("client", "左\u202e右\u200b。\x1b"), ("counselor", "嗯。"))
    (id,) = keep_talks(desk.engine, 1, change=lambda at: {"lines": said})
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues/{id}")
    expect(page.locator("#turn-0 .words")).to_have_text("左�右�。�")
    expect(page.locator("#turn-0 .remark")).to_have_text(re.compile("U\\+001B, U\\+200B, U\\+202E"))


def test_a_turn_of_a_megabyte_is_cut_until_all_of_it_is_asked_for(desk: Desk) -> None:
    said = (("client", "长" * 350_000 + "尾"), ("counselor", "嗯。"))
    (id,) = keep_talks(desk.engine, 1, change=lambda at: {"lines": said})
    page = desk.sit_down()
    page.goto(f"{desk.url}/dialogues/{id}")
    expect(page.locator("#turn-0 .remark")).to_contain_text("346,001")
    assert page.locator("#turn-0 .words").evaluate("each => each.textContent.length") < 4_100
    page.locator("#turn-0 .remark a").click()
    page.wait_for_load_state()
    assert page.locator("#turn-0 .words").evaluate("each => each.textContent.trim().endsWith('尾')")


def test_no_file_of_the_page_takes_text_for_markup() -> None:
    files = [path for path in HERE.rglob("*") if path.suffix in (".py", ".j2", ".js", ".css", ".svg")]
    assert len(files) > 20
    for path in files:
        written = path.read_text(encoding="utf-8").lower()
        for allowed in ALLOWED:
            written = written.replace(allowed, "")
        banned = BANNED if path.suffix == ".py" else (*BANNED, *BANNED_OUTSIDE_PYTHON)
        assert [each for each in banned if each in written] == [], path.name
        assert not re.search(r"<[a-z][^>]*\son[a-z]+\s*=", written), f"{path.name}: a handler in the markup"
        for script in re.findall(r"<script([^>]*)>", written):
            assert "src=" in script or 'type="application/json"' in script, f"{path.name}: a script in the markup"
