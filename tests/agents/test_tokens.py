"""Tokens are estimated, and what repeats an earlier prompt is measured in whole blocks."""

from agents.message import Message
from agents.tokens import BLOCK, PrefixMeter, estimate_tokens

HEAD = Message("system", "句" * 960)


def test_chinese_and_english_are_weighed_apart() -> None:
    assert estimate_tokens("睡不着" * 100) == 200
    assert estimate_tokens("word" * 100) == 100
    assert estimate_tokens("") == 0


def test_a_prompt_repeats_the_blocks_it_begins_with() -> None:
    meter = PrefixMeter()
    first, none = meter.add("m", [HEAD, Message("user", "甲" * 200)])
    assert none == 0
    second, repeated = meter.add("m", [HEAD, Message("user", "乙" * 200)])
    assert first == second
    assert repeated == 10 * BLOCK
    assert meter.add("other", [HEAD])[1] == 0


def test_a_change_in_the_head_repeats_nothing_after_it() -> None:
    meter = PrefixMeter()
    meter.add("m", [HEAD])
    assert meter.add("m", [Message("system", "轮" + HEAD.content)])[1] == 0


def test_what_is_remembered_is_bounded() -> None:
    meter = PrefixMeter(most_blocks=5)
    for number in range(20):
        meter.add("m", [Message("user", chr(0x4E00 + number) * 960)])
    assert meter.add("m", [Message("user", "一" * 960)])[1] == 0
