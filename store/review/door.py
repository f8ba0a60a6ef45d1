"""The way in: the link that is printed at the start and works once, the form for a token of one's own, the way out."""

import time
from collections.abc import Callable
from functools import partial
from math import inf
from threading import Lock

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from store.review.gate import cookie_name, read_cookie, read_form, set_cookie
from store.review.rendering import Words, choose_language, render
from store.review.throttle import Throttle
from store.reviewers import find_reviewer, hash_secret, log_in, log_out, make_secret

LINK_S = 600.0
"""Seconds after which a link that nobody used opens nothing."""
router = APIRouter(include_in_schema=False)


class Door:
    """The links that still open the page, and the wrong tokens of the last minutes."""

    def __init__(self) -> None:
        self.throttle = Throttle()
        self._links: dict[bytes, tuple[str, float]] = {}
        self._lock = Lock()

    def make_link(self, reviewer: str, now: float) -> str:
        """Return a token that lets somebody in once, in the ten minutes after this Unix time."""
        token = make_secret()
        with self._lock:
            self._links[hash_secret(token)] = (reviewer, now + LINK_S)
        return token

    def use_link(self, token: str, now: float) -> str | None:
        """Return whom a token lets in and forget it, or None where it opens nothing."""
        with self._lock:
            reviewer, until = self._links.pop(hash_secret(token), ("", -inf))
        return reviewer if now < until else None


@router.get("/login")
def show_login(request: Request) -> HTMLResponse:
    """Ask for a token."""
    return ask(request)


@router.post("/login")
async def take_token(request: Request) -> Response:
    """Let somebody in by a token of their own."""
    token = read_form(await request.body()).get("token", "").strip()
    return await run_in_threadpool(
        let_in, request, partial(find_reviewer, request.app.state.engine, token), "login_wrong"
    )


@router.get("/enter")
def take_link(request: Request, token: str = "") -> Response:
    """Let somebody in by a link, and lead to an address without it."""
    door: Door = request.app.state.door
    return let_in(request, partial(door.use_link, token, time.time()), "link_used")


@router.post("/logout")
def leave(request: Request) -> Response:
    """End this login."""
    settings, name = request.app.state.settings, cookie_name(request.headers, request.app.state.settings)
    log_out(request.app.state.engine, read_cookie(request.headers, name))
    answer = RedirectResponse("/login", 303)
    set_cookie(answer, name, "", settings)
    return answer


def let_in(request: Request, find: Callable[[], str | None], wrong: str) -> Response:
    """Log in whom `find` names and lead to the queue, else say what is `wrong`; guessing has to wait."""
    state, address = request.app.state, request.client.host if request.client else ""
    wait = state.door.throttle.wait_s(address)
    if wait:
        return ask(request, 429, "login_wait", {"Retry-After": str(wait)}, seconds=wait)
    reviewer = find()
    if reviewer is None:
        state.door.throttle.note_wrong(address)
        return ask(request, 403, wrong)
    answer = RedirectResponse("/queue", 303)
    name = cookie_name(request.headers, state.settings)
    set_cookie(answer, name, log_in(state.engine, reviewer, time.time()), state.settings)
    return answer


def ask(
    request: Request, status: int = 200, key: str = "", headers: dict[str, str] | None = None, **values: int
) -> HTMLResponse:
    """Return the form that asks for a token; where a page keeps its address back, a form would hide its origin too."""
    error = Words(choose_language(request)).say(key, **values) if key else ""
    sent = {"Referrer-Policy": "same-origin", **(headers or {})}
    return render(request, "login.html.j2", status=status, headers=sent, error=error)
