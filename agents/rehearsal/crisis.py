"""The counselor when a life may be at stake: asks, stays, brings a person near."""

from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.phrases import load_phrases
from agents.rehearsal.signs import DANGER, find_numbers, has_any
from agents.rehearsal.words import CLAUSE

HINTS = {
    "zh": (
        "不想活",
        "没劲",
        "睡过去",
        "不用醒",
        "想过死",
        "一死了之",
        "轻松",
        "没我",
        "没有我",
        "死了",
        "自杀",
        "不想在",
    ),
    "en": (
        "not wake",
        "don't wake",
        "didn't wake",
        "no point",
        "better off",
        "not be here",
        "not being here",
        "die",
        "dying",
        "alive",
        "disappear",
        "lighter for",
    ),
}
STEPS = (
    "ask",
    "often",
    "means",
    "alone",
    "person",
    "person_named",
    "line",
    "distance",
    "secrecy",
    "hours",
    "handover",
)
AIMS = {"ask": "crisis", "often": "crisis_check", "means": "crisis_check", "alone": "crisis_check"}
AFTER = ("stay", "hours", "handover")
PEOPLE = {
    "zh": ("我姐", "我表姐", "我妈", "我室友", "我哥", "我舅妈", "隔壁阿姨", "小梁"),
    "en": ("my sister", "my cousin", "my mum", "my roommate", "my brother", "my aunt", "next door"),
}


def answer_crisis(asked: Asked, draw: Draw, slots: dict[str, str]) -> tuple[str, str]:
    """Return the next step of the talk, one a line since the first note on danger, and its aim."""
    bank = load_phrases(asked.language).crisis
    step = count_since(asked)
    filled = dict(slots)
    filled["risk"] = quote_hint(asked)
    filled["person"] = find_person(asked) or bank["person_word"].say(draw, {})
    numbers = find_numbers(asked)
    if numbers:
        filled["number"] = numbers[0]
    name = STEPS[step] if step < len(STEPS) else draw.pick(AFTER)
    if name == "line" and not numbers:
        name = "line_none"
    if name == "person_named" and not find_person(asked):
        name = "stay"
    text = bank[name].say(draw, filled)
    for _ in range(4):
        if text not in asked.said:
            break
        text = bank[name].say(draw, filled)
    return text, AIMS.get(name, "crisis_near")


def count_since(asked: Asked) -> int:
    """Return how many lines ago a note first spoke of danger."""
    for index, (_, notes) in enumerate(asked.others):
        if has_any(notes.lower(), DANGER):
            return len(asked.others) - 1 - index
    return 0


def quote_hint(asked: Asked) -> str:
    """Return the client's latest words that hint at death, else its last clause."""
    signs = HINTS[asked.language]
    for line, _ in reversed(asked.others):
        for clause in CLAUSE[asked.language].split(line):
            if has_any(clause.lower(), signs):
                return clause
    return next((clause for clause in CLAUSE[asked.language].split(asked.last) if clause), asked.last)


def find_person(asked: Asked) -> str:
    """Return whom the client named last, as the counselor would say it."""
    for line, _ in reversed(asked.others):
        for person in PEOPLE[asked.language]:
            if person in line or person in line.lower():
                return person.replace("我", "你") if asked.language == "zh" else person.replace("my ", "your ")
    return ""
