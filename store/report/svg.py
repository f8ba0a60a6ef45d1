"""Writes SVG: elements with every attribute and text escaped, and how wide a text will be."""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

from store.shell.terminal import show_text

SIZE = 12
"""The height of a letter; the page sets the same."""
WIDE, NARROW = 1.0, 0.56
"""How wide a letter is, in heights: a Chinese one, and another on average."""


def clean(text: object) -> str:
    """Return a text on one line without control characters, lone surrogates and the like."""
    return " ".join(show_text(str(text)).split())


def tag(element: str, *inside: str, **attributes: object) -> str:
    """Return an element; a trailing underscore of an attribute is dropped, other underscores become hyphens."""
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(clean(show_number(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{element}{told}>{''.join(inside)}</{element}>"


def show_number(value: object) -> str:
    """Return a coordinate in a few characters."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def write(text: object, x: float, y: float, class_: str = "", *, anchor: str | None = None, **more: object) -> str:
    """Return a text that stands on (x, y)."""
    return tag("text", escape(clean(text)), x=x, y=y, class_=class_ or None, text_anchor=anchor, **more)


def box(x: float, y: float, width: float, height: float, class_: str, hint: str = "", **more: object) -> str:
    """Return a rectangle, with a hint for the pointer."""
    inside = tag("title", escape(clean(hint))) if hint else ""
    return tag("rect", inside, x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), class_=class_, **more)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """Return a line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def dot(x: float, y: float, radius: float, class_: str, hint: str = "") -> str:
    """Return a dot, with a hint for the pointer."""
    return tag("circle", tag("title", escape(clean(hint))) if hint else "", cx=x, cy=y, r=radius, class_=class_)


def diamond(x: float, y: float, radius: float, class_: str, hint: str = "") -> str:
    """Return a diamond, with a hint for the pointer."""
    path = f"M{x:.1f} {y - radius:.1f}L{x + radius:.1f} {y:.1f}L{x:.1f} {y + radius:.1f}L{x - radius:.1f} {y:.1f}Z"
    return tag("path", tag("title", escape(clean(hint))) if hint else "", d=path, class_=class_)


def find_width(text: str, size: float = SIZE) -> float:
    """Return about how wide a text is."""
    return size * sum(WIDE if unicodedata.east_asian_width(letter) in "WF" else NARROW for letter in clean(text))


def shorten(text: str, width: float, size: float = SIZE) -> str:
    """Return as much of a text as fits."""
    cleaned = clean(text)
    if find_width(cleaned, size) <= width:
        return cleaned
    while cleaned and find_width(cleaned + "…", size) > width:
        cleaned = cleaned[:-1]
    return cleaned.rstrip() + "…"


def wrap(text: str, width: float, most: int, size: float = SIZE) -> list[str]:
    """Return a text in lines that fit, broken at blanks; the last one is shortened."""
    lines = [""]
    for word in clean(text).split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and len(lines) < most and find_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [shorten(each, width, size) for each in lines]


def draw_plot(key: str, width: float, height: float, title: str, told: str, parts: Iterable[str]) -> str:
    """Return a plot with a title and a description for those who hear the page; `key` is its own on the page."""
    return tag(
        "svg",
        tag("title", escape(clean(title)), id=f"{key}-title"),
        tag("desc", escape(clean(told)), id=f"{key}-told"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        aria_labelledby=f"{key}-title {key}-told",
    )


def find_ticks(high: float, most: int = 5) -> list[float]:
    """Return round steps, of 1, 2 or 5 and zeros, from 0 to at least `high`."""
    power = 10.0 ** math.floor(math.log10(high)) if high > 0 else 1.0
    steps = [power * part for part in (0.1, 0.2, 0.5, 1, 2, 5)]
    step = next((each for each in steps if each * most >= high), steps[-1])
    return [step * number for number in range(max(math.ceil(high / step - 1e-9), 1) + 1)]


def draw_legend(entries: Sequence[tuple[str, str]], x: float, y: float) -> str:
    """Return a legend in one row: class and words of each entry."""
    parts, at = [], x
    for class_, words in entries:
        parts += [box(at, y - 9, 11, 11, class_), write(words, at + 16, y, "soft")]
        at += 16 + find_width(words) + 18
    return "".join(parts)
