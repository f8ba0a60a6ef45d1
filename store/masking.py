"""Masks what would lead to a person in texts that others wrote: phones, numbers of papers, e-mail and account names.

The shapes are those that the check for personal data finds (a test holds both to the same texts). Where somebody lives
and what they drive is left to that check, which rejects; so is a number in a counselor's mouth that may be a helpline.
"""

import re
from collections import Counter
from collections.abc import Iterator

MASKS = {
    "zh": {"phone": "[电话]", "id": "[证件号]", "e-mail": "[邮箱]", "account": "[账号]"},
    "en": {"phone": "[phone]", "id": "[id]", "e-mail": "[e-mail]", "account": "[account]"},
}
HALF_WIDTH = {
    code: code - 0xFEE0
    for code in range(0xFF01, 0xFF5F)
    if chr(code - 0xFEE0).isalnum() or chr(code - 0xFEE0) in "@._-+"
}
HALF_WIDTH |= {ord(dash): ord("-") for dash in "–—－‐‑−"}
NUMERAL = "〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
NUMERALS = str.maketrans(NUMERAL, "0001234567891123456789")
PLAIN = re.compile(r"[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]")
SPELT_OUT = re.compile(rf"[{NUMERAL}](?:[\s·-]{{0,2}}[{NUMERAL}]){{9}}")
SUSPECT = re.compile(
    r"[@＠]|[0-9０-９](?:[^A-Za-z]?[^A-Za-z]?[0-9０-９]){3}"
    r"|(?i:qq|wx|we ?chat|weixin|vx|v信|insta|snap|discord|telegram|twitter|whatsapp|skype)|[vV](?=号|[:：])"
    r"|微信|加微|加V|威信|薇信|微❤|扣扣|企鹅|抖音|快手|小红书|微博|B站|知乎|豆瓣|贴吧|推特|邮箱|信箱"
    r"|\(at\)|\[at\]| at "
)
"""What a text with something to mask has, if it has a letter or figure at all; most Chinese lines have none."""

