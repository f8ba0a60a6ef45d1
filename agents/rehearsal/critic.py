"""Plays the critic: mostly content, but it finds what can be counted and quotes it."""

import re

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.readers import ask_of
from agents.rehearsal.words import count_questions

ITEM = re.compile(r"^[-*#\d.、 ]*[`*]{0,2}([a-z][a-z0-9_]{2,40})[`*]{0,2}\s*(?:[：:（(]|$)", re.MULTILINE)
SCALE = re.compile(r"(-?\d+)\s*(?:\.\.|–|-|~|～|到|至|to)\s*(-?\d+)")
LIST_MARK = re.compile(r"^\s*(?:\d+[.、)]|[-*•])\s|首先|其次|第一，|firstly|secondly", re.MULTILINE)
DRAFT = re.compile(r"草稿|draft", re.IGNORECASE)
COUNSELOR = re.compile(r"^(?:咨询师：|Counselor: )", re.MULTILINE)
QUOTES = '“”"「」『』 \n'
LONGEST = {"zh": 120, "en": 420}
REASONS = {
    "zh": {
        "": "没有要改的",
        "one_question": "一次问了两件事",
        "no_lecture": "成了条目",
        "spoken": "太长，不像当面说的",
    },
    "en": {
        "": "nothing to mend",
        "one_question": "two questions at once",
        "no_lecture": "reads as a list",
        "spoken": "too long to be said aloud",
    },
}


def judge(asked: Asked, draw: Draw) -> str:
    """Return a Verdict on the draft, or on the whole session where there is no draft."""
    items = find_items(asked)
    low, high = find_scale(asked.head)
    draft = find_draft(asked)
    fault, quote = find_fault(draft, asked) if draft else ("", "")
    scores = []
    for item in items:
        if item == fault or (fault and fault not in items and item == items[0]):
            scores.append({"id": item, "score": low, "quote": quote})
        elif draft:
            scores.append({"id": item, "score": high, "quote": ""})
        else:
            scores.append({"id": item, "score": high - (high > low + 1 and draw.chance(0.35)), "quote": ""})
    return orjson.dumps({"items": scores, "reason": REASONS[asked.language][fault]}).decode()


def find_items(asked: Asked) -> list[str]:
    """Return the ids of the rubric's items as its prompt lists them."""
    return list(dict.fromkeys(ITEM.findall(asked.head)))


def find_scale(head: str) -> tuple[int, int]:
    """Return the lowest and highest score of the rubric."""
    found = SCALE.search(head)
    low, high = (int(found.group(1)), int(found.group(2))) if found else (0, 1)
    return (low, high) if low < high else (0, 1)


def find_draft(asked: Asked) -> str:
    """Return the counselor's last line where the question is about a draft, else nothing."""
    ask = ask_of(asked)
    if not DRAFT.search(ask):
        return ""
    shown = "\n\n".join("\n\n".join(parts) for parts in asked.others)
    last = COUNSELOR.split(shown)[-1]
    return last.split("\n\n")[0].strip(QUOTES)


def find_fault(draft: str, asked: Asked) -> tuple[str, str]:
    """Return the item a draft fails and the words that show it."""
    if count_questions(draft) > 1:
        return "one_question", re.split(r"(?<=[？?])", draft)[-2].strip()
    if LIST_MARK.search(draft):
        return "no_lecture", draft.split("\n")[0][:40]
    if len(draft) > LONGEST[asked.language]:
        return "spoken", draft[:30]
    return "", ""
