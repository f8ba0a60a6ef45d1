"""Cuts speech into what a listener takes up: clauses, the client's words, pronouns turned round."""

import re
from functools import lru_cache

from agents.transcript import Language

CLAUSE = {
    "zh": re.compile(r"[，。？！…；：、\s“”（）,.?!]+"),
    "en": re.compile(r"[,.?!;:…“”\"()]+\s*|\s+-\s+"),
}
SENTENCE = re.compile(r"[。！？；\n]+|(?<=[a-z0-9)”][.!?;])\s+")
LEAD = {
    "zh": re.compile(
        r"^(?:也就是|就是|反正|其实|然后|可是|但是|可|而且|再就是|对了|嗯|哦|哎|唉|吧|也|就|那|不过|所以|后来)+"
    ),
    "en": re.compile(
        r"^(?:and|but|so|then|well|just|um|i mean|you know|anyway|actually|like|also|or)\s+",
        re.IGNORECASE,
    ),
}
TAIL = re.compile(r"(?:吧|啊|呢|嘛|呗|啦|的话|吗)+$")
TURNED = {
    "i": "you", "i'm": "you're", "i've": "you've", "i'd": "you'd", "i'll": "you'll", "me": "you",
    "my": "your",
    "mine": "yours", "myself": "yourself", "am": "are", "we": "you", "our": "your", "us": "you",
}  # fmt: skip
LETTERS = re.compile(r"\w+")
QUESTION = re.compile(r"[？?]+")


@lru_cache(maxsize=4096)
def cut_clauses(text: str, language: Language) -> tuple[str, ...]:
    """Return the clauses of a line that are worth taking up, without fillers and particles."""
    kept = []
    for clause in CLAUSE[language].split(text):
        if language == "zh":
            plain = TAIL.sub("", LEAD["zh"].sub("", clause))
            if 3 <= len(plain) <= 13 and "你" not in plain and "咱" not in plain:
                kept.append(plain)
        else:
            plain = LEAD["en"].sub("", LEAD["en"].sub("", clause.strip()))
            words = plain.split()
            if 2 <= len(words) <= 9 and "you" not in plain.lower():
                kept.append(plain)
    return tuple(kept)


def turn_round(clause: str, language: Language) -> str:
    """Return a client's clause as the counselor says it back: my mother becomes your mother."""
    if language == "zh":
        return clause.replace("我", "你")
    words = [TURNED.get(word.lower(), word) for word in clause.split()]
    for index in range(len(words) - 1):
        if words[index] == "you" and words[index + 1] == "was":
            words[index + 1] = "were"
    first = words[0]
    if first[1:].islower() or len(first) == 1:
        words[0] = first.lower()
    return " ".join(words)


def shorten(clause: str, language: Language) -> str:
    """Return a few of the client's own words, fit to be quoted."""
    if language == "zh":
        plain = clause.removeprefix("我们").removeprefix("我")
        return plain if 2 <= len(plain) <= 9 else plain[-7:]
    words = clause.split()
    return " ".join(words[-5:] if len(words) > 5 else words)


def is_minimal(line: str, language: Language) -> bool:
    """Tell whether a line says next to nothing."""
    if language == "zh":
        return sum(map(len, LETTERS.findall(line))) <= 6
    return len(line.split()) <= 3


def count_questions(text: str) -> int:
    """Return how many questions a line asks."""
    return len(QUESTION.findall(text))


def cut_fragments(content: str, language: Language) -> list[str]:
    """Return a profile field as the mouthfuls a client would say one at a time."""
    mark, longest = ("，", 34) if language == "zh" else (", ", 90)
    fragments = []
    for sentence in SENTENCE.split(content):
        current = ""
        for clause in LEAD[language].sub("", sentence.strip(" .!?,，")).split(mark):
            joined = current + mark + clause if current else clause
            if current and (len(joined) > longest or len(current) * 2 > longest):
                fragments.append(current)
                joined = clause
            current = joined
        if current:
            fragments.append(current)
    return [lower_first(piece) for piece in fragments] if language == "en" else fragments


def lower_first(piece: str) -> str:
    """Return an English phrase as it stands inside a sentence."""
    first = piece.partition(" ")[0]
    return piece if first == "I" or first.startswith("I'") else piece[:1].lower() + piece[1:]
