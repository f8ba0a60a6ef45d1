"""How people talk is counted as it was for the real ranges: on the public sets our figures are the published ones."""

import statistics
from functools import cache

import pytest

from store.report.speech import Utterance, load_finders, read_dialogue, share_of, share_with, spread_of
from store.report.style import (
    FEATURES,
    by_speaker,
    compare_style,
    find_quantiles,
    find_talk_ratio,
    find_template_question,
    load_ranges,
    measure_whole,
)
from store.report.words import load_words
from tests.real_data import read_dialogues

SMILE, CPSYCOUND, PSYROOM = "smile_sample", "cpsycound_sample", "emopsy_sample"
Said = dict[str, list[Utterance]]


@cache
def read_set(name: str) -> list[Said]:
    """Return the dialogues of a public set that have four utterances or more, as the published figures do."""
    read = (read_dialogue([(line.speaker, line.text) for line in lines], "zh") for _, lines in read_dialogues(name))
    return [by_speaker(utterances) for utterances in read if len(utterances) >= 4]


def pool(name: str, speaker: str) -> list[Utterance]:
    """Return all utterances of a speaker."""
    return [each for said in read_set(name) for each in said[speaker]]


@pytest.mark.parametrize(
    ("name", "speaker", "lengths", "mean", "sentences"),
    [
        (SMILE, "counselor", (43, 87, 168), 102, 3.56),
        (SMILE, "client", (20, 40, 95), 55, 2.15),
        (CPSYCOUND, "counselor", (26, 52, 88), 56, 2.64),
        (CPSYCOUND, "client", (11, 30, 59), 33, 1.66),
        (PSYROOM, "counselor", (23, 40, 64), 42, 2.18),
        (PSYROOM, "client", (9, 23, 47), 26, 1.40),
    ],
)
def test_lengths_are_the_published_ones(
    name: str, speaker: str, lengths: tuple[int, int, int], mean: float, sentences: float
) -> None:
    said = pool(name, speaker)
    assert find_quantiles([each.length for each in said]) == pytest.approx(lengths, abs=1.5)
    assert statistics.fmean(each.length for each in said) == pytest.approx(mean, abs=1.5)
    assert statistics.fmean(each.sentences for each in said) == pytest.approx(sentences, abs=0.04)


@pytest.mark.parametrize(
    ("name", "counselor", "client", "ratio"),
    [
        (SMILE, 0.32, 0.41, (0.32, 0.54, 0.90)),
        (CPSYCOUND, 0.34, 0.47, (0.41, 0.61, 0.87)),
        (PSYROOM, 0.34, 0.48, (0.46, 0.56, 0.94)),
    ],
)
def test_spread_and_talk_ratio_are_the_published_ones(
    name: str, counselor: float, client: float, ratio: tuple[float, float, float]
) -> None:
    for speaker, published in (("counselor", counselor), ("client", client)):
        spreads = [spread_of([each.length for each in said[speaker]]) for said in read_set(name)]
        assert statistics.median(spread for spread in spreads if spread is not None) == pytest.approx(
            published, abs=0.01
        )
    ratios = [find_talk_ratio(said, "zh") for said in read_set(name)]
    assert find_quantiles([each for each in ratios if each is not None]) == pytest.approx(ratio, abs=0.03)


@pytest.mark.parametrize(
    ("name", "contains", "ends", "twice", "client_asks", "minimal"),
    [
        (SMILE, 0.18, 0.13, 0.043, 0.31, 0.003),
        (CPSYCOUND, 0.46, 0.44, 0.033, 0.15, 0.030),
        (PSYROOM, 0.61, 0.61, 0.024, 0.074, 0.068),
    ],
)
def test_questions_and_nods_are_the_published_ones(
    name: str, contains: float, ends: float, twice: float, client_asks: float, minimal: float
) -> None:
    counselor, client = pool(name, "counselor"), pool(name, "client")
    figures = (
        share_of([each.questions > 0 for each in counselor]),
        share_of([each.ends_in_question for each in counselor]),
        share_of([each.questions > 1 for each in counselor]),
        share_of([each.questions > 0 for each in client]),
        share_of([each.is_minimal for each in client]),
    )
    assert figures == pytest.approx((contains, ends, twice, client_asks, minimal), abs=0.011)


@pytest.mark.parametrize(
    ("speaker", "word", "smile", "cpsycound", "psyroom"),
    [
        ("counselor", "advice", 0.38, 0.32, 0.21),
        ("counselor", "template", 0.21, 0.17, 0.16),
        ("counselor", "praise", 0.046, 0.069, 0.16),
        ("counselor", "list", 0.15, 0.23, 0.075),
        ("counselor", "ellipsis", 0.005, 0.002, 0.0),
        ("client", "unsure", 0.10, 0.12, 0.064),
        ("client", "thanks", 0.28, 0.17, 0.15),
    ],
)
def test_words_are_found_about_as_often_as_published(
    speaker: str, word: str, smile: float, cpsycound: float, psyroom: float
) -> None:
    found = [share_with(pool(name, speaker), word, "zh") for name in (SMILE, CPSYCOUND, PSYROOM)]
    assert found == pytest.approx([smile, cpsycound, psyroom], abs=0.042)
    assert not load_ranges()["zh"]["dialogues"].get(f"{speaker}_{word}", {}).get("ours", False)


