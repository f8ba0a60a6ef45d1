"""No check can be made to run long: hostile text costs it at most in proportion to its length."""

import re
import time
from collections.abc import Callable

import pytest
import yaml

from agents.checks import CHECKS, LONGEST_SCANNED, Check, check_whole
from agents.checks.lexicon import FOLDER
from agents.checks.screen import split_alternatives
from agents.transcript import Language, Utterance

SHORT = LONGEST_SCANNED // 4
CAP = 0.5
"""CPU seconds one check may take over the longest text it is given."""
GROWTH = 6
"""Four times the text may take four times as long, and half as much again for the measurement."""
SLACK = 0.02
"""CPU seconds below which growth is not seen for the noise."""
ATTEMPTS = 3

BAIT: dict[Language, tuple[str, ...]] = {
    "zh": (
        "“",
        "“‘",
        "“”「",
        "（【",
        "1",
        "9%",
        "1. ",
        "一",
        "。",
        "你",
        "我想",
        "不是没有",
        "？ ",
        "你好。",
        "你的感受",
        "é",
    ),
    "en": ('"', "\"'", "([{", "7", "3-", "- 1. ", " ", ".", "aA ", "you ", "I have ", "not never ", "is it? ", "<a|"),
}
WORD: dict[Language, re.Pattern[str]] = {"zh": re.compile(r"[\u4e00-\u9fff]+"), "en": re.compile(r"[A-Za-z' ]{2,}")}
HEAVY: dict[Language, str] = {
    "zh": "她走了，我哭了一夜，真不想活了，可我爸妈养我不容易。",
    "en": "She died. I cried all night. I want to die, but my mom needs me.",
}


def list_bait(check: Check, language: Language) -> list[str]:
    """Return what to repeat: the general bait, and the first words of the check's own longest patterns."""
    own: list[str] = []
    rule = check.__name__.removeprefix("find_").replace("_fault", "")
    for path in sorted(FOLDER.glob(f"{rule}*.yaml")):
        lists = yaml.safe_load(path.read_text(encoding="utf-8"))[language]
        parts = [part for pattern in (*lists["find"], *lists.get("except", ())) for part in split_alternatives(pattern)]
        for part in sorted(parts, key=len, reverse=True)[:4]:
            words = WORD[language].findall(part.replace(r"\b", " "))
            own += ["".join(words[:count]) for count in (1, 2)] if words else []
    return [*BAIT[language], *dict.fromkeys(own)]


def is_slow(run: Callable[[str], object], piece: str) -> bool:
    """Tell whether a run over the longest text takes more than its share, each time it is tried."""
    for attempt in range(ATTEMPTS):
        seconds = []
        for size in (SHORT, LONGEST_SCANNED):
            # Each attempt has a text of its own, for the checks remember what they have read.
            text = (f"{attempt}" + piece * (size // len(piece) + 1))[:size]
            started = time.process_time()
            run(text)
            seconds.append(time.process_time() - started)
        if seconds[1] < CAP and seconds[1] <= GROWTH * seconds[0] + SLACK:
            return False
    return True


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_hostile_text_costs_a_check_no_more_than_its_length(check: Check, language: Language) -> None:
    speaker = "client" if check.__name__ == "find_client_insight" else "counselor"
    before = [Utterance("client", HEAVY[language])]

    def run(text: str) -> object:
        return check(Utterance(speaker, text, reasoning=text), before)

    run(HEAVY[language])
    assert [piece for piece in list_bait(check, language) if is_slow(run, piece)] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_hostile_text_costs_a_client_and_a_whole_dialogue_no_more(language: Language) -> None:
    def run(text: str) -> object:
        said = [Utterance("client", text), Utterance("counselor", text), Utterance("client", HEAVY[language])]
        return [check(said[0], ()) for check in CHECKS], check_whole(said)

    run(HEAVY[language])
    assert [piece for piece in BAIT[language] if is_slow(run, piece)] == []
