"""Lays how a set talks beside how real counselling talks, dialogue by dialogue and as a whole.

The real ranges stand in style.yaml with the corpora they come from: Psy-Insight for Chinese, AnnoMI and ESConv for
English. They are quantiles of edited and transcribed talk, so a figure inside them is a good sign and no proof.
"""

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import yaml

from store.diversity import draw, top_share
from store.report.speech import (
    MARK,
    WORD,
    Lines,
    Utterance,
    find_median,
    load_finders,
    read_dialogue,
    share_of,
    share_with,
    spread_of,
)

RANGES = Path(__file__).with_name("style.yaml")
EXCHANGES = 6
"""A shorter dialogue has too few utterances for shares of its own."""
SAMPLED, DRAWS = 400, 5
"""Utterances of which the openings are counted, and how often they are drawn: the share rises as a set shrinks."""
EDGE = {"zh": 4, "en": 3}
"""Characters, or words, that make an opening or a closing."""
LAST = 2

Quantiles = tuple[float, float | None, float]


class StyleRow(NamedTuple):
    """A feature over dialogues: ours and each real set's as p10, median, p90; `inside` says where our median lies."""

    feature: str
    kind: str
    dialogues: int
    ours: Quantiles | None
    real: dict[str, Quantiles]
    target: tuple[float, float] | None
    inside: bool | None
    inside_share: float | None
    is_own_list: bool


class SetRow(NamedTuple):
    """A figure of a whole set, the real sets' and what the house wants it to be."""

    feature: str
    kind: str
    ours: float | None
    real: dict[str, float]
    limit: tuple[float, float] | None
    inside: bool | None


class Style(NamedTuple):
    """All that is said of how a set talks."""

    dialogues: int
    measured: int
    rows: list[StyleRow]
    whole: list[SetRow]


class Measure(Protocol):
    """What a feature does: a figure of one dialogue, from its utterances by speaker."""

    def __call__(self, said: Mapping[str, Sequence[Utterance]], language: str) -> float | None: ...


def find_length(said: Mapping[str, Sequence[Utterance]], language: str, *, of: str, how: Any) -> float | None:
    """Return a figure of one speaker's lengths."""
    lengths = [each.length for each in said[of]]
    return how(lengths) if lengths else None


def find_share(said: Mapping[str, Sequence[Utterance]], language: str, *, of: str, word: str) -> float | None:
    """Return the share of one speaker's utterances that hold a word of a list."""
    return share_with(said[of], word, language)


def find_minimal(said: Mapping[str, Sequence[Utterance]], language: str, *, of: str) -> float | None:
    return share_of([each.is_minimal for each in said[of]])


def find_asking(said: Mapping[str, Sequence[Utterance]], language: str, *, of: str, least: int) -> float | None:
    return share_of([each.questions >= least for each in said[of]])


def find_open(said: Mapping[str, Sequence[Utterance]], language: str) -> float | None:
    asked = sum(each.questions for each in said["counselor"])
    return sum(each.open_questions for each in said["counselor"]) / asked if asked else None


def find_sentences(said: Mapping[str, Sequence[Utterance]], language: str) -> float | None:
    spoken = said["counselor"]
    return sum(each.sentences for each in spoken) / len(spoken) if spoken else None


def find_talk_ratio(said: Mapping[str, Sequence[Utterance]], language: str) -> float | None:
    """Return how much the client says for each word of the counselor's."""
    counselor = sum(each.length for each in said["counselor"])
    return sum(each.length for each in said["client"]) / counselor if counselor else None


def find_template_question(said: Mapping[str, Sequence[Utterance]], language: str) -> float | None:
    """Return the share of counselor utterances that hold a stock phrase or open with praise, and end in a question."""
    finders = load_finders()[language]
    return share_of(
        [
            each.ends_in_question and bool(finders["template"](each.text) or finders["praise"](each.text))
            for each in said["counselor"]
        ]
    )


FEATURES: Mapping[str, Measure] = {
    "counselor_median": partial(find_length, of="counselor", how=find_median),
    "counselor_spread": partial(find_length, of="counselor", how=spread_of),
    "counselor_shortest": partial(find_length, of="counselor", how=min),
    "counselor_longest": partial(find_length, of="counselor", how=max),
    "counselor_sentences": find_sentences,
    "counselor_minimal": partial(find_minimal, of="counselor"),
    "client_median": partial(find_length, of="client", how=find_median),
    "client_spread": partial(find_length, of="client", how=spread_of),
    "client_minimal": partial(find_minimal, of="client"),
    "talk_ratio": find_talk_ratio,
    "counselor_question": partial(find_asking, of="counselor", least=1),
    "counselor_questions": partial(find_asking, of="counselor", least=2),
    "open_questions": find_open,
    "template_question": find_template_question,
    "client_question": partial(find_asking, of="client", least=1),
    **{
        f"counselor_{word}": partial(find_share, of="counselor", word=word)
        for word in ("advice", "template", "reflection", "praise", "list", "hesitation")
    },
    **{
        f"client_{word}": partial(find_share, of="client", word=word)
        for word in ("hesitation", "refusal", "unsure", "agreeing", "insight", "thanks")
    },
}


