"""Nothing gets past the gate that is not ours: by its host, origin, token, size or login; each is refused by itself."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.routing import BaseRoute, Mount

from store.db import Database
from store.review.gate import MOST_BODY, POLICY, sign
from tests.store.review.talks import keep_talks
from tests.store.review.visit import HOST, ORIGIN, Visitor, open_page

OPEN = {"/login", "/enter"}


@pytest.fixture
def app(engine: Database) -> FastAPI:
    """Return the application on a database with two talks."""
    keep_talks(engine, 2)
    return open_page(engine)


def list_routes(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Yield method and path of everything that is served, with numbers filled in."""
    for route in routes:
        if isinstance(route, Mount):
            continue
        if isinstance(route, APIRoute):
            path = route.path.replace("{run}", "1").replace("{position}", "0").replace("{form}", "jsonl")
            yield from ((method, path) for method in sorted(route.methods or ()))
        else:
            yield from list_routes(list(getattr(getattr(route, "original_router", route), "routes", [])))


def test_without_a_login_there_is_nothing_but_the_login_page(app: FastAPI) -> None:
    visitor = Visitor(app, None)
    seen = 0
    for method, path in list_routes(app.routes):
        if path in OPEN:
            continue
        seen += 1
        answer = visitor.client.request(method, path, headers={"Origin": ORIGIN}, json={"word": "accept"})
        if path.startswith("/api/"):
            assert (answer.status_code, answer.json()) == (401, {"error": "log in first"}), path
        else:
            assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/login", b""), path
    assert seen > 15
    for path in ("/openapi.json", "/docs", "/redoc", "/nothing", "/../factory.db", "//login", "/LOGIN", "/login/"):
        assert visitor.get(path).status_code in (303, 401), path
    assert visitor.get("/login").status_code == 200
    assert visitor.get("/static/page.css").status_code == 200
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/%2e%2e%2fgate.py"):
        assert "import" not in visitor.get(path).text


def test_a_cookie_that_is_not_one_opens_nothing(app: FastAPI) -> None:
    visitor = Visitor(app, None)
    for cookie in (
        "x",
        "reviewer_8321=",
        "reviewer_8321=x",
        'reviewer_8321=""',
        "reviewer_8321=a; reviewer_8321=b",
        "=;=",
    ):
        assert visitor.get("/api/dialogues/1/0", Cookie=cookie).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]:8321", ""]
)
def test_another_host_is_refused_whoever_asks(app: FastAPI, host: str) -> None:
    visitor = Visitor(app, "ann")
    assert visitor.get("/api/dialogues/1/0").status_code == 200
    answer = visitor.get("/api/dialogues/1/0", Host=host)
    assert (answer.status_code, "utterances" in answer.text) == (421, False)
    assert visitor.get("/login", Host=host).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:8321"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://localhost:8321"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": ORIGIN, "Sec_Fetch_Site": "cross-site"},
        {"Origin": ORIGIN, "Sec_Fetch_Site": "same-site"},
        {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
    ],
)
def test_what_another_page_sends_is_refused_and_changes_nothing(app: FastAPI, headers: dict[str, str]) -> None:
    visitor = Visitor(app, "ann")
    answer = visitor.post("/api/dialogues/1/0/say", {"word": "accept"}, **headers)
    assert (answer.status_code, answer.json()) == (403, {"error": "this request comes from another page"})
    assert visitor.get("/api/dialogues/1/0").json()["log"] == []
    refused = Visitor(app, None).post("/login", None, **headers)
    assert refused.status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "null"}, {"Origin": ""}])
def test_a_page_that_keeps_its_address_back_is_known_by_its_site(app: FastAPI, headers: dict[str, str]) -> None:
    answer = Visitor(app, "ann").post(
        "/api/dialogues/1/0/say", {"word": "accept"}, **headers, Sec_Fetch_Site="same-origin"
    )
    assert answer.status_code == 200


