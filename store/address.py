"""Masks what is secret in the address of a database; it loads nothing, for processes that must start at once."""

import re

SECRET = re.compile(r"(?<=://)([^/@:\s]*):([^@\s]+)@|((?:password|passwd|pwd|token|secret)=)[^&\s]+", re.IGNORECASE)


def mask_url(text: str) -> str:
    """Return a text with the passwords of the URLs in it masked."""
    return SECRET.sub(lambda found: f"{found[3]}***" if found[3] else f"{found[1]}:***@", text)
