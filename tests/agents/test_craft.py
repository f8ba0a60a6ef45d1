"""What a check of craft does with the lines before: whose danger it was, what the client has told, how far back."""

import pytest

from agents.checks.craft import (
    find_data_question,
    find_label_swap,
    find_narrated_progress,
    find_quick_comfort,
    find_risk_skated,
)
from agents.transcript import Utterance


def say(text: str) -> Utterance:
    return Utterance("counselor", text)


def hear(text: str) -> Utterance:
    return Utterance("client", text)


@pytest.mark.parametrize(
    ("line", "reply", "severity"),
    [
        ("我真的不想活了。", "听起来你最近很累，睡得怎么样？", "reject"),
        ("有时候甚至想过自杀。", "工作压力大的话，可以先休几天假。", "reject"),
        ("I want to die.", "Work has been a lot lately.", "reject"),
        ("我真的不想活了。", "这个念头一定很重，我陪着你。", "flag"),
        ("我最好的朋友上个月自杀了。", "失去他，你最近睡得怎么样？", "flag"),
        ("I want to die.", "Those thoughts sound heavy.", "flag"),
    ],
)
def test_a_passed_over_danger_rejects_only_where_it_is_plain(line: str, reply: str, severity: str) -> None:
    finding = find_risk_skated(say(reply), [hear(line)])
    assert finding is not None
    assert finding.severity == severity


def test_a_direct_question_stands_for_two_replies_and_no_longer() -> None:
    asked = [
        hear("我不想活了。"),
        say("你说不想活，是想到自杀吗？"),
        hear("嗯，想过，真的不想活。"),
        say("谢谢你讲给我听。"),
    ]
    later = [*asked, hear("我就是不想活。"), say("这样多久了？")]
    last = hear("我还是不想活。")
    assert find_risk_skated(say("先喝口水。"), [*asked, last]) is None
    assert find_risk_skated(say("先喝口水。"), [*later, last]) is not None


def test_an_idiom_of_dying_is_no_danger() -> None:
    assert find_risk_skated(say("睡得怎么样？"), [hear("累死我了，笑死。")]) is None


def test_a_change_that_the_client_has_told_of_may_be_named() -> None:
    claim = say("你已经学会了接纳自己。")
    assert find_narrated_progress(claim, [hear("我还是睡不着。")]) is not None
    assert find_narrated_progress(claim, [hear("我现在不那么怪自己了。"), say("嗯。"), hear("是的。")]) is None
    assert find_narrated_progress(claim, [hear("我怎么才能放下呢？")]) is not None


def test_the_weight_of_a_letter_lies_at_its_end() -> None:
    tears, rest = (
        "那年奶奶去世，我哭了很久。",
        "后来我搬到南方，换了两份工作，也认识了几个新朋友，日子一天一天地过，" * 3,
    )
    for check, reply in ((find_quick_comfort, "别难过了，都会好起来的。"), (find_data_question, "这样多久了？")):
        assert check(say(reply), [hear(rest + tears)]) is not None
        assert check(say(reply), [hear(tears + rest)]) is None


def test_a_feeling_is_the_clients_once_any_line_has_voiced_it() -> None:
    label = say("我能感受到你的愤怒。")
    assert find_label_swap(label, [hear("饭端上来又端下去。")]) is not None
    assert find_label_swap(label, [hear("我气得发抖。"), say("嗯。"), hear("饭端上来又端下去。")]) is None
    assert find_label_swap(label, []) is None
