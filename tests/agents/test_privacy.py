"""Unlisted numbers are found in a counselor's mouth, listed ones pass however written, identity numbers by checksum."""

import random
import time

import pytest

from agents.checks.privacy import find_hotline, find_pii, is_identity_number
from agents.hotlines import listed_numbers, load_hotlines
from agents.transcript import Utterance

CHINESE = "零一二三四五六七八九"
ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SENTENCES = (
    "你可以拨打{}，会有人听你说。",
    "热线是{}。",
    "{}这个热线一直有人接。",
    "打{}，一定有人接",
    "请记下{}",
    "热线{} 24小时都开着",
    "You can call or text {} at any hour.",
    "The hotline is {}, and it is open 24/7.",
)
WRITTEN = sorted(
    {line.number for line in load_hotlines().lines} | {n for e in load_hotlines().emergency for n in e.numbers}
)


def spell(number: str) -> list[str]:
    """Return the ways in which people write a number."""
    digits = "".join(char for char in number if char.isdigit())
    chinese = "".join(CHINESE[int(char)] for char in digits)
    return [
        number,
        digits,
        number.replace("-", " "),
        number.replace(" ", "-"),
        number.replace("-", "－"),
        " ".join(digits),
        digits.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        chinese,
        chinese.replace("一", "幺"),
        chinese.replace("零", "〇"),
        " ".join(ENGLISH[int(char)] for char in digits),
        "-".join(ENGLISH[int(char)] for char in digits),
    ]


def said(text: str) -> Utterance:
    return Utterance("counselor", text)


@pytest.mark.parametrize("number", WRITTEN)
def test_a_listed_number_passes_however_it_is_written(number: str) -> None:
    for written in spell(number):
        for sentence in SENTENCES:
            assert find_hotline(said(sentence.format(written)), []) is None, sentence.format(written)


@pytest.mark.parametrize("number", WRITTEN)
def test_a_number_one_digit_away_is_rejected_however_it_is_written(number: str) -> None:
    digits = "".join(char for char in number if char.isdigit())
    last = next(str(n) for n in range(9, -1, -1) if digits[:-1] + str(n) not in listed_numbers())
    for written in spell(number[:-1] + last):
        finding = find_hotline(said(f"你可以拨打{written}，有人接。"), [])
        assert finding is not None, written
        assert finding.severity == "reject"


@pytest.mark.parametrize("joint", ["或", "、", "，", " ", "/", "或者拨打"])
def test_two_listed_numbers_in_a_row_pass(joint: str) -> None:
    assert find_hotline(said(f"紧急时请拨打110{joint}120。"), []) is None
    assert find_hotline(said(f"可以打12356{joint}010-82951332。"), []) is None


def test_a_country_code_does_not_make_a_listed_number_strange() -> None:
    assert find_hotline(said("从国外打 +86 010-82951332 也可以。"), []) is None
    assert find_hotline(said("Call +44 116 123."), []) is None


def test_a_client_may_say_any_number() -> None:
    assert find_hotline(Utterance("client", "我打过12399，没有人接。"), []) is None


def test_a_line_that_looks_like_a_year_is_found_where_it_is_dialled() -> None:
    assert find_hotline(said("你可以拨打1995。"), []) is not None
    assert find_hotline(said("1995年的那条热线，你还记得。"), []) is None
    assert find_hotline(said("从1995开始，你妈妈就在那个热线做志愿者。"), []) is None


@pytest.mark.parametrize(
    "text",
    [
        "你今年35岁，打了120个电话也没有人接。",
        "房租3500元，电话费98元。",
        "每次打电话都要45分钟以上，最长一次130分钟。",
        "2024-11-21和2024.11.21是同一天。",
        "14:30-15:20我们可以再谈，热线的事下次说。",
        "你考了598分，全班第3。",
        "血压140/90，你打电话告诉了妈妈。",
        "2018-2022年，四年。",
        "3000-5000元的差价，让你很为难。",
        "一二三四五六七，你数着台阶。",
        "你说他520那天发来5201314。",
        "她打电话说了两三百句，句句都在怪你。",
        "You called him 100 times in 3 days.",
        "It was 2019, and the phone rang at 10:30 pm.",
    ],
)
def test_years_ages_prices_times_and_scores_are_no_lines(text: str) -> None:
    assert find_hotline(said(text), []) is None


@pytest.mark.parametrize(
    "text",
    [
        "拨打12388行吗",
        "打12388里面有人接。",
        "12388天天有人接，这个热线不收费。",
        "拨12388，人工服务按2。",
        "热线12388本地可以打。",
        "The hotline 12388 is open 24 hours, 7 days a week.",
    ],
)
def test_the_words_after_a_number_do_not_hide_it(text: str) -> None:
    finding = find_hotline(said(text), [])
    assert finding is not None
    assert text[slice(*finding.span)] == "12388"


def test_the_span_is_the_number() -> None:
    text = "你可以拨打４００－０００－１２３４试试。"
    finding = find_hotline(said(text), [])
    assert finding is not None
    assert text[slice(*finding.span)] == "４００－０００－１２３４"


def make_identity_number(rng: random.Random) -> str:
    """Return a number whose last character follows ISO 7064 MOD 11-2, computed digit by digit."""
    body = f"{rng.randint(110000, 659999)}{rng.randint(1930, 2020)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body += f"{rng.randint(0, 999):03}"
    rest = 0
    for digit in body:
        rest = (rest + int(digit)) * 2 % 11
    return body + "0123456789X"[(12 - rest) % 11]


@pytest.mark.parametrize("seed", range(200))
def test_only_the_right_last_character_makes_an_identity_number(seed: int) -> None:
    number = make_identity_number(random.Random(seed))
    assert is_identity_number(number)
    assert is_identity_number(number.lower())
    assert [c for c in "0123456789X" if is_identity_number(number[:-1] + c)] == [number[-1]]


@pytest.mark.parametrize("seed", range(200))
def test_one_wrong_or_two_swapped_digits_make_no_identity_number(seed: int) -> None:
    rng = random.Random(seed)
    number = make_identity_number(rng)
    place = rng.randrange(17)
    wrong = rng.choice([digit for digit in "0123456789" if digit != number[place]])
    assert not is_identity_number(number[:place] + wrong + number[place + 1 :])
    first = rng.randrange(16)
    if number[first] != number[first + 1]:
        swapped = number[:first] + number[first + 1] + number[first] + number[first + 2 :]
        assert not is_identity_number(swapped)


@pytest.mark.parametrize("speaker", ["client", "counselor"])
def test_an_identity_number_is_found_in_any_mouth(speaker: str) -> None:
    number = make_identity_number(random.Random(7))
    for written in (number, f"{number[:6]} {number[6:14]} {number[14:]}", f"{number[:6]}-{number[6:14]}-{number[14:]}"):
        finding = find_pii(Utterance("client" if speaker == "client" else "counselor", f"号码是{written}。"), [])
        assert finding is not None
        assert finding.severity == "reject"


def test_phones_belong_to_one_rule_each() -> None:
    text = "电话是13800001234。"
    assert find_pii(Utterance("client", text), []) is not None
    assert find_hotline(Utterance("client", text), []) is None
    assert find_pii(said(text), []) is None
    assert find_hotline(said(text), []) is not None


def test_long_texts_of_digits_take_no_long_time() -> None:
    started = time.perf_counter()
    for piece in ("1", "1 ", "一", "a.", "one ", "1-2", "("):
        text = piece * (20_000 // len(piece))
        find_hotline(said("打" + text), [])
        find_pii(Utterance("client", text), [])
    assert time.perf_counter() - started < 5
