"""Reads what is said, language by language: lengths, openings, diversity and style, from a sample of bounded size."""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from heapq import nsmallest

from sqlmodel import Session, col, select

from store.diversity import measure
from store.repetition import SHORTEST, count_recurring, cut_opening, split_sentences
from store.report.figures import Lengths, Spoken
from store.report.selection import Kept
from store.report.speech import WORD, Lines, count_length
from store.report.style import compare_style
from store.tables import UtteranceRow

SAMPLE = 3_000
"""Dialogues of a language whose text is read: more than any budget of the diversity figures."""
TOP = 12
"""Openings and sentences that are told."""
OPENING_WORDS = 4
"""English words that make an opening; six letters would be no more than one."""
TOGETHER = 300
"""Dialogues whose lines are fetched together."""


def read_spoken(db: Session, dialogues: Sequence[Kept]) -> list[Spoken]:
    """Return what is said in each language, in sessions that ended and were not rejected."""
    held = [kept for kept in dialogues if kept.outcome == "done" and kept.standing != "rejected"]
    languages = sorted({kept.language for kept in held}, reverse=True)
    return [read_language(db, [kept for kept in held if kept.language == each], each) for each in languages]


def read_language(db: Session, dialogues: Sequence[Kept], language: str) -> Spoken:
    """Return what is said in one language; an unknown language has lengths alone."""
    drawn = nsmallest(SAMPLE, dialogues, key=lambda kept: blake2b(kept.id.encode(), digest_size=8).digest())
    lines = list(read_lines(db, [kept.id for kept in drawn]))
    counselor = [[text for speaker, text in dialogue if speaker == "counselor"] for dialogue in lines]
    lengths = {
        who: sum_up_lengths(
            [count_length(text, language) for told in lines for speaker, text in told if speaker == who]
        )
        for who in ("counselor", "client")
    }
    first = ([cut_words(turns[0])] if language == "en" else [cut_opening(turns[0])] for turns in counselor if turns)
    is_known = language in ("zh", "en") and any(counselor)
    return Spoken(
        language,
        len(dialogues),
        len(lines),
        sum_up_lengths([kept.exchanges for kept in dialogues]),
        lengths["counselor"],
        lengths["client"],
        count_recurring(first, top=TOP),
        count_recurring((split_all(turns) for turns in counselor), top=TOP, shortest=SHORTEST),
        measure(counselor, language) if is_known else None,
        compare_style(lines, language) if is_known else None,
    )


def cut_words(turn: str) -> str:
    """Return the words a turn begins with."""
    return " ".join(WORD.findall(turn)[:OPENING_WORDS])


def split_all(turns: Sequence[str]) -> list[str]:
    """Return the sentences of all turns."""
    return [sentence for turn in turns for sentence in split_sentences(turn)]


def read_lines(db: Session, ids: Sequence[str]) -> Iterator[Lines]:
    """Yield the lines of dialogues, one list a dialogue."""
    for start in range(0, len(ids), TOGETHER):
        query = (
            select(UtteranceRow.dialogue_id, UtteranceRow.speaker, UtteranceRow.text)
            .where(col(UtteranceRow.dialogue_id).in_(ids[start : start + TOGETHER]))
            .order_by(col(UtteranceRow.dialogue_id), col(UtteranceRow.number))
        )
        told: dict[str, list[tuple[str, str]]] = {}
        for dialogue_id, speaker, text in db.exec(query):
            told.setdefault(dialogue_id, []).append((speaker, text))
        yield from told.values()


def sum_up_lengths(lengths: Sequence[int]) -> Lengths | None:
    """Return the figures of lengths, None of nothing."""
    if not lengths:
        return None
    ordered, last = sorted(lengths), len(lengths) - 1
    low, median, high = (ordered[round(last * share)] for share in (0.1, 0.5, 0.9))
    counts = dict(sorted(Counter(lengths).items()))
    return Lengths(counts, sum(lengths) / len(lengths), low, median, high)
