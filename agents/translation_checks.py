"""What a translated line must hold to beside its source: language, length, figures, terms, wording once read back."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from agents.checks.finding import Finding
from agents.checks.lexicon import language_of
from agents.checks.privacy import find_hotline
from agents.checks.speech import find_language_mix
from agents.glossary import Term, find_missing, find_terms
from agents.hotlines import USUAL_LOCALE, emergency_for, lines_for, listed_numbers
from agents.transcript import Language, Speaker, Utterance, count_exchanges

LENGTHS: dict[Language, tuple[float, float]] = {"zh": (0.18, 0.62), "en": (1 / 0.62, 1 / 0.18)}
"""Characters of a translation for one of its source, by the language it is in.

Of 311 texts that this house wrote in both languages (definitions of the taxonomy, items of the rubrics) the middle 98 %
have .21 to .57 Chinese characters for an English one, with a median of .30; a little room is left on either side.
"""
SHORTEST_MEASURED: dict[Language, int] = {"zh": 20, "en": 60}
"""Characters of a source below which a ratio says nothing; such a line may be as long as one of that length."""
LONGEST_GRAM = 6
"""chrF (Popović 2015) compares runs of 1 to 6 characters, blanks aside, and counts what is missing twice as much as
what is added."""
RECALL_WEIGHT = 2
LIKE_ENOUGH: dict[Language, float] = {"zh": 0.20, "en": 0.40}
"""chrF from which a source and its translation read back tell the same thing, by the language of the source.

