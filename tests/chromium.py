"""Starts the browser that pages are tried in."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.system_packages import need


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Lend Chromium, headless; as long as it is open, a loop of Playwright's runs in this thread."""
    program = need("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        yield started
        started.close()
