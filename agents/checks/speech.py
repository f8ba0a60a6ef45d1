"""The checks of speech itself: worn phrases, swapped roles, mixed scripts, loops, cut ends, risk topics, injections."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from agents.checks.finding import Finding, Severity
from agents.checks.lexicon import language_of, load_words
from agents.checks.quotes import blank_quotes
from agents.transcript import Language, Utterance

SENTENCE = re.compile(r"[^。！？.!?；;…\n]+")
BETWEEN = " ,，、：:“”\"‘’'（）()「」《》~～—-"
"""What stands between the letters of a sentence, nearly always."""
WITHOUT_BETWEEN = str.maketrans("", "", BETWEEN)

TEMPLATE_LIMIT = 2
"""How often a session may use one template: the next time is found."""

OPENING = 6
"""Lines from which a session's language is read."""
LATIN_LETTER = re.compile(r"[A-Za-z]")
LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
LATIN_RUN = re.compile(r"(?<![A-Za-z'’-])[A-Za-z][A-Za-z'’-]*(?:[ ,]{1,3}[A-Za-z][A-Za-z'’-]*){2,}")
HAN = re.compile(r"[\u4e00-\u9fff]+")
OTHER_SCRIPT = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]{2,}")
"""Kana, Hangul, Cyrillic, Arabic, Thai; one sign alone is a face or an ornament."""
FEWEST_TRADITIONAL = 2
"""One traditional character alone is a slip of the keyboard or a name."""
OWN_SCRIPT = 0.1
"""Share of traditional-only characters from which a first line is traditional throughout, and so no mixture."""

LONGEST_UNIT = 40
REPEATS = 5
LOOPED = 10
"""Letters that a loop holds in all: below, "好好好好好" is a way of speaking."""
SHORTEST_SENTENCE: dict[Language, int] = {"zh": 8, "en": 22}
"""Letters below which saying a sentence twice is a figure of speech."""

SHORTEST_ENDED = 12
LAST_WORDS = 32
"""Characters at the end in which a word stands that cannot end a sentence."""
END_MARKS = frozenset("。！？!?….~～”\"’'』」）)】]》—♪^_")
CUT_MARKS = re.compile(
    r"[：:，,、；;（(\[【{“「『《]$|(?:^|\s|[。！？：])(?:\d{1,2}[.、)）]|[①-⑩]|[（(]\d{1,2}[）)]|[-*•]|[一二三四五六七八九十]、)$"
)


