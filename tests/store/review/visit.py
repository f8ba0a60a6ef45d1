"""A browser without a window: it talks to the application as a page of ours does, for somebody who is logged in."""

import time
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from store.review.app import create_app
from store.review.gate import sign
from store.review.settings import Settings
from store.reviewers import log_in

HOST = "127.0.0.1:8321"
ORIGIN = f"http://{HOST}"


class Visitor:
    """Somebody's browser; what it posts carries its origin and the token of its pages."""

    def __init__(self, app: FastAPI, name: str | None) -> None:
        self.client = TestClient(app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)
        self.headers = {"Origin": ORIGIN}
        if name is not None:
            cookie = log_in(app.state.engine, name, time.time())
            self.client.cookies.set("reviewer_8321", cookie, domain="127.0.0.1")
            self.headers["X-CSRF-Token"] = sign(cookie)

    def get(self, path: str, **headers: str) -> Response:
        """Load a page."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        """Send JSON as a page of ours does; an empty header is left out."""
        sent = {name.replace("_", "-"): value for name, value in (self.headers | headers).items() if value}
        return self.client.post(path, json=body, headers=sent)

    def say(self, id: str, word: str, **told: Any) -> Response:
        """Say something of a dialogue."""
        return self.post(f"/api/dialogues/{id}/say", {"word": word, **told})


def open_page(engine: Engine, **settings: Any) -> FastAPI:
    """Return the application on a database."""
    return create_app(engine, Settings(**settings))
