"""Whether a counselor's words meet a danger that comes from another person: asked about outright, or acted on."""

import re
import unicodedata
from itertools import pairwise

from agents.checks.crisis import DIGITS
from agents.checks.lexicon import language_of, load_words
from agents.hotlines import listed_numbers, load_hotlines

SENTENCE_END = re.compile(r"[。！？!?\n]|\.(?=\s|$)")
CALLED = re.compile(r"[打拨呼]|电话|\b(?:call|dial|ring|phone|text|reach|contact)", re.IGNORECASE)
"""What tells a number to call from any other."""


def meets_harm(text: str) -> bool:
    """Tell whether a counselor's text asks about harm by another person, or names whom to call or where to go for it.

    A line of help counts only where it is named for the danger: the same line is named for a bad night too.
    """
    plain = text.replace("’", "'")
    words = load_words("harm_met", language_of(plain))
    return words.search(plain) is not None or _names_line(words.blank(plain))


def _names_line(text: str) -> bool:
    """Tell whether a listed number is named to be called, and for the danger."""
    emergency = {number for entry in load_hotlines().emergency for number in entry.numbers}
    ends = [0, *(end.end() for end in SENTENCE_END.finditer(text)), len(text)]
    for number, (start, end) in enumerate(pairwise(ends)):
        called = {re.sub(r"\D", "", unicodedata.normalize("NFKC", run)) for run in DIGITS.findall(text[start:end])}
        named = called & listed_numbers()
        # The sentence before often says what the number is for.
        near = text[ends[max(0, number - 1)] : end]
        is_for_harm = load_words("harm_named", language_of(text)).search(near) is not None
        if named and (is_for_harm or (named & emergency and CALLED.search(text[start:end]))):
            return True
    return False
