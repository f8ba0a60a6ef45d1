"""What would lead to a person is masked wherever the check for personal data finds it, and hardly anything else is."""

from collections import Counter

import pytest

from agents.checks.lexicon import language_of as checks_language
from agents.checks.privacy import find_hotline, find_pii
from agents.transcript import Utterance
from store.language import language_of
from store.masking import mask
from tests.real_data import read_dialogues, read_rows

FOUND = {
    "我的电话是13800138000，随时打": ("phone", "我的电话是[电话]，随时打"),
    "打 +86 138-0013-8000 找我": ("phone", "打 [电话] 找我"),
    "手机一三八零零一三八零零零": ("phone", "手机[电话]"),
    "座机010-62345678": ("phone", "座机[电话]"),
    "１３８００１３８０００找我": ("phone", "[电话]找我"),
    "身份证11010519491231002X": ("id", "身份证[证件号]"),
    "护照号E12345678": ("id", "护照号[证件号]"),
    "学号是20210345": ("id", "学号是[证件号]"),
    "发到 li.ming@example-mail.com 吧": ("e-mail", "发到 [邮箱] 吧"),
    "邮箱是 li 艾特 qq 点 com": ("e-mail", "邮箱[邮箱]"),
    "加微信abc_12345": ("account", "加微信[账号]"),
    "我的微信号是 liming-2020": ("account", "我的微信号是 [账号]"),
    "QQ号：123456789": ("account", "QQ号：[账号]"),
    "我的抖音号li.ming": ("account", "我的抖音号[账号]"),
}
FOUND_EN = {
    "call me at (212) 555-0147 tonight": ("phone", "call me at [phone] tonight"),
    "my ssn is 123-45-6789": ("id", "my ssn is [id]"),
    "write to jane at mail dot com": ("e-mail", "write to [e-mail]"),
    "add me on snapchat: jane_77": ("account", "add me on snapchat: [account]"),
}
LEFT = (
    "我2019-05-20 13:30来的，2010-2020年都在这里",
    "一个月工资15000元，借了200000块",
    "三四个人，五六天，一二三四五",
    "你可以打12356，24小时都有人",
    "look at me: I am 25, at home, 10 at night",
    "我用微信和他聊天，QQ也删了",
)


@pytest.mark.parametrize("said", [*FOUND, *FOUND_EN])
def test_what_the_check_finds_is_masked_and_then_it_finds_nothing(said: str) -> None:
    language = "zh" if said in FOUND else "en"
    kind, expected = (FOUND | FOUND_EN)[said]
    counts = Counter[str]()
    assert find_pii(Utterance("client", said), []) is not None
    assert (mask(said, language, counts), dict(counts)) == (expected, {kind: 1})
    assert find_pii(Utterance("client", expected), []) is None


@pytest.mark.parametrize("said", LEFT)
def test_what_leads_to_nobody_stays(said: str) -> None:
    counts = Counter[str]()
    assert mask(said, "zh", counts) == said
    assert not counts


def test_a_number_that_may_be_a_helpline_stays_for_the_check_of_helplines() -> None:
    said = "请拨打010-62345678，这是我们的热线，我的手机是13800138000。"
    kept = mask(said, "zh", Counter(), is_counselor=True)
    assert kept == "请拨打010-62345678，这是我们的热线，我的手机是[电话]。"
    assert find_hotline(Utterance("counselor", kept), []) is not None


def test_in_real_texts_little_is_masked_and_no_number_or_account_is_left() -> None:
    texts = [line.text for name in ("smile_sample", "cpsycound_sample", "emopsy_sample") for _, talk in
             read_dialogues(name) for line in talk]  # fmt: skip
    texts += [row["text"] for name in ("self_descriptions_zh", "psyguard_valid") for row in read_rows(name)]
    counts = Counter[str]()
    for text in texts:
        masked = mask(text, "zh", counts)
        found = find_pii(Utterance("client", masked), [])
        # Where somebody lives and what they drive is left to the check.
        assert found is None or not any(char.isdigit() for char in masked[slice(*found.span)].replace("号", ""))
    assert counts.total() <= len(texts) / 500


def test_a_language_is_told_as_the_checks_tell_it() -> None:
    texts = [talk[0].text for _, talk in read_dialogues("smile_sample")]
    texts += [row["question"] for row in read_rows("counsel_chat_qa_en")] + [
        "",
        "123",
        "ok 好的",
        "我 love you so much",
    ]
    assert [language_of(text) for text in texts] == [checks_language(text) for text in texts]
