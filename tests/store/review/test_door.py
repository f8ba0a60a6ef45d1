"""The printed link works once and for ten minutes; a token of one's own works until it is revoked; guessing waits."""

import time

import pytest
from fastapi import FastAPI
from httpx2 import Response

from store.db import Database
from store.review.door import LINK_S, Door
from store.review.throttle import MOST_OF_ALL, MOST_OF_ONE, WINDOW_S, Throttle
from store.reviewers import add_reviewer, revoke
from tests.store.review.visit import ORIGIN, Visitor, open_page


@pytest.fixture
def app(engine: Database) -> FastAPI:
    """Return the application on an empty database."""
    return open_page(engine)


def send_token(visitor: Visitor, token: str) -> Response:
    """Fill in the form of the login page."""
    return visitor.client.post("/login", data={"token": token}, headers={"Origin": ORIGIN})


def test_the_link_lets_in_once_by_a_cookie_of_its_own_and_leads_to_a_clean_address(app: FastAPI) -> None:
    token = app.state.door.make_link("ann", time.time())
    first, second = Visitor(app, None), Visitor(app, None)
    answer = first.get(f"/enter?token={token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("reviewer_8321=")
    assert token not in cookie
    assert {"HttpOnly", "Path=/", "SameSite=strict", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert first.get("/guide").status_code == 200
    again = second.get(f"/enter?token={token}")
    assert (again.status_code, "set-cookie" in again.headers) == (403, False)
    assert second.get("/guide").status_code == 303


def test_a_link_that_nobody_used_for_ten_minutes_opens_nothing() -> None:
    door = Door()
    early, late = door.make_link("ann", 1000.0), door.make_link("ann", 1000.0)
    assert door.use_link(early, 1000.0 + LINK_S - 1) == "ann"
    assert door.use_link(late, 1000.0 + LINK_S) is None
    assert [door.use_link(token, 1001.0) for token in (early, late, "", "x")] == [None, None, None, None]


def test_a_token_of_ones_own_lets_in_again_and_again_until_it_is_revoked_which_ends_the_login_too(
    app: FastAPI, engine: Database
) -> None:
    token = add_reviewer(engine, "陈")
    visitors = [Visitor(app, None), Visitor(app, None)]
    for visitor in visitors:
        assert send_token(visitor, f" {token}\n").status_code == 303
        assert "陈" in visitor.get("/guide").text
    revoke(engine, "陈")
    assert [visitor.get("/guide").status_code for visitor in visitors] == [303, 303]
    assert send_token(Visitor(app, None), token).status_code == 403


def test_after_a_few_wrong_tokens_even_the_right_one_waits(app: FastAPI, engine: Database) -> None:
    token, visitor = add_reviewer(engine, "ann"), Visitor(app, None)
    answers = [send_token(visitor, "wrong") for _ in range(MOST_OF_ONE)]
    assert [answer.status_code for answer in answers] == [403] * MOST_OF_ONE
    waits = send_token(visitor, token)
    assert (waits.status_code, "set-cookie" in waits.headers) == (429, False)
    assert 0 < int(waits.headers["retry-after"]) <= WINDOW_S
    link = app.state.door.make_link("ann", time.time())
    assert visitor.get(f"/enter?token={link}").status_code == 429


def test_an_address_waits_until_its_oldest_wrong_token_is_five_minutes_old_and_others_do_not() -> None:
    now = [1000.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(MOST_OF_ONE):
        assert throttle.wait_s("a") == 0
        throttle.note_wrong("a")
        now[0] += 10
    assert throttle.wait_s("a") == WINDOW_S - 50
    assert throttle.wait_s("b") == 0
    now[0] = 1000.0 + WINDOW_S
    assert throttle.wait_s("a") == 0


def test_many_wrong_tokens_from_many_addresses_make_everybody_wait() -> None:
    now = [1000.0]
    throttle = Throttle(lambda: now[0])
    for number in range(MOST_OF_ALL):
        assert throttle.wait_s("somebody else") == 0
        throttle.note_wrong(f"address {number}")
    assert throttle.wait_s("somebody else") == WINDOW_S
    now[0] += WINDOW_S
    assert throttle.wait_s("somebody else") == 0


@pytest.mark.parametrize("token", ["", "\x00", "é" * 1000, "a" * 100_000, "%", "' OR 1=1 --"])
def test_a_strange_token_is_a_wrong_one(app: FastAPI, token: str) -> None:
    assert send_token(Visitor(app, None), token).status_code == 403