def test_a_wrong_or_missing_token_is_refused_and_changes_nothing(app: FastAPI) -> None:
    visitor, other = Visitor(app, "ann"), Visitor(app, "bo")
    for token in ("", "x", other.headers["X-CSRF-Token"], visitor.headers["X-CSRF-Token"][:-1], "é" * 64):
        sent = [
            (name.encode(), value.encode()) for name, value in (("Origin", ORIGIN), ("X-CSRF-Token", token)) if value
        ]
        answer = visitor.client.post("/api/dialogues/1/0/say", json={"word": "accept"}, headers=sent)
        assert (answer.status_code, answer.json()) == (403, {"error": "the page is out of date; load it again"})
    assert visitor.get("/api/dialogues/1/0").json()["log"] == []
    assert visitor.say("1/0", "accept").status_code == 200


def test_a_form_may_carry_the_token_in_a_field(app: FastAPI) -> None:
    visitor = Visitor(app, "ann")
    wrong = visitor.client.post("/logout", data={"csrf": "x"}, headers={"Origin": ORIGIN})
    assert wrong.status_code == 403
    right = visitor.client.post("/logout", data={"csrf": visitor.headers["X-CSRF-Token"]}, headers={"Origin": ORIGIN})
    assert (right.status_code, right.headers["location"]) == (303, "/login")
    assert visitor.client.cookies.get("reviewer_8321", domain="127.0.0.1") is None


def test_a_body_over_the_limit_is_refused_whether_it_says_its_size_or_not(app: FastAPI) -> None:
    visitor = Visitor(app, "ann")
    large = b'{"word": "accept", "comment": "' + b"x" * MOST_BODY + b'"}'
    for content in (large, iter([large[:10], large[10:]])):
        answer = visitor.client.post("/api/dialogues/1/0/say", content=content, headers=visitor.headers)
        assert (answer.status_code, answer.json()) == (413, {"error": "more than 1,000,000 bytes"})
    assert visitor.get("/api/dialogues/1/0").json()["log"] == []


def test_every_answer_carries_the_security_headers(app: FastAPI) -> None:
    visitor, stranger = Visitor(app, "ann"), Visitor(app, None)
    answers = [visitor.get(path) for path in ("/dialogues/1/0", "/api/dialogues/1/0", "/nothing", "/api/dialogues/9/9")]
    answers += [stranger.get("/login"), stranger.get("/dialogues"), stranger.post("/api/next", {}, Origin="http://x.y")]
    answers += [
        visitor.get("/login", Host="evil.example"),
        visitor.get("/enter?token=x"),
        visitor.say("1/0", "nonsense"),
    ]
    assert {answer.status_code for answer in answers} >= {200, 303, 403, 404, 421, 422}
    for answer in answers:
        headers = answer.headers
        assert headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert answer.url.path in ("/login", "/enter") or headers["referrer-policy"] == "no-referrer"
    assert visitor.get("/static/page.css").headers["content-security-policy"] == POLICY


def test_behind_tls_the_cookie_is_for_tls_alone_and_origins_are_too(engine: Database) -> None:
    app = open_page(engine, hosts=("review.example",), secure=True)
    token = app.state.door.make_link("ann", 1e12)
    visitor = Visitor(app, None)
    answer = visitor.get(f"/enter?token={token}", Host="review.example")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-reviewer_0=")
    assert {"HttpOnly", "Path=/", "SameSite=strict", "Secure", "Max-Age=43200"} <= set(cookie.split("; "))
    told = cookie.split(";")[0]
    for origin, status in (("http://review.example", 403), ("https://review.example", 303)):
        sent = {"Host": "review.example", "Origin": origin, "Cookie": told}
        sent["X-CSRF-Token"] = sign(told.partition("=")[2])
        assert visitor.client.post("/logout", headers=sent).status_code == status
    assert HOST not in app.state.settings.hosts


def test_a_database_that_fails_is_said_in_one_line_and_opens_nothing(app: FastAPI, engine: Database) -> None:
    visitor = Visitor(app, "ann")
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("ALTER TABLE logins RENAME TO elsewhere"))
    answer = visitor.get("/api/dialogues/1/0")
    assert (answer.status_code, "no such table" in answer.json()["error"]) == (503, True)
    assert "\n" not in answer.json()["error"]
    with engine.connect().execution_options(writes=True) as db, db.begin():
        db.execute(text("ALTER TABLE elsewhere RENAME TO logins"))
    assert visitor.get("/api/dialogues/1/0").status_code == 200
