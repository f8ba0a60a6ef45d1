"""The client of a diagram: sentences are counted and cut as people would, and the diagram's terms are found."""

import pytest

from agents.cast import Said
from agents.patient import MOST_SENTENCES, STYLES, cut_sentences, find_terms, read_draft, split_sentences
from agents.transcript import Language


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("嗯。还行吧……就那样！你说呢？", ["嗯。", "还行吧……就那样！", "你说呢？"]),
        ("“我不去。”他说完就走了", ["“我不去。”", "他说完就走了"]),
        ("真的吗？！我不信。", ["真的吗？！", "我不信。"]),
        ("……", []),
        ("先这样\n回头再说", ["先这样\n", "回头再说"]),
        ("I saw Dr. Lee at 3 p.m. today. It was 3.5 hours.", ["I saw Dr. Lee at 3 p.m. today. ", "It was 3.5 hours."]),
        ("I mean... I don't know. Whatever!", ["I mean... I don't know. ", "Whatever!"]),
        ('She said "No." Then she left.', ['She said "No." ', "Then she left."]),
        ("Fine", ["Fine"]),
    ],
)
def test_a_line_falls_into_the_sentences_one_hears(line: str, sentences: list[str]) -> None:
    assert split_sentences(line) == sentences


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("zh", ["那天下雨。", "我没带伞。", "他也没来。", "后来就散了。"]),
        ("en", ["It was raining.", "I had no umbrella.", "He didn't come.", "So that was that."]),
    ],
)
def test_a_line_is_cut_at_the_end_of_a_sentence_and_a_short_one_is_left_as_it_is(
    language: Language, sentences: list[str]
) -> None:
    gap = "" if language == "zh" else " "
    whole = gap.join(sentences)
    for most in range(1, 4):
        cut = cut_sentences(whole, most, language)
        assert cut == gap.join(sentences[:most])
        assert len(split_sentences(cut)) == most
    assert cut_sentences(f" {whole} ", 4, language) == f" {whole} "


@pytest.mark.parametrize(
    ("language", "line", "kept"),
    [
        ("zh", "那天下雨。我没带伞。他也没来。其实我想过死。", "那天下雨。我没带伞。其实我想过死。"),
        ("en", "It rained. He was late. So. I think of dying.", "It rained. He was late. I think of dying."),
    ],
)
def test_a_sign_of_danger_is_never_cut_off(language: Language, line: str, kept: str) -> None:
    assert cut_sentences(line, 3, language) == kept
    assert read_draft(Said(line, "", 1), language).has_sign


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("我的核心信念是我没用，这叫自动思维。", ["核心信念", "自动思维"]),
        ("可能是我的应对方式不好。", ["应对方式"]),
        ("My core belief is behind my coping strategies.", ["core belief", "coping strategies"]),
        ("That is an automatic thought in my cognitive diagram.", ["automatic thought", "cognitive diagram"]),
        ("core_beliefs: unlovable_left", ["core_beliefs", "unlovable_left"]),
        ("我脑子里自动就蹦出来那句，我也没办法应付。", []),
        ("I can't cope. My behavior was bad, the whole situation is hopeless, I feel helpless.", []),
        ("Mum has a cognitive impairment. 公司给的补偿机制不合理，方案太概念化。", []),
    ],
)
def test_the_diagrams_own_terms_are_found_in_either_language_and_everyday_words_are_not(
    line: str, terms: list[str]
) -> None:
    assert find_terms(line, "zh") == terms
    assert find_terms(line, "en") == terms


def test_the_caps_are_the_published_ones() -> None:
    assert [MOST_SENTENCES[style] for style in STYLES] == [5, 3, 8, 3, 5, 5]
