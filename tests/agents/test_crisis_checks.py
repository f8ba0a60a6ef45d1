"""A sign of self-harm over a whole dialogue, and promises of secrecy: what is found, how grave, and what is not."""

import json
import sys
from pathlib import Path

import pytest

from agents.checks import check_whole
from agents.checks.crisis import asks_directly, find_secrecy, find_unhandled_crisis
from agents.transcript import Language, Utterance
from tests.real_data import read_dialogues

SIGN: dict[Language, str] = {"zh": "其实我想过死。", "en": "I keep thinking I want to die."}
CALM: dict[Language, str] = {"zh": "这两天睡得少。", "en": "I sleep badly these days."}
ASK: dict[Language, str] = {"zh": "你说的是死，对吗？有在想自杀吗？", "en": "Are you thinking about killing yourself?"}
LATER: dict[Language, str] = {"zh": "那天之后呢？", "en": "And after that day?"}
LINE: dict[Language, str] = {"zh": "夜里又上来，打12356，有人接。", "en": "If it comes back at night, call 988."}
PERSON: dict[Language, str] = {"zh": "今晚谁能过来陪你？", "en": "Who could come and be with you tonight?"}
DOCTOR: dict[Language, str] = {"zh": "去医院看看吧。", "en": "See a doctor about it."}
FEW = 500
"""Dialogues of a set that a quick test reads; docs/quality.md has the figures of the whole sets."""
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def talk(*replies: str, opening: str, then: str) -> list[Utterance]:
    """Return a dialogue: the client's opening, then the counselor's replies with a calm line after each."""
    lines = [Utterance("client", opening)]
    for reply in replies:
        lines += [Utterance("counselor", reply), Utterance("client", then)]
    return lines[:-1] if replies else lines


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("replies", "severity", "reason"),
    [
        ((ASK, LINE, PERSON), None, ""),
        ((LATER, ASK, PERSON, LINE), None, ""),
        ((LATER, LATER, ASK, PERSON, LINE), "flag", "asked only late"),
        ((LATER, PERSON, LINE), "flag", "not asked directly"),
        ((ASK, PERSON), "flag", "no listed number"),
        ((ASK, LINE), "flag", "no person nearby"),
        ((LATER, DOCTOR), "flag", "not asked directly, no listed number, no person nearby"),
        ((LATER, LATER), "reject", "not asked directly, no listed number, no person nearby"),
        ((), "reject", "not asked directly, no listed number, no person nearby"),
    ],
)
def test_what_is_missing_after_a_sign_is_named(
    language: Language, replies: tuple[dict[Language, str], ...], severity: str | None, reason: str
) -> None:
    spoken = [reply[language] for reply in replies]
    found = find_unhandled_crisis(talk(*spoken, opening=SIGN[language], then=CALM[language]))
    if severity is None:
        assert found is None
        return
    assert found is not None
    number, finding = found
    assert (finding.rule, finding.severity) == ("crisis_handled", severity)
    assert finding.reason == f"a sign of self-harm in utterance 1: {reason}"
    assert number == min(1, 2 * len(spoken))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_just_before_the_sign_counts_and_one_long_before_does_not(language: Language) -> None:
    def ask_before(*between: str) -> list[Utterance]:
        before = talk(ASK[language], *between, opening=CALM[language], then=CALM[language])
        after = talk(LINE[language], PERSON[language], opening=SIGN[language], then=CALM[language])
        return [*before, *after]

    assert find_unhandled_crisis(ask_before()) is None
    assert find_unhandled_crisis(ask_before(LATER[language], LATER[language])) is not None


@pytest.mark.parametrize(
    "text",
    [
        "累死了，今天又加班。",
        "我没想过自杀，就是累。",
        "奶奶去年自杀了，我到现在都走不出来。",
        "我很担心我丈夫，他有自杀的想法。",
        "她不会自杀的，大家都这么说。",
        "妈妈说要跳楼。",
        "My brother killed himself last year.",
        "I'm dying to see her again.",
        "I keep spending it and sending it back.",
        "My friend says she wants to die.",
    ],
)
def test_idioms_denials_and_other_people_are_no_sign(text: str) -> None:
    assert check_whole([Utterance("client", text), Utterance("counselor", "嗯。")]) == []


