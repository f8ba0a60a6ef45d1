"""The checks of numbers and names that must not stand in a session: unlisted phone lines and personal data."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from agents.checks.finding import Finding
from agents.checks.lexicon import load_words
from agents.hotlines import listed_numbers
from agents.transcript import Utterance

NUMERAL = "〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
NUMERALS = str.maketrans(NUMERAL, "0001234567891123456789")
EN_NUMERALS = {
    word: str(digit)
    for digit, words in enumerate(("zero oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
    for word in words.split()
}

NOT_A_LINE = re.compile(
    # Dates, clock times, opening hours.
    r"(?<!\d)(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}(?!\d)|(?<!\d)\d{1,2}[:：]\d{2}(?:\s?[-–—~至到]{1,2}\s?\d{1,2}[:：]\d{2})?"
    r"|(?<!\d)\d{1,2}\s?[/x×X*]\s?\d{1,2}(?!\d)"
    # Ranges of years.
    r"|(?<!\d)1\d{3}\s?[-–—~至到]{1,2}\s?(?:1\d{3}|20\d\d)(?!\d)"
    # Amounts with their unit; the units that also begin another word ("12345天天有人") stand after short numbers only.
    r"|(?<!\d)\d{1,9}(?:\.\d{1,3})?(?:\s?[-–—~至到]{1,2}\s?\d{1,9}(?:\.\d{1,3})?)?\s?(?:多|来|几|余)?"
    r"(?:%|％|岁|元|块|美元|万|千|百|亿|小时|分钟|秒|公里|米|斤|公斤|毫克|平米|号线|路公交|倍|k\b|km\b|kg\b|mg\b"
    r"|(?:hours?|hrs?|minutes?|mins?|days?|weeks?|months?|years?|times|people|pounds|dollars|percent|steps|pages|words"
    r"|miles|points|calories|calls|texts|messages|am|pm)\b)"
    r"|(?<!\d)\d{1,4}(?:\s?[-–—~至到]{1,2}\s?\d{1,4})?\s?(?:多|来|几|余)?"
    r"(?:年(?!中)|月|日(?!夜)|天(?!天)|分(?!机)|次|遍|个|人(?!工)|位|名|里路|克|字|页|本书|级|届|班|楼|层|步|度|卡路里|期|集"
    r"|章|题|条)"
    r"|[$£€¥￥]\s?\d{1,9}(?:\.\d{2})?",
    re.I,
)
RUN = re.compile(r"\+?\d(?:[\s()（）·-]{0,2}\d){2,17}|\d{3,4}[.·_]\d{3,4}[.·_]\d{3,4}")
NUMERAL_RUN = re.compile(rf"[{NUMERAL}](?:[\s·-]{{0,2}}[{NUMERAL}](?!定|直|起|个|些|样|般|下|次|会儿|位|边)){{2,14}}")
SPOKEN_RUN = re.compile(
    r"(?<![A-Za-z])(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)(?:[\s,-]{1,2}(?:zero|oh|one|two|three|four|five|six|seven"
    r"|eight|nine)){2,14}(?![A-Za-z])",
    re.I,
)
NOT_PLAIN = re.compile(r"[^\x00-\x7f\u4e00-\u9fff，。！？、；：“”‘’（）《》…～]")
LATIN = re.compile(r"[A-Za-z]")
DIGIT = re.compile(r"[0-9]")
FIGURE = re.compile(rf"[\d{NUMERAL}]")
THREE_DIGITS = re.compile(r"\d(?:[\s()（）·._-]{0,2}\d){2}")
THREE_NUMERALS = re.compile(rf"[{NUMERAL}](?:[\s·-]{{0,2}}[{NUMERAL}]){{2}}")
"""What every run of its kind has, whatever stands around it."""
VANITY = re.compile(
    r"(?<![\dA-Za-z])1?[-\s]?8(?:00|33|44|55|66|77|88)[-\s](?=[0-9-]{0,8}[A-Z])[A-Z0-9]{2,8}(?:-[A-Z0-9]{1,8}){0,3}(?![A-Za-z\d])"
)
MASKED = re.compile(r"(?<![\dA-Za-z])\d{3,4}[-\s]?(?:[xX]{3,4}|\*{3,8})(?:[-\s]?(?:[xX*\d]{3,4}))?(?![A-Za-z\d])")

CUE_BEFORE = re.compile(
    r"(?:热线|专线|拨|致电|电话|求助|短信|服务台|援助|打给?(?!了)|报警|急救|号码(?:就)?是)[^，。！？；\d]{0,8}$"
    r"|\b(?:call|calling|dial|dialing|text|texting|phone|ring|ringing|hotline|helpline|lifeline|crisis line|line)\b"
    r"[^.!?;\d]{0,16}$",
    re.I,
)
CUE_AFTER = re.compile(
    r"^[^，。！？；\d]{0,6}(?:热线|专线|服务台|援助)|^[^.!?;,\d]{0,16}\b(?:hotline|helpline|lifeline|crisis line)\b",
    re.I,
)
SERVICE = re.compile(r"12\d{3}|9[56]\d{3,4}")
SERVICE_CUE = re.compile(r"热线|专线|拨打|有人接|接通|\b(?:hotline|helpline|lifeline)\b", re.I)
DIALLED = re.compile(r"(?:拨打?通?|打|致电|热线(?:是|：|:)?|call|dial|text|ring)\s?$", re.I)
YEAR = re.compile(r"(?:19|20)\d\d")
LOVE_NUMBERS = frozenset({"5201314", "1314520", "13145200", "52013140"})

SHORTEST, LONGEST_SHORT, LONGEST = 3, 6, 15
"""Digits of a service number, up to LONGEST_SHORT, need a word of calling near; longer ones stand for themselves."""

SHORTEST_PERSONAL = 10

ID_RUN = re.compile(r"(?<![\dA-Za-z])\d{6}[\s-]?\d{8}[\s-]?\d{3}[\dXx](?![\dA-Za-z])")
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"
MOBILE = re.compile(r"(?:\+?0{0,2}86)?1[3-9]\d{9}")
LANDLINE = re.compile(r"0\d{2,3}\d{7,8}")
NORTH_AMERICAN = re.compile(r"(?:\+?1)?[2-9]\d{2}[2-9]\d{6}")


def find_hotline(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a phone number in a counselor's mouth that the hotline file does not list."""
    if utterance.speaker != "counselor":
        return None
    text = _half_width(utterance.text)
    masked = DIGIT.search(text) and (MASKED.search(text) or VANITY.search(text))
    if masked is not None:
        return Finding("hotline", 1, "reject", masked.span(), "a phone number with letters in place of digits")
    for start, end, digits in _numbers(text, SHORTEST):
        if _is_phone(text, start, end, digits):
            return Finding("hotline", 1, "reject", (start, end), f"{digits} is not in the hotline file")
    return None