@pytest.mark.parametrize(("name", "published"), [(SMILE, 0.041), (CPSYCOUND, 0.14), (PSYROOM, 0.21)])
def test_a_phrase_with_a_question_is_found_as_often_as_published(name: str, published: float) -> None:
    shares = [find_template_question({"counselor": pool(name, "counselor")}, "zh")]
    assert shares == pytest.approx([published], abs=0.015)


@pytest.mark.parametrize(
    ("name", "openings", "closings", "thanks"),
    [(SMILE, (0.26, 0.35), 0.13, 0.89), (CPSYCOUND, (0.37, 0.41), 0.18, 0.90), (PSYROOM, (0.42, 0.36), 0.31, 0.97)],
)
def test_the_figures_of_a_set_are_the_published_ones(
    name: str, openings: tuple[float, float], closings: float, thanks: float
) -> None:
    whole = measure_whole(read_set(name), "zh")
    assert (whole["counselor_openings"], whole["client_openings"]) == pytest.approx(openings, abs=0.03)
    assert whole["counselor_closings"] == pytest.approx(closings, abs=0.02)
    assert whole["thanks_at_end"] == pytest.approx(thanks, abs=0.01)


def test_synthetic_sets_lie_outside_where_they_were_found_to_differ_most() -> None:
    lines = [[(line.speaker, line.text) for line in lines] for _, lines in read_dialogues(SMILE)]
    outside = {row.feature for row in compare_style(lines, "zh").rows if row.inside is False}
    assert {"counselor_shortest", "counselor_median", "counselor_question", "counselor_advice"} <= outside
    assert "talk_ratio" not in outside


def test_neighbouring_lines_of_one_speaker_are_one_and_stage_directions_are_none_of_it() -> None:
    lines = [("client", "（低头）我……"), ("client", "睡不着。"), ("counselor", "*点头*"), ("counselor", "多久了？")]
    read = read_dialogue(lines, "zh")
    assert [(each.speaker, each.text) for each in read] == [("client", "我……\n睡不着。"), ("counselor", "多久了？")]
    assert read[1].ends_in_question
    assert read[1].open_questions == 1


@pytest.mark.parametrize(
    ("language", "text", "questions", "is_open", "is_minimal"),
    [
        ("zh", "你睡得好吗", 1, 0, True),
        ("zh", "什么时候开始的？后来呢。", 2, 1, False),
        ("zh", "嗯……是啊！", 0, 0, True),
        ("en", "How did it begin? Did you sleep?", 2, 1, False),
        ("en", "Yes, I did.", 0, 0, True),
    ],
)
def test_questions_and_nods_are_told_apart(
    language: str, text: str, questions: int, is_open: int, is_minimal: bool
) -> None:
    (read,) = read_dialogue([("counselor", text)], language)
    assert (read.questions, read.open_questions, read.is_minimal) == (questions, is_open, is_minimal)


def test_a_median_in_the_real_range_is_inside_and_one_beyond_it_outside() -> None:
    def talk(length: int) -> list[tuple[str, str]]:
        return [("client", "难" * 20), ("counselor", "说" * length)] * 6

    for length, inside in ((27, True), (90, False)):
        style = compare_style([talk(length), talk(length + 1)], "zh")
        row = next(row for row in style.rows if row.feature == "counselor_median")
        assert row.inside is inside
        assert row.inside_share == inside


def test_in_english_either_real_set_may_hold_the_median() -> None:
    lines = [("client", "I lie awake at night."), ("counselor", "Mm.")] * 6
    rows = {row.feature: row for row in compare_style([lines], "en").rows}
    assert rows["counselor_median"].ours == (1, 1, 1)
    assert rows["counselor_median"].inside is False
    assert rows["counselor_hesitation"].ours == (1, 1, 1)


def test_short_dialogues_are_left_to_the_figures_of_the_set() -> None:
    style = compare_style([[("client", "谢谢。"), ("counselor", "好。")]], "zh")
    assert (style.dialogues, style.measured) == (1, 0)
    assert {row.ours for row in style.rows} == {None}
    assert next(row for row in style.whole if row.feature == "thanks_at_end").ours == 1


def test_every_feature_has_a_measure_ranges_and_words_in_both_languages() -> None:
    for language, ranges in load_ranges().items():
        assert set(ranges["dialogues"]) == set(FEATURES)
        assert {*ranges["dialogues"], *ranges["set"]} <= set(load_words()[language]["features"])
        assert set(load_finders()[language]) == set(load_finders()["zh"])