@cache
def load_ranges() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Return the real ranges by language, part and feature."""
    ranges: dict[str, dict[str, dict[str, dict[str, Any]]]] = yaml.safe_load(RANGES.read_text(encoding="utf-8"))
    return ranges


def find_quantiles(values: Sequence[float]) -> Quantiles | None:
    """Return the tenth percentile, the median and the ninetieth percentile; None of nothing."""
    if not values:
        return None
    ordered, last = sorted(values), len(values) - 1
    low, middle, high = (
        ordered[int(at)] + (ordered[min(int(at) + 1, last)] - ordered[int(at)]) * (at % 1)
        for at in (last * share for share in (0.1, 0.5, 0.9))
    )
    return low, middle, high


def by_speaker(utterances: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    """Return a dialogue's utterances apart by who speaks."""
    return {who: [each for each in utterances if each.speaker == who] for who in ("client", "counselor")}


def compare_feature(
    feature: str, told: Mapping[str, Any], dialogues: Sequence[Mapping[str, Sequence[Utterance]]], language: str
) -> StyleRow:
    """Return a feature of dialogues beside its real ranges; it is inside where any real set holds our median."""
    figures = (FEATURES[feature](said, language) for said in dialogues)
    values = [figure for figure in figures if figure is not None]
    ours = find_quantiles(values)
    real = {name: tuple(value) for name, value in told.items() if name not in ("kind", "target", "ours")}

    def is_inside(value: float) -> bool:
        return any(low <= value <= high for low, _, high in real.values())

    return StyleRow(
        feature,
        told["kind"],
        len(values),
        ours,
        real,
        tuple(told["target"]) if "target" in told else None,
        is_inside(ours[1] or 0.0) if ours else None,
        share_of([is_inside(value) for value in values]),
        told.get("ours", False),
    )


def find_edges(utterances: Sequence[Utterance], language: str, *, is_closing: bool = False) -> list[str]:
    """Return the few characters or words with which utterances begin or end."""
    size = EDGE[language]
    edges = []
    for each in utterances:
        units = MARK.sub("", each.text) if language == "zh" else WORD.findall(each.text.lower())
        edges.append(" ".join(units[-size:] if is_closing else units[:size]))
    return edges


def sample(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield draws of texts, the same whatever order they come in."""
    ordered = draw(texts)
    for number in range(DRAWS if ordered else 0):
        yield random.Random(number).sample(ordered, min(SAMPLED, len(ordered)))


def find_mean(figures: Sequence[float]) -> float | None:
    """Return the mean, None of nothing."""
    return statistics.fmean(figures) if figures else None


def share_edges(utterances: Sequence[Utterance], language: str, *, is_closing: bool = False) -> float | None:
    """Return the share of the 20 most frequent openings or closings among sampled utterances."""
    edges = find_edges(utterances, language, is_closing=is_closing)
    return find_mean([top_share(drawn) for drawn in sample(edges)])


def share_repeats(utterances: Sequence[Utterance]) -> float | None:
    """Return the share of sampled utterances, nods left out, that say word for word what another of them says."""
    texts = [each.text for each in utterances if not each.is_minimal]
    return find_mean([1 - len(set(drawn)) / len(drawn) for drawn in sample(texts)])


def share_thanks_at_end(dialogues: Sequence[Mapping[str, Sequence[Utterance]]], language: str) -> float | None:
    """Return the share of dialogues whose client says thanks in the last two utterances."""
    find = load_finders()[language]["thanks"]
    return share_of([any(find(each.text) for each in said["client"][-LAST:]) for said in dialogues if said["client"]])


def measure_whole(dialogues: Sequence[Mapping[str, Sequence[Utterance]]], language: str) -> dict[str, float | None]:
    """Return the figures of the set as a whole."""
    client = [each for said in dialogues for each in said["client"]]
    counselor = [each for said in dialogues for each in said["counselor"]]
    return {
        "ends_in_question": share_of([each.ends_in_question for each in counselor]),
        "counselor_ellipsis": share_with(counselor, "ellipsis", language),
        "client_ellipsis": share_with(client, "ellipsis", language),
        "counselor_openings": share_edges(counselor, language),
        "client_openings": share_edges(client, language),
        "counselor_closings": share_edges(counselor, language, is_closing=True),
        "counselor_repeats": share_repeats(counselor),
        "client_repeats": share_repeats(client),
        "thanks_at_end": share_thanks_at_end(dialogues, language),
    }


def compare_style(dialogues: Sequence[Lines], language: str) -> Style:
    """Return how dialogues talk beside the real ranges of their language."""
    read = [by_speaker(read_dialogue(lines, language)) for lines in dialogues]
    long = [said for said in read if len(said["counselor"]) >= EXCHANGES]
    ranges, whole = load_ranges()[language], []
    for feature, ours in measure_whole(read, language).items():
        told = ranges["set"][feature]
        limit = tuple(told["limit"]) if "limit" in told else None
        real = {name: value for name, value in told.items() if name not in ("kind", "limit")}
        inside = limit[0] <= ours <= limit[1] if limit and ours is not None else None
        whole.append(SetRow(feature, told["kind"], ours, real, limit, inside))
    rows = [compare_feature(feature, told, long, language) for feature, told in ranges["dialogues"].items()]
    return Style(len(read), len(long), rows, whole)
