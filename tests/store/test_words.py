"""A search finds the talks that say the words, all of them and no others, and nothing that is typed steers it."""

import random
import unicodedata
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from store.db import Database
from store.matching import find_words
from store.words import MOST_ASKED, keep_words, match_of, split_terms, word_body
from taxonomy.refusal import InputError
from tests.real_data import read_rows

WORDS = (
    "失眠", "焦虑", "抑郁", "妈妈", "考试", "工作", "分手", "压力", "朋友", "老师",
    "睡不着", "不知道", "男朋友", "心理咨询", "没有办法", "自己的", "高三", "室友", "怎么办", "很难过",
)  # fmt: skip
HOSTILE = (
    '"', "'", "''", '""', '"失眠', "失眠'", "失眠*", "* 失眠", "失眠 OR 考试", "失眠 AND", "NOT 失眠",
    "NEAR(失眠 考试, 2)", "body:失眠", "失眠 & | ! ( ) <->", "失眠:*", "失眠:A", "\\失眠\\", "失眠\\'",
    "失眠\x00考试", "^失眠",
    "失眠+考试", "{失眠}", "-失眠", "失眠;--", "'; DROP TABLE words; --", "%失眠%",
    "失眠_考试", "$1", ":text", "失眠\u202e考试", "\ud83d失眠",
    "失眠" * 100, "ﷺ" * 200,
    "\\", "a" * 200, "失眠\n考试", "０１２３", "Straße İstanbul", "e\u0301tude", "🙂 失眠 🙂",
    "失眠。" * 60, "<b>失眠</b>", "失", "失眠 眠", "失眠" * 5_000,
)  # fmt: skip


def keep(database: Database, talks: Sequence[Sequence[str]]) -> None:
    """Put talks into the index under their numbers."""
    with database.connect().execution_options(writes=True) as db, db.begin():
        name = db.dialect.name
        keep_words(db, [{"id": number, "body": word_body(lines, name)} for number, lines in enumerate(talks)])


def search(database: Database, asked: str) -> list[int]:
    """Return the numbers of the talks found."""
    found = find_words(asked, database.dialect.name)
    with database.connect() as db:
        query = f"SELECT w.rowid FROM {found.counted} ORDER BY w.rowid"
        return list(db.execute(text(query), found.values).scalars())


def test_words_of_two_to_four_characters_are_found_wherever_they_stand_in_real_talks(database: Database) -> None:
    talks = [[turn["content"] for turn in row["turns"]] for row in read_rows("smile_sample")[:400]]
    keep(database, talks)
    plain = [[unicodedata.normalize("NFKC", line).lower() for line in lines] for lines in talks]
    hits = 0
    for word in WORDS:
        expected = [number for number, lines in enumerate(plain) if any(word in line for line in lines)]
        assert search(database, word) == expected, word
        hits += len(expected)
    assert hits > 500


def test_pieces_of_a_text_drawn_by_chance_are_found_as_plain_python_finds_them(database: Database) -> None:
    chance = random.Random(4)
    # Few characters, so that pairs meet by accident; marks, letters and lone characters stand between.
    alphabet = "失眠了啊，。 ab\n㐀"
    talks = [["".join(chance.choices(alphabet, k=12)) for _ in range(2)] for _ in range(200)]
    keep(database, talks)
    for _ in range(150):
        word = "".join(chance.choices("失眠了啊㐀", k=chance.choice((2, 3, 4))))
        expected = [number for number, lines in enumerate(talks) if any(word in line for line in lines)]
        assert search(database, word) == expected, word


def test_width_case_and_rare_characters_make_no_difference(database: Database) -> None:
    keep(database, [["我用ＣＢＴ疗法"], ["㐀㐁是古字"], ["Cannot SLEEP at night"], ["失眠。眠了"], ["ｱｲｳ"]])
    assert search(database, "cbt") == [0]
    assert search(database, "ＣＢＴ 疗法") == [0]
    assert search(database, "㐀㐁") == [1]
    assert search(database, "night sleep") == [2]
    assert search(database, "失眠") == search(database, "眠了") == [3]
    assert search(database, "失眠了") == []
    assert search(database, "アイウ") == [4]


def test_nothing_that_is_typed_steers_the_search(database: Database) -> None:
    keep(database, [["失眠"], ["考试"], ["words"], ["失眠，考试"]])
    refused = 0
    for asked in HOSTILE:
        runs = list(split_terms(asked))
        terms = {term for run in runs for term in run}
        if not runs or any(run == [character] for run in runs for character in "失眠") or len(asked) > MOST_ASKED:
            refused += 1
            with pytest.raises(InputError):
                search(database, asked)
        else:
            expected = {frozenset({"失眠"}): [0, 3], frozenset({"失眠", "考试"}): [3]}
            assert search(database, asked) == expected.get(frozenset(terms), []), asked
    assert 5 < refused < 12


def test_a_search_for_too_little_or_too_much_says_what_to_give() -> None:
    for asked in ("眠", "失眠 眠", "", "。", "  ", "\x00", "！？"):
        with pytest.raises(InputError, match="at least two Chinese characters or a word"):
            match_of(asked, "sqlite")
    with pytest.raises(InputError, match=f"10,000 characters; give at most {MOST_ASKED}"):
        match_of("失" * 10_000, "postgresql")


def test_a_talk_of_any_length_is_kept(database: Database) -> None:
    long = "失眠" + "的" * 400_000 + "a" * 1_000_000
    keep(database, [[long], ["考试"], ["x" * 50 + "y" * 1_000], [""]])
    assert search(database, "失眠") == [0]
    assert search(database, "x" * 50 + "y" * 100) == [2]