def find_pii(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find what would lead to a person: phone, identity number, e-mail, handle, plate, street address."""
    text = _half_width(utterance.text)
    for match in ID_RUN.finditer(text) if DIGIT.search(text) else ():
        if is_identity_number(re.sub(r"[\s-]", "", match[0])):
            return Finding("pii", 1, "reject", match.span(), "an identity number")
    # Handles and addresses are Latin in Chinese talk and the other way round: both lists look at every text.
    for words in (load_words("pii", "zh"), load_words("pii", "en")):
        found = words.search(text)
        if found is not None:
            return Finding("pii", words.version, "reject", found.span(), "personal data")
    if utterance.speaker == "client":
        for start, end, digits in _numbers(text, SHORTEST_PERSONAL):
            if _is_personal_phone(digits) and not _is_listed(text[start:end], digits):
                return Finding("pii", 1, "reject", (start, end), "a phone number")
    return None


def is_identity_number(number: str) -> bool:
    """Tell whether 18 characters are a Chinese identity number: a possible birthday and the right last character."""
    if not re.fullmatch(
        r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]", number
    ):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, ID_WEIGHTS, strict=False))
    return ID_CHECKS[total % 11] == number[-1].upper()


def _numbers(text: str, fewest: int) -> Iterator[tuple[int, int, str]]:
    """Yield each run of so many digits that may be dialled, however it is written, with its place."""
    if not (LATIN.search(text) or THREE_NUMERALS.search(text) or THREE_DIGITS.search(text)):
        return
    if not LATIN.search(text) and len(FIGURE.findall(text)) < fewest:
        return
    blanked = NOT_A_LINE.sub(lambda match: "\x00" * len(match[0]), text)
    for match in RUN.finditer(blanked):
        yield match.start(), match.end(), re.sub(r"\D", "", match[0])
    for match in NUMERAL_RUN.finditer(blanked):
        yield match.start(), match.end(), re.sub(r"\D", "", match[0].translate(NUMERALS))
    for match in SPOKEN_RUN.finditer(blanked):
        yield (
            match.start(),
            match.end(),
            "".join(EN_NUMERALS[word.lower()] for word in re.findall(r"[A-Za-z]+", match[0])),
        )


def _is_phone(text: str, start: int, end: int, digits: str) -> bool:
    if not SHORTEST <= len(digits) <= LONGEST or _is_counting(digits) or _is_listed(text[start:end], digits):
        return False
    if len(digits) > LONGEST_SHORT:
        return digits not in LOVE_NUMBERS
    if SERVICE.fullmatch(digits) and SERVICE_CUE.search(text):
        return True
    head, tail = text[max(0, start - 24) : start], text[end : end + 24]
    if YEAR.fullmatch(digits):
        return DIALLED.search(head) is not None
    return CUE_BEFORE.search(head) is not None or CUE_AFTER.search(tail) is not None


def _is_personal_phone(digits: str) -> bool:
    return any(shape.fullmatch(digits) for shape in (MOBILE, LANDLINE, NORTH_AMERICAN))


def _is_listed(written: str, digits: str) -> bool:
    """Tell whether a run is a listed number, with or without the country's code, or several of them in a row."""
    listed = listed_numbers()
    if digits in listed or re.sub(r"^(?:00)?(?:86|44|353|1)", "", digits) in listed:
        return True
    parts = [re.sub(r"\D", "", part.translate(NUMERALS)) for part in written.split()]
    return len(parts) > 1 and all(part in listed for part in parts)


def _is_counting(digits: str) -> bool:
    """Tell whether digits only count up or down, as for breaths or senses."""
    steps = {int(after) - int(first) for first, after in pairwise(digits)}
    return steps in ({1}, {-1})


@lru_cache(maxsize=512)
def _half_width(text: str) -> str:
    """Return the text with digits, letters and signs at half width, each character in its place."""
    if NOT_PLAIN.search(text) is None:
        return text
    wide: dict[int, str | int | None] = {ord(char): half for char in set(text) if (half := _half(char)) != char}
    return text.translate(wide)


@lru_cache(maxsize=16384)
def _half(char: str) -> str:
    if char.isdigit():
        return str(unicodedata.digit(char))
    if char in "–—－‐‑−":
        return "-"
    half = unicodedata.normalize("NFKC", char)
    return half if "\uff00" <= char <= "\uff5e" and (half.isalnum() or half in "@._-+") else char
