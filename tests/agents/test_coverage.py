"""Coverage on planted talks: what is said, what is missing, who said it first, and which version is kept."""

import pytest

from agents.coverage import Coverage, choose_best, compare_versions, measure_coverage, order_keywords, take_round
from agents.keywords import Keyword, Kind
from agents.transcript import Utterance


def keyword(quote: str, kind: Kind = "symptom", plain: str = "") -> Keyword:
    return Keyword(kind=kind, quote=quote, plain=plain or quote)


NOTED = [keyword("can't sleep"), keyword("a brace", "treatment"), keyword("her mother", "history", "my mum")]


def talk(*lines: str) -> list[Utterance]:
    """Return a talk in which the client begins and the two take turns."""
    return [Utterance("counselor" if number % 2 else "client", text) for number, text in enumerate(lines)]


@pytest.mark.parametrize(
    ("lines", "missing", "leaks"),
    [
        (("I can't sleep.", "Mm.", "I wear a brace, my mum got it.", "Your mum."), (), ()),
        (("Hello.", "You can't sleep?", "Right, I can't sleep.", "Mm."), ("a brace", "her mother"), ("can't sleep",)),
        (("Hi.", "Hi."), ("can't sleep", "a brace", "her mother"), ()),
        (("I can't sleep.", "You can't sleep, and her mother?"), ("a brace",), ("her mother",)),
        ((), ("can't sleep", "a brace", "her mother"), ()),
    ],
)
def test_a_planted_talk_is_measured_by_who_says_what_first(
    lines: tuple[str, ...], missing: tuple[str, ...], leaks: tuple[str, ...]
) -> None:
    measured = measure_coverage(NOTED, talk(*lines), "en")
    assert measured.missing == missing
    assert measured.leaks == leaks
    assert measured.share == pytest.approx((3 - len(missing)) / 3)
    assert measured.tell() == {"share": round(measured.share, 4), "missing": list(missing), "leaks": list(leaks)}


def test_no_keywords_are_no_coverage() -> None:
    assert measure_coverage([], talk("Hi.", "Hi."), "en").share == 0


def test_keywords_come_as_the_draft_brings_them_up_then_those_it_lacks_by_kind() -> None:
    noted = [keyword("a scan", "test"), *NOTED]
    draft = talk("Well.", "And?", "My mum drives me.", "Mm.", "I can't sleep.", "Mm.")
    assert [one.quote for one in order_keywords(noted, draft, "en")] == [
        "her mother",
        "can't sleep",
        "a scan",
        "a brace",
    ]


def test_a_round_takes_the_next_two_that_were_not_said() -> None:
    noted = [keyword(quote) for quote in ("one thing", "two things", "three things", "four things")]
    taken, left = take_round(noted, talk("I know two things."), "en")
    assert [one.quote for one in taken] == ["one thing", "three things"]
    assert [one.quote for one in left] == ["four things"]
    assert take_round(left, talk("four things"), "en") == ([], [])


@pytest.mark.parametrize(
    ("missing", "leaks", "kept"),
    [
        ((2, 1), (0, 0), 1),
        ((1, 2), (0, 0), 0),
        ((1, 1), (0, 0), 1),
        ((1, 1), (0, 1), 0),
        ((2, 1), (0, 5), 1),
        ((3,), (0,), 0),
    ],
)
def test_the_version_that_lacks_the_fewest_is_kept(missing: tuple[int, ...], leaks: tuple[int, ...], kept: int) -> None:
    versions = [Coverage((), ("x",) * m, ("y",) * n) for m, n in zip(missing, leaks, strict=True)]
    assert choose_best(versions) == kept


def test_versions_are_told_by_name() -> None:
    versions = {"role_play": talk("I can't sleep.", "Mm."), "polished": talk("A brace, and my mum.", "Mm.")}
    kept, told = compare_versions(NOTED, versions, "en")
    assert kept == told["kept"] == "polished"
    assert [told[name]["share"] for name in versions] == [0.3333, 0.6667]
