"""An address is a filter and a filter an address; one that cannot be is told in one line."""

import random
from datetime import date
from urllib.parse import parse_qsl

import pytest

from store.filters import READERS, Filter, read_filter
from taxonomy.refusal import InputError

WHOLE = Filter(
    emotion="panic", family="fear", scene="S01", life="study", recipe="smile", model="deepseek-r1", run=3,
    language="zh", outcome="done", standing="waiting", flagged=True, commented=False, crisis=True,
    rehearsal=False, edited=True, disputed=False, rule="lecture", reviewer="王 小明", rubric="session",
    score_from=2.0, score_to=4.5,
    date_from=date(2026, 1, 2), date_to=date(2026, 3, 4), exchanges_from=2, exchanges_to=30, text="失眠 & 药片?",
    sort="score_up",
)  # fmt: skip


def test_a_filter_comes_back_from_its_address_and_from_its_flags() -> None:
    assert read_filter(dict(parse_qsl(WHOLE.query(), strict_parsing=True))) == WHOLE
    flags = {flag.split("=", 1)[0][2:].replace("-", "_"): flag.split("=", 1)[1] for flag in WHOLE.flags()}
    assert read_filter(flags) == WHOLE
    assert set(flags) == set(READERS)


def test_what_asks_nothing_stands_in_no_address() -> None:
    assert Filter().query() == ""
    assert read_filter({"emotion": "", "text": "  ", "sort": "newest"}).query() == ""
    assert Filter(text="失眠", crisis=False).query() == "crisis=no&text=%E5%A4%B1%E7%9C%A0"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ({"emotoin": "x"}, "filter 'emotoin': there is no such key (did you mean 'emotion'?)"),
        ({"crisis": "maybe"}, "filter crisis='maybe': write yes or no"),
        ({"run": "-1"}, "filter run='-1': write a whole number"),
        ({"run": "99999999999"}, "filter run="),
        ({"run": "２"}, "filter run="),
        ({"standing": "acepted"}, "did you mean 'accepted'"),
        ({"language": "fr"}, "choose one of zh, en"),
        ({"sort": "best"}, "choose one of newest"),
        ({"sort": "random-x"}, "random-SEED"),
        ({"date_from": "yesterday"}, "write a day as 2026-11-21"),
        ({"date_from": "0001-01-01"}, "a year from 1971"),
        ({"date_from": "2026-02-02", "date_to": "2026-01-01"}, "lies after date_to=2026-01-01"),
        ({"score_from": "3"}, "name the rubric"),
        ({"sort": "score_up"}, "name the rubric"),
        ({"rubric": "session", "score_from": "nan"}, "write a number"),
        ({"rubric": "session", "score_from": "4", "score_to": "2"}, "lies after score_to"),
        ({"exchanges_from": "9", "exchanges_to": "2"}, "lies after exchanges_to=2"),
        ({"emotion": "x" * 201}, "201 characters"),
        ({"model": "a\x00b"}, "without control characters"),
        ({"text": "眠"}, "at least two Chinese characters"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_key_and_value(pairs: dict[str, str], expected: str) -> None:
    with pytest.raises(InputError) as told:
        read_filter(pairs)
    assert expected in str(told.value)
    assert "\n" not in str(told.value)


def test_any_address_is_read_or_refused_in_one_line() -> None:
    chance = random.Random(8)
    pieces = [
        "yes",
        "no",
        "2",
        "-",
        "2026-01-02",
        "失眠",
        "\x00",
        "\n",
        "session",
        "random-",
        "9" * 9,
        " ",
        "é",
        "%",
        ".",
    ]
    read = 0
    for _ in range(5_000):
        keys = chance.sample([*READERS, "other"], chance.randint(0, 3))
        pairs = {key: "".join(chance.choices(pieces, k=chance.randint(0, 2))) for key in keys}
        try:
            asked = read_filter(pairs)
        except InputError as error:
            problem = str(error)
            assert problem.isprintable(), pairs
        else:
            assert read_filter(dict(parse_qsl(asked.query()))) == asked
            read += 1
    assert 500 < read < 4_500
