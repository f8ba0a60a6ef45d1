"""What the notes in a thread tell: stage, length, ending, danger, numbers that may be named."""

import re
from collections.abc import Sequence

from agents.rehearsal.asked import Asked

BYE = {
    "zh": ("再见", "下次见", "回头见", "下周见", "今天就到这儿", "今天先聊到这", "今天先停这"),
    "en": ("goodbye", "see you next", "stop here for today", "until next time", "take care,"),
}
BRIEF = ("短", "几个字", "brief", "short", "few words")
LONG = ("长", "多说", "long", "fuller", "say more")
STAGES = {
    "zh": (
        ("closing", ("收尾", "结束")),
        ("working", ("工作",)),
        ("exploring", ("探索",)),
        ("opening", ("开场",)),
    ),
    "en": (
        ("closing", ("closing",)),
        ("working", ("working",)),
        ("exploring", ("exploring",)),
        ("opening", ("opening",)),
    ),
}
ENDINGS = (
    ("leaves_early", ("这一句你就走", "leaves_early", "line you leave")),
    ("more_upset", ("更难受", "more_upset", "worse than")),
    ("referral_half", ("没应死", "referral_half", "don't commit")),
    ("referral_accepted", ("你答应去", "referral_accepted", "you'll go")),
    ("out_of_time", ("露个头", "out_of_time", "getting to what matters")),
    ("no_change", ("什么变化", "no_change", "any difference")),
    ("small_step", ("小事", "small_step", "small thing")),
    ("relief", ("松开", "relief", "come loose")),
    ("lighter", ("没那么堵", "lighter", "weighs a bit less")),
)
ENDING_NOTE = ("时间快到", "你就走", "结局", "out of time", "line you leave", "about to end")
REFERRED = ("医生", "大夫", "医院", "doctor")
DANGER = ("平常的谈话先放下", "危机", "自杀", "ordinary counselling stops", "crisis", "suicide")
REWRITE = ("重写", "改写", "重说", "别说出口", "换一句", "rewrite", "say it again", "said differently")
NUMBER = re.compile(r"\d{3,}(?:[ -]\d{3,})*")


def has_any(text: str, signs: Sequence[str]) -> bool:
    """Tell whether one of the signs stands in the text."""
    return any(sign in text for sign in signs)


def find_pace(asked: Asked) -> str:
    """Return the wished length of this line: brief, long, or nothing."""
    note = asked.last_notes.rpartition("\n\n")[2].lower()
    if not note or len(note) > 400:
        return ""
    if has_any(note, BRIEF):
        return "brief"
    return "long" if has_any(note, LONG) else ""


def find_ending(asked: Asked) -> str:
    """Return how the session ends once a note has said so, a plain goodbye after that."""
    for turn, (_, notes) in enumerate(asked.others[1:], 1):
        for note in notes.split("\n\n"):
            if note and has_any(note.lower(), ENDING_NOTE):
                for ending, signs in ENDINGS:
                    if has_any(note.lower(), signs):
                        return _word_ending(asked, ending, turn)
    return ""


def _word_ending(asked: Asked, ending: str, turn: int) -> str:
    if turn < len(asked.others) - 1:
        return "bye"
    if not ending.startswith("referral") or has_any(" ".join(line for line, _ in asked.others), REFERRED):
        return ending
    return "no_change"


def find_stage(asked: Asked) -> tuple[str, int]:
    """Return the stage named last and how many lines ago; by count where there are no notes."""
    for ago, (_, notes) in enumerate(reversed(asked.others)):
        for note in reversed(notes.split("\n\n")):
            for stage, signs in STAGES[asked.language]:
                if note and has_any(note[:40].lower(), signs):
                    return stage, ago
    turn = len(asked.own)
    return ("opening", turn) if turn < 2 else ("exploring", turn - 2) if turn < 6 else ("working", turn - 6)


def find_numbers(asked: Asked) -> list[str]:
    """Return the numbers that stand in the notes on a crisis: the only ones that may be said."""
    found = []
    for note in asked.notes.split("\n\n"):
        if has_any(note.lower(), DANGER):
            found += [match.group() for match in NUMBER.finditer(note)]
    return found


def is_crisis(asked: Asked) -> bool:
    """Tell whether a note in the thread has spoken of danger."""
    return bool(asked.notes) and has_any(asked.notes.lower(), DANGER)


def is_rewrite(asked: Asked) -> bool:
    """Tell whether the last note sends a draft back."""
    note = asked.last_notes.rpartition("\n\n")[2].lower()
    return bool(note) and has_any(note, REWRITE)
