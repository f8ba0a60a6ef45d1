"""What every request passes first: its host, where it comes from, its size, its token, and who is logged in."""

import hmac
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store.errors import StoreError
from store.review.settings import Settings
from store.reviewers import LOGIN_S, find_login

OPEN = ("/login", "/enter")
SAFE = ("GET", "HEAD", "OPTIONS")
MOST_BODY = 1_000_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Gate:
    """The middleware around the whole application."""

    def __init__(self, app: ASGIApp, engine: Engine, settings: Settings) -> None:
        self._app, self._engine, self._settings = app, engine, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._guard(scope, receive, guard_headers(scope, send))

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, path = Headers(scope=scope), str(scope["path"])
        if name_host(headers.get("host", "")) not in self._settings.hosts:
            await refuse(scope, 421, "this page is not reached under that name; see --hosts")(scope, receive, send)
            return
        is_unsafe = scope["method"] not in SAFE
        if is_unsafe and not comes_from_us(headers, "https" if self._settings.secure else "http"):
            await refuse(scope, 403, "this request comes from another page")(scope, receive, send)
            return
        cookie = read_cookie(headers, cookie_name(headers, self._settings))
        try:
            reviewer = await run_in_threadpool(find_login, self._engine, cookie, time.time()) if cookie else None
        except StoreError as error:
            await refuse(scope, 503, str(error))(scope, receive, send)
            return
        scope["reviewer"], scope["csrf"] = reviewer, sign(cookie) if reviewer else ""
        if reviewer is None and not is_open(path):
            await refuse(scope, 401, "log in first")(scope, receive, send)
            return
        if is_unsafe:
            body = await read_body(headers, receive)
            if body is None:
                await refuse(scope, 413, f"more than {MOST_BODY:,} bytes")(scope, receive, send)
                return
            if (
                reviewer is not None
                and path != "/login"
                and not hmac.compare_digest(find_csrf(headers, body), scope["csrf"].encode())
            ):
                await refuse(scope, 403, "the page is out of date; load it again")(scope, receive, send)
                return
            receive = replay(body, receive)
        await self._app(scope, receive, send)


def is_open(path: str) -> bool:
    """Whether somebody may load this who is not logged in."""
    return path in OPEN or path.startswith("/static/")


def name_host(host: str) -> str:
    """Return a Host header in lower case without its port."""
    name, _, port = host.lower().rpartition(":")
    return name if port.isdigit() else host.lower()


def comes_from_us(headers: Headers, scheme: str) -> bool:
    """Whether a request that changes something was sent by a page of ours.

    A browser that keeps the address of a form's page back says `null` for its origin; then it has to say in another
    way that the page is of this site.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site not in (None, "same-origin") or (origin is None and site is None):
        return False
    if origin is None or origin == "null":
        return site == "same-origin"
    return origin.lower() == f"{scheme}://{headers.get('host', '').lower()}"


def cookie_name(headers: Headers, settings: Settings) -> str:
    """Return the name of the cookie; the ports of a host share their cookies, so the port stands in it."""
    port = headers.get("host", "").rpartition(":")[2]
    return f"{'__Host-' if settings.secure else ''}reviewer_{port if port.isdigit() else 0}"


def read_cookie(headers: Headers, name: str) -> str:
    """Return a cookie's value, or nothing."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def set_cookie(response: Response, name: str, value: str, settings: Settings) -> None:
    """Give a browser its login; an empty value takes it away."""
    response.set_cookie(
        name,
        value,
        max_age=int(LOGIN_S) if value else 0,
        path="/",
        httponly=True,
        samesite="strict",
        secure=settings.secure,
    )


def sign(cookie: str) -> str:
    """Return the token that a page of ours sends with what it changes; nobody without the cookie can tell it."""
    return hmac.digest(cookie.encode(), b"csrf", "sha256").hex()


def find_csrf(headers: Headers, body: bytes) -> bytes:
    """Return the token that came with a request, in a header or a field of a form."""
    sent = headers.get("x-csrf-token", "")
    if not sent and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        sent = read_form(body).get("csrf", "")
    return sent.encode("utf-8", "replace")


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form; of two with one name the last, and nothing of a form with very many."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1_000))
    except ValueError:
        return {}


async def read_body(headers: Headers, receive: Receive) -> bytes | None:
    """Return the whole body, or None where it is too large."""
    told = headers.get("content-length", "0")
    if told.isdigit() and int(told) > MOST_BODY:
        return None
    parts, size = [], 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body once, and after it what the browser sends."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


def guard_headers(scope: Scope, send: Send) -> Send:
    """Return a channel that puts the security headers on every answer."""
    is_static = str(scope["path"]).startswith("/static/")

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers["Cache-Control"] = "no-cache" if is_static else "no-store"
        await send(message)

    return send_guarded


def refuse(scope: Scope, status: int, line: str) -> Response:
    """Return a refusal: JSON for the API, the way to the login for a page, a plain line for all else."""
    path = str(scope["path"])
    if path.startswith("/api/"):
        return JSONResponse({"error": line}, status)
    if status == 401:
        return RedirectResponse("/login", 303)
    return PlainTextResponse(f"{line}\n", status)


def current_reviewer(request: Request) -> str:
    """Return the name of who is logged in."""
    return str(request.scope["reviewer"])


def csrf_token(request: Request) -> str:
    """Return the token for the pages of whoever is logged in."""
    return str(request.scope["csrf"])