EMAIL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,40} ?@ ?[A-Za-z0-9-]{1,40}(?:\.[A-Za-z0-9-]{2,20}){1,3}"
    r"|(?i:\b[A-Za-z0-9][A-Za-z0-9._%+-]{1,40} ?(?:\(at\)|\[at\]| at ) ?[A-Za-z0-9-]{2,30} ?(?:\(dot\)|\[dot\]| dot ) ?"
    r"(?:com|org|net|edu|cn|uk)\b)"
    r"|(?:(?<=邮箱)|(?<=信箱))[^。！？；\n]{0,14}(?:艾特|爱特|at)[^，。！？；\n]{0,10}(?:点|\.) ?"
    r"(?:com|cn|康姆|net|org)"
)
PAPERS = re.compile(
    r"(?<![\dA-Za-z])\d{6}[\s-]?\d{8}[\s-]?\d{3}[\dXx](?![\dA-Za-z])|(?<![0-9-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9-])"
    r"|(?:(?:护照|通行证|证件)[^，。！？；\n]{0,6}?)(?P<passport>[A-Z][A-Z]?[0-9]{7,8})(?![0-9])"
    r"|(?:(?:学号|工号|社保号|准考证号?)(?:是|为|[:： ]){0,2})(?P<number>[A-Z]{0,3}[0-9]{6,14})(?![0-9])"
)
ACCOUNT = re.compile(
    r"(?:(?:微信号|微信ID|微信id|WeChat ?ID|wechat ?id|wxid)(?:就?是|叫|为|[:： ,，_]){0,3})"
    r"(?P<a>[A-Za-z][A-Za-z0-9_-]{5,19})"
    r"|(?:微信|加微|加V|威信|薇信|微❤|(?i:(?<![a-z])(?:we ?chat|weixin|vx|wx|v(?=号|[:：]))|v信))"
    r"(?:号|也|就?是|叫|为|is|id|ID|[:： ,，]){0,4}(?P<b>(?=[A-Za-z0-9_-]{0,19}[0-9_])[A-Za-z][A-Za-z0-9_-]{5,19})"
    r"|(?:(?i:(?<![a-z])qq|扣扣|企鹅|微信|加微|v信))(?:号码?|群|也|就?是|为|is|number|[:： ,，]){0,4}"
    r"(?P<c>[1-9][0-9]{4,10})(?![0-9])"
    r"|(?:抖音|快手|小红书|微博|B站|知乎|豆瓣|贴吧|推特)(?:号|ID|id|账号)(?:也|就?是|叫|为|搜|[:： ,，]){0,4}"
    r"(?P<d>[A-Za-z0-9_.-]{3,24})"
    r"|(?i:\b(?:instagram|insta|snapchat|snap|discord|telegram|twitter|whatsapp|skype)"
    r"(?: handle| id| name| is|[:： ,]){0,4} ?)"
    r"(?P<e>(?i:@[a-z0-9_.]{3,30}|(?=[a-z0-9_.]{0,29}[0-9_])[a-z][a-z0-9_.]{3,29}))"
)
NOT_A_NUMBER = re.compile(
    r"(?<!\d)(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}(?!\d)|(?<!\d)\d{1,2}[:：]\d{2}(?!\d)"
    r"|(?<!\d)1\d{3}\s?[-–—~至到]{1,2}\s?(?:1\d{3}|20\d\d)(?!\d)"
)
"""Dates, clock times, ranges of years: digits that stand close to others without being one number with them."""
RUN = re.compile(r"\+?\d(?:[\s()（）·-]{0,2}\d){2,17}|\d{3,4}[.·_]\d{3,4}[.·_]\d{3,4}")
NUMERAL_RUN = re.compile(rf"[{NUMERAL}](?:[\s·-]{{0,2}}[{NUMERAL}]){{9,14}}")
MOBILE = re.compile(r"(?:\+?0{0,2}86)?1[3-9]\d{9}")
PHONE = re.compile(r"(?:\+?0{0,2}86)?1[3-9]\d{9}|0\d{2,3}\d{7,8}|(?:\+?1)?[2-9]\d{2}[2-9]\d{6}")
"""Of China: mobile, landline with its area; of North America."""


def mask(text: str, language: str, counts: Counter[str], *, is_counselor: bool = False) -> str:
    """Return the text with what would lead to a person masked, and count it by kind.

    In a counselor's mouth a landline is left: it may be a helpline that nobody lists, and the check must see it.
    """
    if not may_name(text):
        return text
    plain = text.translate(HALF_WIDTH)
    found: list[tuple[int, int, str]] = []
    for kind, pattern in (("e-mail", EMAIL), ("id", PAPERS), ("account", ACCOUNT)):
        for match in pattern.finditer(plain):
            start, end = match.span(match.lastgroup) if match.lastgroup else match.span()
            found.append((start, end, kind))
    found += [(start, end, "phone") for start, end in find_phones(plain, MOBILE if is_counselor else PHONE)]
    masks, masked, done = MASKS[language], [], 0
    for start, end, kind in sorted(found):
        if start >= done:
            masked += [text[done:start], masks[kind]]
            counts[kind] += 1
            done = end
    return "".join([*masked, text[done:]])


def may_name(text: str) -> bool:
    """Tell whether there can be anything to mask in a text."""
    has_signs = PLAIN.search(text) is not None and SUSPECT.search(text) is not None
    return has_signs or SPELT_OUT.search(text) is not None


def find_phones(plain: str, shape: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where a text at half width has phone numbers of a shape, however they are spaced."""
    blanked = NOT_A_NUMBER.sub(lambda match: "\x00" * len(match[0]), plain)
    for run in (RUN, NUMERAL_RUN):
        for match in run.finditer(blanked):
            if shape.fullmatch(re.sub(r"\D", "", match[0].translate(NUMERALS))):
                start, end = match.span()
                # The bracket before an area belongs to it as the one after does.
                is_open = match[0].count(")") > match[0].count("(") and plain[start - 1 : start] == "("
                yield start - is_open, end
