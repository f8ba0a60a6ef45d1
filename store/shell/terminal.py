"""What reaches a terminal: text that cannot steer it, and colour only where somebody looks at it."""

import os
import sys
import unicodedata
from difflib import SequenceMatcher
from typing import Literal

Colour = Literal["bold", "faint", "underline", "red", "green", "yellow", "cyan"]
CODES: dict[Colour, int] = {
    "bold": 1, "faint": 2, "underline": 4, "red": 31, "green": 32, "yellow": 33, "cyan": 36,
}  # fmt: skip


def show_text(text: str) -> str:
    """Return model text without control characters, so that nothing in it can steer a terminal."""
    return "".join(char if char == "\n" or unicodedata.category(char)[0] != "C" else "�" for char in text)


def tell(line: str) -> None:
    """Write a line that may be shown to stdout."""
    sys.stdout.write(line + "\n")


def show_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(show_text(text).split())


def has_colour() -> bool:
    """Whether stdout is a terminal that wants colour (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, *colours: Colour) -> str:
    """Return a text in colour, line by line, where the terminal wants it; control characters are taken out first."""
    shown = show_text(text)
    if not colours or not has_colour():
        return shown
    begin = f"\x1b[{';'.join(str(CODES[colour]) for colour in colours)}m"
    return "\n".join(f"{begin}{line}\x1b[0m" if line else "" for line in shown.split("\n"))


def show_change(before: str, after: str) -> str:
    """Return a text with what was taken out as [-...-] and what came in as {+...+}."""
    pieces = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(show_text(before[i:j]))
            continue
        if i < j:
            pieces.append(paint(f"[-{before[i:j]}-]", "red"))
        if k < m:
            pieces.append(paint(f"{{+{after[k:m]}+}}", "green"))
    return "".join(pieces)