def find_template(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a worn phrase of empathy that the counselor has used twice before in this session."""
    if utterance.speaker != "counselor":
        return None
    templates = _find_templates(utterance.text)
    if not templates:
        return None
    said = [{stem for stem, _ in _find_templates(line.text)} for line in before if line.speaker == "counselor"]
    for stem, span in templates:
        times = sum(stem in stems for stems in said)
        if times >= TEMPLATE_LIMIT:
            version = load_words("template", language_of(utterance.text)).version
            reason = f"the phrase of empathy {stem!r} has been used {times} times before"
            return Finding("template", version, "flag", span, reason)
    return None


def find_role_swap(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a client who speaks as a counselor does, or a counselor who asks for help as a client does."""
    name = "role_swap" if utterance.speaker == "client" else "role_swap_counselor"
    words = load_words(name, language_of(utterance.text))
    match = words.search(blank_quotes(utterance.text))
    if match is None:
        return None
    reason = f"the {utterance.speaker} speaks as the other side does"
    return Finding("role_swap", words.version, "flag", match.span(), reason)


def find_language_mix(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find another script outside quotes: English in a Chinese session, Chinese in an English one, 說 beside 说."""
    text = blank_quotes(utterance.text)
    language = _language_of_session(utterance, before)
    span = _find_latin(utterance, text, before) if language == "zh" else _find_script(HAN, text)
    span = span or _find_script(OTHER_SCRIPT, text)
    if span is not None:
        reason = f"words of another language in a session in {language}"
        return Finding("language_mix", load_words("language_mix", language).version, "flag", span, reason)
    words = load_words("language_mix", "zh")
    matches = words.search_all(text) if language == "zh" else []
    if len(matches) < FEWEST_TRADITIONAL or any(words.search(line.text) for line in before):
        return None
    if not before and len(matches) >= OWN_SCRIPT * sum(len(run) for run in HAN.findall(text)):
        return None
    reason = "traditional characters in simplified text"
    return Finding("language_mix", words.version, "flag", matches[0].span(), reason)


def _language_of_session(utterance: Utterance, before: Sequence[Utterance]) -> Language:
    """Return the language of most of the first lines that hold a letter."""
    heard = (line.text for line in before if any(map(str.isalpha, line.text)))
    spoken = [language_of(text) for text in islice(heard, OPENING)] or [language_of(utterance.text)]
    return "zh" if 2 * spoken.count("zh") >= len(spoken) else "en"


def _find_latin(utterance: Utterance, text: str, before: Sequence[Utterance]) -> tuple[int, int] | None:
    """Return the first run of Latin words that are no names, no known terms and none of the other speaker's."""
    runs = list(LATIN_RUN.finditer(text)) if LATIN_LETTER.search(text) else []
    if not runs:
        return None
    known = load_words("language_mix", "en").find
    others = [line.text.lower() for line in before if line.speaker != utterance.speaker]
    heard = {word for line in others for word in LATIN_WORD.findall(line)}
    for run in runs:
        words: list[str] = LATIN_WORD.findall(run[0])
        foreign = [
            word for word in words if word[0].islower() and word.lower() not in heard and not known.fullmatch(word)
        ]
        if len(foreign) >= 2:
            return run.span()
    return None


def _find_script(script: re.Pattern[str], text: str) -> tuple[int, int] | None:
    match = script.search(text)
    return match.span() if match else None


def find_loop(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a text that has run into a loop, says a sentence twice, or is two answers in one."""
    span = _find_tail_loop(utterance.text)
    if span is not None:
        return Finding("loop", 1, "reject", span, "the end repeats itself")
    span = _find_said_twice(utterance.text)
    if span is not None:
        # People in distress do say a thing twice; a counselor does not.
        severity: Severity = "reject" if utterance.speaker == "counselor" else "flag"
        return Finding("loop", 1, severity, span, "a sentence stands in it twice")
    if utterance.speaker == "client":
        return None
    words = load_words("loop", language_of(utterance.text))
    match = words.search(utterance.text)
    if match is None:
        return None
    return Finding("loop", words.version, "reject", match.span(), "a second answer follows the first")


def _find_tail_loop(text: str) -> tuple[int, int] | None:
    """Return where the last letters repeat five times or more; laughter and sobs are speech."""
    last = next(filter(str.isalnum, reversed(text)), "")
    if text.casefold().count(last.casefold()[:1]) < REPEATS:
        return None
    tail = "".join(islice(filter(str.isalnum, reversed(text)), 2 * LONGEST_UNIT)).lower()
    if not any(tail.startswith(tail[:size], size) for size in _list_distances(tail)):
        return None
    places = [place for place, char in enumerate(text) if char.isalnum()]
    # A few capitals have two letters below: one is kept, so that letters and places go together.
    letters = "".join(text[place].lower()[0] for place in places)
    spoken = load_words("loop", language_of(text)).except_
    for size in range(1, min(LONGEST_UNIT, len(letters) // REPEATS) + 1):
        unit = letters[-size:]
        if unit.isdigit() or (spoken is not None and spoken.fullmatch(unit * 2)):
            continue
        start = len(letters)
        while start >= size and letters.startswith(unit, start - size):
            start -= size
        if len(letters) - start >= max(REPEATS * size, LOOPED):
            return places[start], places[-1] + 1
    return None


def _list_distances(tail: str) -> Iterator[int]:
    """Yield how far from its start the first character of a text stands again, up to the middle."""
    size = tail.find(tail[:1], 1)
    while 0 < size <= len(tail) // 2:
        yield size
        size = tail.find(tail[0], size + 1)


def _find_said_twice(text: str) -> tuple[int, int] | None:
    shortest = SHORTEST_SENTENCE[language_of(text)]
    long = [part.strip(BETWEEN) for part in SENTENCE.findall(text) if len(part) >= shortest]
    # What begins or ends with different letters is not the same, and most sentences do.
    if len({(part[:1], part[-1:]) for part in long}) == len(long):
        return None
    parts = [part for part in SENTENCE.findall(text.translate(WITHOUT_BETWEEN)) if len(part) >= shortest]
    if len(set(parts)) == len(parts):
        return None
    said: set[str] = set()
    for sentence in SENTENCE.finditer(text):
        letters = _letters(sentence[0])
        if len(letters) >= shortest and letters in said:
            return sentence.span()
        said.add(letters)
    return None


def find_truncation(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a counselor's text that stops in the middle, or, less grave, only lacks its end mark."""
    text = utterance.text.rstrip()
    if utterance.speaker != "counselor" or not text:
        return None
    cut = CUT_MARKS.search(text)
    words = load_words("truncation", language_of(text))
    if cut is None and len(text) >= SHORTEST_ENDED:
        cut = words.search(text[-LAST_WORDS:], within=text)
    if cut is not None:
        start = len(text) - (cut.endpos - cut.start())
        return Finding("truncation", words.version, "reject", (start, len(text)), "it stops in the middle")
    if len(text) < SHORTEST_ENDED or text[-1] in END_MARKS or unicodedata.category(text[-1])[0] == "S":
        return None
    # Parts of an emoji that are no symbols: the joiner, the variation selector.
    if text[-1] in "\u200d\ufe0f":
        return None
    return Finding("truncation", words.version, "flag", (len(text) - 1, len(text)), "the end mark is missing")


def find_special_risk(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a topic that a person must look at; wide on purpose, for it only routes."""
    words = load_words("special_risk", language_of(utterance.text))
    match = words.search(utterance.text)
    if match is None:
        return None
    return Finding("special_risk", words.version, "flag", match.span(), f"a sign of {match.lastgroup}")


def find_injection(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find text that speaks to whoever reads or scores the session instead of to the other speaker."""
    # A line in one language may carry an order in the other.
    for words in (load_words("injection", "zh"), load_words("injection", "en")):
        match = words.search(utterance.text)
        if match is not None:
            reason = "the text gives orders to its reader"
            return Finding("injection", words.version, "reject", match.span(), reason)
    return None


@lru_cache(maxsize=4096)
def _find_templates(text: str) -> tuple[tuple[str | None, tuple[int, int]], ...]:
    """Return the stem and the place of each worn phrase."""
    words = load_words("template", language_of(text))
    return tuple((match.lastgroup, match.span()) for match in words.search_all(blank_quotes(text)))


@lru_cache(maxsize=4096)
def _letters(text: str) -> str:
    return unicodedata.normalize("NFKC", "".join(filter(str.isalnum, text))).lower()
