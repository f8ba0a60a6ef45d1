"""A text's bands are those of its wording alone, never change, and fit a column of the database."""

import random
import re
import unicodedata

import pytest

from store.bands import BANDS, VERSION, hash_bands, hash_exact, jaccard, list_runs, normalise, place_grams, sign

SENTENCE = "我听见你说这些天睡得很浅，心里像压着一块石头，想先听你讲讲是从什么时候开始的。"


def read_bands(text: str) -> list[int]:
    return hash_bands(sign(place_grams(normalise(text))))


def make_texts(count: int) -> list[str]:
    chance = random.Random(3)
    return ["".join(chr(0x4E00 + chance.randrange(3_000)) for _ in range(800)) for _ in range(count)]


def test_the_bands_of_this_version_never_change() -> None:
    assert VERSION == 2
    assert read_bands(SENTENCE)[:2] == [-8854904888198080868, -1474048801220344005]
    assert read_bands("Hello, how are you today?")[-1] == -910734082132248411


def test_a_band_fits_a_database_column() -> None:
    found = [band for text in make_texts(50) for band in read_bands(text)]
    assert len(set(found)) == len(found) == 50 * BANDS
    assert min(found) >= -(2**63)
    assert max(found) < 2**63
    assert min(found) < 0 < max(found)


@pytest.mark.parametrize(
    "other",
    ["ＡＢＣ，睡不着！", "abc 睡 不着", "Abc\n——睡不着……", "abc\ud800睡不着"],
    ids=["width", "blanks", "marks", "bad"],
)
def test_case_width_and_punctuation_do_not_count(other: str) -> None:
    assert hash_exact(other) == hash_exact("ABC睡不着")
    assert read_bands(other) == read_bands("ABC睡不着")


def test_a_text_is_normalised_as_unicode_says_whatever_stands_beside_a_wide_mark() -> None:
    chance = random.Random(9)
    kinds = [
        lambda: chance.choice("，？！：；（）…～e가ㄱᄀ"),
        lambda: chr(chance.randrange(0x300, 0x370)),
        lambda: chr(chance.randrange(0xFF00, 0xFFF0)),
        lambda: chr(chance.randrange(0x110000)),
    ]
    for _ in range(20_000):
        text = "".join(chance.choice(kinds)() for _ in range(6))
        plain = unicodedata.normalize("NFKC", text).lower()
        assert normalise(text) == re.sub(r"[\W_]+", "", plain)


def test_each_run_of_characters_has_a_place_of_its_own() -> None:
    text = normalise(SENTENCE) * 3
    runs = [text[start : start + 5] for start in range(len(text) - 4)]
    placed = place_grams(text)
    assert len(placed) == len(runs)
    assert len(set(placed)) == len(set(runs)) == len(set(zip(runs, placed, strict=True)))
    assert len(place_grams("睡不着")) == 1
    assert place_grams("睡不着") != place_grams("睡不好")


def test_what_comes_first_from_a_start_is_its_sign() -> None:
    assert sign([5, 2**29]) == [5] + [2**29] * 64 + [5] * 63
    assert set(sign([])) == {2**30}


def test_jaccard_is_the_common_share() -> None:
    assert jaccard(list_runs("心里很难过呀"), list_runs("我心里很难过呀")) == 2 / 3
    assert jaccard(list_runs("心里"), list_runs("心里")) == jaccard(list_runs(""), list_runs("")) == 1
    assert jaccard(list_runs(""), list_runs("心里")) == 0
