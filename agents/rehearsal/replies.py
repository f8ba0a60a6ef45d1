"""How the rehearsal client answers what it was just asked: danger first, then the ordinary."""

from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.phrases import Section
from agents.rehearsal.sheet import Sheet
from agents.rehearsal.signs import BYE, has_any

DANGER = {
    "zh": (
        ("risk_yes", ("自杀", "想到的是死", "想过死")),
        ("risk_means", ("够得着", "在身边吗", "在手边")),
        ("risk_often", ("念头", "它来过", "冒出来", "多了还是少了")),
        ("risk_alone", ("身边有人吗", "一个人吗", "家里还有谁", "看见别人")),
        ("risk_words", ("你会怎么说", "头几个字", "怎么跟", "想句短的")),
        ("risk_safe", ("替你收", "交给", "挪到", "直接打", "拨", "叫醒", "急诊", "商量")),
        ("risk_person", ("谁过来", "喊谁来", "头一个能叫来")),
    ),
    "en": (
        ("risk_yes", ("suicide", "killing yourself", "kill yourself")),
        ("risk_means", ("within reach", "get to", "near you")),
        ("risk_often", ("how often", "come today", "last time it came", "strongest")),
        ("risk_alone", ("anyone with you", "are you alone", "who else is there")),
        ("risk_words", ("would you write", "first few words", "in your words")),
        (
            "risk_safe",
            (
                "keep it for you",
                "hold on to it",
                "out of your room",
                "call ",
                "wake ",
                "emergency room",
                "work out",
            ),
        ),
        ("risk_person", ("who could come", "who would you ask", "who's closest")),
    ),
}
"""What a counselor asks when a life may be at stake, in the order looked for."""
ORDINARY = {
    "zh": (
        ("number", ("零是",)),
        ("step_ask", ("只试一件", "动一小下")),
        ("when", ("哪天", "几点", "多久", "什么时候", "几时", "隔几天")),
        ("who", ("谁",)),
        ("yes", ("吗？", "没有？")),
    ),
    "en": (
        ("number", ("zero to ten", "zero is", "out of ten")),
        ("step_ask", ("one thing before", "smallest thing", "one small thing")),
        ("when", ("when ", "what day", "how long", "what time", "how often")),
        ("who", ("who ", "anyone ", "anybody ")),
        ("yes", ("did you", "have you", "is it", "does it", "is that", "do you")),
    ),
}
ORDINARY_SHARE = 0.45


def answer_danger(asked: Asked, draw: Draw, sheet: Sheet, phrases: Section, slots: dict[str, str]) -> str:
    """Return a truthful answer to a question on danger, or nothing when none was asked."""
    line = asked.last.lower()
    if not asked.own:
        return ""
    for kind, signs in DANGER[asked.language]:
        if has_any(line, signs) and (kind == "risk_yes" or in_danger_talk(asked)):
            if kind != "risk_yes":
                return phrases[kind].say(draw, slots)
            known = {"none": "risk_no", "passive": "risk_idea", "active": "risk_yes"}
            return phrases[known[sheet.risk_level]].say(draw, slots)
    return ""


def answer_question(asked: Asked, draw: Draw, phrases: Section, slots: dict[str, str]) -> str:
    """Return an answer to the counselor's last line, or nothing: the client goes on by itself."""
    line = asked.last.lower()
    if not asked.own:
        return ""
    if has_any(line, BYE[asked.language]):
        return phrases["bye"].say(draw, slots)
    if ("？" in line or "?" in line) and draw.chance(ORDINARY_SHARE):
        for kind, signs in ORDINARY[asked.language]:
            if has_any(line, signs):
                return phrases[kind].say(draw, slots)
    return ""


def in_danger_talk(asked: Asked) -> bool:
    """Tell whether the counselor has asked about suicide in this session."""
    signs = DANGER[asked.language][0][1]
    return any(has_any(line.lower(), signs) for line, _ in asked.others)