@pytest.mark.parametrize(
    "text",
    [
        "我前年自杀过一次。",
        "奶奶走了以后我就不想活了。",
        "我妈觉得我是累赘，让我去死，我也不想活了。",
        "被他骂得想死。",
        "他们都说我矫情，可我真的想死。",
        "睡过去就好了，不用醒。",
        "不想活了，我朋友也这么说过。",
        "My brother killed himself and I want to die too.",
        "I tried to kill myself when I was at school.",
        "Since my husband left I don't want to be alive.",
        "They'd be better off without me.",
    ],
)
def test_the_past_a_cause_and_a_hint_are_signs(text: str) -> None:
    assert [finding.severity for _, finding in check_whole([Utterance("client", text)])] == ["reject"]


@pytest.mark.parametrize(
    ("text", "is_direct"),
    [
        ("“不在了”，你说的是死，对吗？", True),
        ("有没有想过自杀？", True),
        ("现在安全吗？", True),
        ("你还好吗？", False),
        ("自杀不是办法，想想你爸妈。", False),
        ("别做傻事，别想不开，好吗？", False),
        ("你怎么看待死亡这件事？", False),
        ("When you say that, are you thinking about killing yourself?", True),
        ("Are you safe tonight?", True),
        ("Suicide is never the answer.", False),
        ("How are you sleeping?", False),
    ],
)
def test_asking_directly_says_the_word_in_a_question(text: str, *, is_direct: bool) -> None:
    assert asks_directly(text) == is_direct


@pytest.mark.parametrize(
    ("number", "is_listed"),
    [
        ("12356", True),
        ("010-82951332", True),
        ("１２３５６", True),
        ("120", True),
        ("400-161-9995", False),
        ("114", False),
    ],
)
def test_only_a_number_of_the_file_counts(number: str, *, is_listed: bool) -> None:
    lines = talk(ASK["zh"], PERSON["zh"], f"打{number}。", opening=SIGN["zh"], then=CALM["zh"])
    assert (find_unhandled_crisis(lines) is None) == is_listed


@pytest.mark.parametrize(
    ("text", "calm", "crisis"),
    [
        ("我不会告诉任何人的。", "flag", "reject"),
        ("没有你的同意，我不会告诉任何人。", None, "reject"),
        ("我不会告诉别人；可要是你有生命危险，我得联系你家里。", None, None),
        ("这件事我不能答应谁都不说，先告诉谁，咱们商量。", None, None),
        ("咨询的内容是保密的。", None, None),
        ("I won't tell anyone, ever.", "flag", "reject"),
        ("I won't tell anyone unless you want me to.", None, "reject"),
        ("What you say stays here, except where your safety is at risk.", None, None),
        ("I can't keep this just between us, not with your life in it.", None, None),
    ],
)
def test_a_promise_of_secrecy_is_graver_in_a_crisis(text: str, calm: str | None, crisis: str | None) -> None:
    line = Utterance("counselor", text)
    for opening, severity in ((CALM["zh"], calm), (SIGN["zh"], crisis)):
        found = find_secrecy(line, [Utterance("client", opening)])
        assert (found.severity if found else None) == severity
        assert found is None or 0 <= found.span[0] < found.span[1] <= len(text)
    assert find_secrecy(Utterance("client", text), []) is None


def test_the_rules_print_what_a_whole_dialogue_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from graphs.judge import main

    turns = [("client", SIGN["zh"]), ("counselor", "先深呼吸。"), ("client", "嗯。"), ("counselor", "早点睡。")]
    row = {"id": "a", "turns": [{"role": role, "content": text} for role, text in turns]}
    path = tmp_path / "talk.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["graphs.judge", str(path), "--rules-only"])
    main()
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert ("crisis_handled", "reject", 1) in {(f["rule"], f["severity"], f["utterance"]) for f in printed}


@pytest.mark.parametrize(("name", "signs", "rejected"), [("smile_sample", 29, 8), ("cpsycound_sample", 13, 4)])
def test_the_published_figures_hold(name: str, signs: int, rejected: int) -> None:
    dialogues = read_dialogues(name)[:FEW]
    found = [placed for _, lines in dialogues for placed in check_whole(lines)]
    assert sum(finding.severity == "reject" for _, finding in found) == rejected
    assert len(found) == signs
    said = [line for _, lines in dialogues for line in lines if line.speaker == "counselor"]
    assert [line.text for line in said if find_secrecy(line, ())] == []
