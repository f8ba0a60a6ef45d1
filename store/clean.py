"""Makes any text fit to be stored: no NUL and no lone surrogate ever reaches the database."""

import re

UNSTORABLE = re.compile("[\ud800-\udfff\x00]")


def clean_text(text: str) -> str:
    """Return the text without what SQLite and PostgreSQL cannot hold."""
    return UNSTORABLE.sub("", text)
