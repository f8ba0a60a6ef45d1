"""A translated line is held to its source: language, length, figures, terms, and what it says once it is read back."""

from itertools import pairwise

import pytest

from agents.rubric import list_rubrics, load_rubric
from agents.transcript import Language, Utterance
from agents.translation_checks import (
    LENGTHS,
    LIKE_ENOUGH,
    SHORTEST_MEASURED,
    find_foreign_line,
    find_line_fault,
    list_figures,
    measure_back,
    measure_likeness,
    read_numeral,
)
from taxonomy.schema import load_taxonomy
from tests import real_data
from tests.graphs.conftest import TAXONOMY

SOURCE = "I am 34 and I have been anxious for 2 years, mostly at night, and my counselor says I should write it down."
GOOD = "我34岁，焦虑了2年，多半是夜里。我的咨询师说，该把它写下来。"


def test_a_good_translation_has_no_fault_in_either_direction() -> None:
    assert find_line_fault(SOURCE, GOOD, "en", "zh") is None
    assert find_line_fault(GOOD, SOURCE, "zh", "en") is None


@pytest.mark.parametrize(
    ("translation", "told"),
    [
        (SOURCE, "it is not in zh"),
        ("", "it is empty"),
        ("我34岁，焦虑2年，咨询师。", "something is left out"),
        (GOOD * 3, "something is put in"),
        (GOOD.replace("34", "43"), "the figure 34 of the original is missing"),
        (GOOD + "可以打12356。", "the figure 12356 does not stand in the original"),
        (GOOD.replace("咨询师", "顾问"), "counselor is 咨询师 here"),
        (GOOD.replace("该把它写下来", "you should write it down"), "words of another language"),
    ],
)
def test_what_is_wrong_with_a_line_is_named(translation: str, told: str) -> None:
    assert told in (find_line_fault(SOURCE, translation, "en", "zh") or "")


def test_a_silence_stays_one() -> None:
    assert find_line_fault("...", "……", "en", "zh") is None
    assert find_line_fault("...", "我不想说。", "en", "zh") == "the original says nothing here"


def test_a_short_line_is_not_measured_but_may_not_become_a_long_one() -> None:
    assert find_line_fault("Yes.", "嗯，是的。", "en", "zh") is None
    assert "too many" in (find_line_fault("Yes.", "嗯，" + "是的。" * 20, "en", "zh") or "")


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("三十", 30),
        ("十一", 11),
        ("两千零五十", 2050),
        ("二零一三", 2013),
        ("一万二千", 12_000),
        ("百", 100),
        ("两", 2),
    ],
)
def test_chinese_numerals_are_read(numeral: str, value: int) -> None:
    assert read_numeral(numeral) == value
    assert find_line_fault(f"It was {value} then.", f"那时候是{numeral}。", "en", "zh") is None


def test_figures_are_compared_as_values() -> None:
    assert list_figures("$5,000 at 4:30, 0.50mg, ２０ and 5000 again") == ["5000", "4", "30", "0.5", "20"]


@pytest.mark.parametrize(
    ("speaker", "text", "to", "found"),
    [
        ("counselor", "你可以打911。", "zh", "reject"),
        ("client", "我打过 988。", "zh", "flag"),
        ("counselor", "打 1-800-111-2345 问问。", "zh", "reject"),
        ("counselor", "You could call 12356.", "en", "reject"),
        ("counselor", "可以打12356。", "zh", None),
        ("counselor", "You could call 988.", "en", None),
        ("counselor", "你写了3次。", "zh", None),
    ],
)
def test_a_number_that_helps_nobody_in_that_language_is_found(
    speaker: str, text: str, to: Language, found: str | None
) -> None:
    finding = find_foreign_line(Utterance(speaker, text), to)  # type: ignore[arg-type]
    assert (finding.severity if finding else None) == found
    if finding:
        start, end = finding.span
        assert any(map(str.isdigit, text[start:end]))


def test_likeness_is_one_for_the_same_and_falls_with_what_is_missing() -> None:
    text = "I moved here a year ago and the worst part is Sunday evening, when the flat goes quiet."
    assert measure_likeness(text, text.upper() + "!") == pytest.approx(1)
    assert measure_likeness(text, text[: len(text) // 2]) < 0.65
    other = "My mother calls three times a day to ask whether I have eaten, and I snap at her."
    assert measure_likeness(text, other) < LIKE_ENOUGH["en"]
    close = "I moved here about a year ago, and the worst thing is Sunday evenings, when the flat gets quiet."
    assert measure_likeness(text, close) > LIKE_ENOUGH["en"]
    assert measure_likeness(text, "") == 0


def test_short_lines_are_read_back_together_and_blamed_together() -> None:
    sources = ["Yes, since the spring.", "No, nobody at all knows it.", "He just shut the door.", "Hm."]
    same, low = measure_back(sources, dict(enumerate(sources)), "en")
    assert (set(same.values()), low) == ({1.0}, {})
    other = dict(enumerate(["I like cake a lot.", "Football was on all day.", "The bus came too late.", "Hm."]))
    share, low = measure_back(sources, other, "en")
    assert set(low) == {0, 1, 2, 3}
    assert len(set(share.values())) == 1
    assert measure_back(["Hm."], {0: "No."}, "en") == ({}, {})


def test_the_lengths_hold_for_what_this_house_wrote_in_both_languages() -> None:
    taxonomy = load_taxonomy(TAXONOMY)
    pairs = [(each.definition_zh, each.definition_en) for each in (*taxonomy.emotions, *taxonomy.scenes)]
    for rubric in map(load_rubric, list_rubrics()):
        for item in rubric.items:
            pairs += [(item.zh.question, item.en.question), (item.zh.definition, item.en.definition)]
    ratios = sorted(len(zh) / len(en) for zh, en in pairs)
    assert len(ratios) >= 300
    least, most = LENGTHS["zh"]
    assert sum(least <= ratio <= most for ratio in ratios) / len(ratios) > 0.98
    assert LENGTHS["en"] == pytest.approx((1 / most, 1 / least))


def test_real_questions_on_other_matters_are_not_like_enough() -> None:
    texts = list(dict.fromkeys(row["question"] for row in real_data.read_rows("counsel_chat_qa_en")))
    long = [text for text in texts if len(text) >= SHORTEST_MEASURED["en"]][:300]
    shares = [measure_likeness(first, second) for first, second in pairwise(long)]
    assert max(shares) < LIKE_ENOUGH["en"]
