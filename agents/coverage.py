"""How much of a note a talk covers, by its keywords: what is said, what is missing, what the counselor said first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.keywords import KINDS, Keyword, is_said
from agents.transcript import Language, Speaker, Utterance

ROUND = 2
"""Keywords of a round of the role-play: 'two keywords' in the published script."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The keywords of a note in one talk, by their words in the note; `leaks` are those the counselor said first."""

    said: tuple[str, ...]
    missing: tuple[str, ...]
    leaks: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of the keywords that are said; that of none is 0."""
        return len(self.said) / max(1, len(self.said) + len(self.missing))

    def tell(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {"share": round(self.share, 4), "missing": list(self.missing), "leaks": list(self.leaks)}


def measure_coverage(keywords: Sequence[Keyword], talk: Sequence[Utterance], language: Language) -> Coverage:
    """Look each keyword up in a talk; who says it first tells whether the counselor knew it from the note."""
    first = {keyword.quote: find_first(keyword, talk, language) for keyword in keywords}
    return Coverage(
        said=tuple(quote for quote, speaker in first.items() if speaker),
        missing=tuple(quote for quote, speaker in first.items() if not speaker),
        leaks=tuple(quote for quote, speaker in first.items() if speaker == "counselor"),
    )


def find_first(keyword: Keyword, talk: Sequence[Utterance], language: Language) -> Speaker | None:
    """Return who says a keyword first, or None where nobody does."""
    return next((line.speaker for line in talk if is_said(keyword, line.text, language)), None)


def order_keywords(keywords: Sequence[Keyword], draft: Sequence[Utterance], language: Language) -> list[Keyword]:
    """Return the keywords as a draft brings them up, then those it lacks, by their kinds."""

    def place(keyword: Keyword) -> tuple[int, int]:
        lines = (number for number, line in enumerate(draft) if is_said(keyword, line.text, language))
        return next(lines, len(draft)), KINDS.index(keyword.kind)

    return sorted(keywords, key=place)


def take_round(
    pending: Sequence[Keyword], talk: Sequence[Utterance], language: Language
) -> tuple[list[Keyword], list[Keyword]]:
    """Return the next round's keywords and what is pending after it; what has been said already is dropped."""
    left = [keyword for keyword in pending if find_first(keyword, talk, language) is None]
    return left[:ROUND], left[ROUND:]


def choose_best(versions: Sequence[Coverage]) -> int:
    """Return which of several versions is kept: that with the fewest missing, then the fewest leaks, then the last."""
    return min(range(len(versions)), key=lambda n: (len(versions[n].missing), len(versions[n].leaks), -n))


def compare_versions(
    keywords: Sequence[Keyword], versions: Mapping[str, Sequence[Utterance]], language: Language
) -> tuple[str, dict[str, Any]]:
    """Return the name of the version that is kept, and what is told of all: the coverage of each by its name."""
    covered = {name: measure_coverage(keywords, talk, language) for name, talk in versions.items()}
    kept = list(versions)[choose_best(list(covered.values()))]
    return kept, {name: coverage.tell() for name, coverage in covered.items()} | {"kept": kept}