Above what texts on other matters reach: of 777 pairs of English questions (Counsel Chat) 99 % stay below .34, of 4,373
pairs of Chinese lines (SMILE) 99 % below .12. It tells that the matter is the same, not that every shade of it is.
"""
FIGURE = re.compile(r"\d+(?:[,，]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+")
DIGITS = {
    char: digit
    for digit, chars in enumerate(("零〇", "一", "二两", "三", "四", "五", "六", "七", "八", "九"))
    for char in chars
}
UNITS = {"十": 10, "百": 100, "千": 1_000}
LARGE_UNITS = {"万": 10_000, "亿": 100_000_000}
SHORTEST_ADDED = 3
"""Digits from which a figure that only the translation has is taken for a number to call or a fact made up."""
CALLED = re.compile(r"\d(?:[\s().-]{0,2}\d){2,14}")


def find_line_fault(source: str, translation: str, spoken: Language, to: Language) -> str | None:
    """Return why a line is no translation of its source, which is in `spoken`, or None."""
    if not any(map(str.isalnum, source)):
        return "the original says nothing here" if any(map(str.isalnum, translation)) else None
    return (
        find_language_fault(translation, to)
        or find_length_fault(source, translation, to)
        or find_figure_fault(source, translation)
        or find_term_fault(translation, find_terms(source, spoken), to)
    )


def find_language_fault(translation: str, to: Language) -> str | None:
    """Return why a text is not in the language wanted; a line without a letter is in every language."""
    if any(map(str.isalpha, translation)) and language_of(translation) != to:
        return f"it is not in {to}"
    mixed = find_language_mix(Utterance("client", translation), ())
    if mixed is None:
        return None
    start, end = mixed.span
    return f"{mixed.reason}: {translation[start:end][:40]!r}"


def find_length_fault(source: str, translation: str, to: Language) -> str | None:
    """Return why a translation is too short or too long for its source: something is left out, or put in."""
    if not translation.strip():
        return "it is empty"
    least, most = LENGTHS[to]
    measured = SHORTEST_MEASURED["en" if to == "zh" else "zh"]
    length, ratio = len(source), len(translation) / max(1, len(source))
    if length < measured:
        longest = int(most * measured)
        return f"{len(translation)} characters for {length} are too many" if len(translation) > longest else None
    if least <= ratio <= most:
        return None
    what = "left out" if ratio < least else "put in"
    return f"{len(translation)} characters for {length}: something is {what} ({least:.2f} to {most:.2f} are usual)"


def find_figure_fault(source: str, translation: str) -> str | None:
    """Return which figure of the source is missing, or which long one of the translation is not from it."""
    wanted, given = list_figures(source), list_figures(translation)
    spoken = set(given) | set(list_numerals(translation))
    missing = [figure for figure in wanted if figure not in spoken]
    if missing:
        return f"the figure {missing[0]} of the original is missing; write figures as they stand"
    added = [figure for figure in given if len(figure) >= SHORTEST_ADDED and figure not in wanted]
    return f"the figure {added[0]} does not stand in the original" if added else None


def find_term_fault(translation: str, terms: Sequence[Term], to: Language) -> str | None:
    """Return which term is not written as the glossary has it."""
    missing = find_missing(terms, translation, to)
    if not missing:
        return None
    return "; ".join(f"{term.word('en' if to == 'zh' else 'zh')} is {term.word(to)} here" for term in missing)


def list_figures(text: str) -> list[str]:
    """Return the figures of a text, each once, without separators of thousands and needless noughts."""
    plain = unicodedata.normalize("NFKC", text)
    return list(dict.fromkeys(_trim(re.sub("[,，]", "", figure)) for figure in FIGURE.findall(plain)))


def list_numerals(text: str) -> list[str]:
    """Return the numbers that stand in a text in Chinese numerals, as figures."""
    return [str(read_numeral(numeral)) for numeral in NUMERAL.findall(text)]


def read_numeral(numeral: str) -> int:
    """Return the value of Chinese numerals: 两千零五十 is 2050, 二零一三 is 2013."""
    if not any(char in UNITS or char in LARGE_UNITS for char in numeral):
        return int("".join(str(DIGITS[char]) for char in numeral))
    total = group = digit = 0
    for char in numeral:
        if char in DIGITS:
            digit = DIGITS[char]
        elif char in UNITS:
            group += (digit or 1) * UNITS[char]
            digit = 0
        else:
            total = (total + group + digit) * LARGE_UNITS[char] or LARGE_UNITS[char]
            group = digit = 0
    return total + group + digit


def _trim(figure: str) -> str:
    whole, _, part = figure.partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")


def find_foreign_line(line: Utterance, to: Language) -> Finding | None:
    """Find a number to call that helps nobody who reads this language: an unlisted one, or one of another country.

    Nothing is put in its place: which line a reader may be sent to is not for a translator to say.
    """
    found = find_hotline(line if line.speaker == "counselor" else Utterance("counselor", line.text), ())
    span = found.span if found else _find_listed_abroad(line.text, to)
    if span is None:
        return None
    grave = line.speaker == "counselor"
    reason = f"a number to call that is not one of {USUAL_LOCALE[to]}: {line.text[span[0] : span[1]]}"
    return Finding("foreign_line", 1, "reject" if grave else "flag", span, reason)


def list_abroad(lines: Sequence[Utterance], to: Language) -> list[tuple[int, Speaker, Finding]]:
    """Return (exchange, speaker, finding) for each line of a talk that names such a number."""
    found = [(count_exchanges(lines[:n]) + 1, line, find_foreign_line(line, to)) for n, line in enumerate(lines)]
    return [(exchange, line.speaker, finding) for exchange, line, finding in found if finding is not None]


def _find_listed_abroad(text: str, to: Language) -> tuple[int, int] | None:
    home = {re.sub(r"\D", "", number) for number in (*(line.number for line in lines_for(to)), *emergency_for(to))}
    abroad = listed_numbers() - home
    for match in CALLED.finditer(unicodedata.normalize("NFKC", text)):
        if re.sub(r"\D", "", match[0]) in abroad:
            return match.span()
    return None


def measure_back(
    sources: Sequence[str], backs: Mapping[int, str], language: Language
) -> tuple[dict[int, float], dict[int, str]]:
    """Return by number how like its source each line is when read back, and for those that are not, how far off.

    Short lines are compared together: one alone has too few runs to be measured.
    """
    short = SHORTEST_MEASURED[language]
    groups = [[number] for number in backs if len(sources[number]) >= short]
    groups.append([number for number in backs if len(sources[number]) < short])
    likeness: dict[int, float] = {}
    faults: dict[int, str] = {}
    for group in groups:
        source, back = ("\n".join(texts) for texts in ([sources[n] for n in group], [backs[n] for n in group]))
        if len(source) < short:
            continue
        share = round(measure_likeness(source, back), 2)
        likeness |= dict.fromkeys(group, share)
        if share < LIKE_ENOUGH[language]:
            faults |= dict.fromkeys(
                group, f"likeness {share:.2f} to the original, {LIKE_ENOUGH[language]:.2f} is wanted"
            )
    return likeness, faults


def measure_likeness(source: str, read_back: str) -> float:
    """Return chrF of a text beside its source, from 0 to 1: how many runs of characters they share."""
    precisions, recalls = [], []
    first, second = (_letters(text) for text in (source, read_back))
    for size in range(1, LONGEST_GRAM + 1):
        wanted, given = _count_grams(first, size), _count_grams(second, size)
        if not wanted or not given:
            continue
        shared = (wanted & given).total()
        precisions.append(shared / given.total())
        recalls.append(shared / wanted.total())
    if not precisions:
        return 0.0
    precision, recall = (sum(parts) / len(parts) for parts in (precisions, recalls))
    weight = RECALL_WEIGHT**2
    return (1 + weight) * precision * recall / (weight * precision + recall) if precision + recall else 0.0


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text))).casefold()


def _count_grams(text: str, size: int) -> Counter[str]:
    return Counter(text[start : start + size] for start in range(len(text) - size + 1))
