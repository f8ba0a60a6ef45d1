"""A real headless Chromium before a real server on a free port, with people who are logged in."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine

from store.db import open_db
from store.review.app import create_app
from store.review.settings import Settings
from store.reviewers import add_reviewer, list_reviewers, log_in
from tests.chromium import open_chromium


class Desk:
    """A review page that is served, and the browsers of those who sit at it."""

    def __init__(self, engine: Engine, url: str, browser: Browser) -> None:
        self.engine, self.url, self._browser = engine, url, browser
        self._open: list[BrowserContext] = []

    def sit_down(self, name: str = "甲", language: str = "zh", **options: Any) -> Page:
        """Return a page of a browser of its own with somebody logged in; an error of its scripts fails the test."""
        context = self._browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        port = self.url.rpartition(":")[2]
        if name not in {reviewer.name for reviewer in self.people()}:
            add_reviewer(self.engine, name)
        cookie = log_in(self.engine, name, time.time())
        context.add_cookies(
            [
                {"name": f"reviewer_{port}", "value": cookie, "url": self.url},
                {"name": "page_language", "value": language, "url": self.url},
            ]
        )
        self._open.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        return page

    def people(self) -> list[Any]:
        """Return who has a token."""
        return list_reviewers(self.engine)

    def close(self) -> None:
        """Close all browsers."""
        for context in self._open:
            context.close()


@contextmanager
def serve(engine: Engine, settings: Settings) -> Iterator[str]:
    """Serve the review page on a free port of the loopback and yield its address."""
    server = uvicorn.Server(uvicorn.Config(create_app(engine, settings), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    limit = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < limit, "the server did not start in 10 s"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield Chromium for one file of tests."""
    with open_chromium() as started:
        yield started


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Yield an empty database."""
    made = open_db(f"sqlite:///{tmp_path}/factory.db")
    yield made
    made.dispose()


@pytest.fixture
def desk(engine: Engine, browser: Browser) -> Iterator[Desk]:
    """Yield a review page without planned overlap, where one person is enough for a dialogue with danger."""
    with serve(engine, Settings(overlap=0.0, crisis_reviewers=1)) as url:
        opened = Desk(engine, url, browser)
        yield opened
        opened.close()
