"""Keeps the machine's own keys and settings out of the tests: none reaches a paid endpoint or a real database."""

import os

import pytest

SETTINGS = ("DATABASE_URL", "PSYFOUNDRY_MODEL")


@pytest.fixture(autouse=True)
def forget_the_machines_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove them from this process and from the commands a test starts."""
    for name in list(os.environ):
        if name.endswith("API_KEY") or name in SETTINGS:
            monkeypatch.delenv(name)
