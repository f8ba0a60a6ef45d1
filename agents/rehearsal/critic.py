"""Plays the critic: mostly content, but it finds what can be counted and quotes it, and follows a flow to its end."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.crisis import HINTS
from agents.rehearsal.grammar import Draw
from agents.rehearsal.readers import ACTIVE, BY_OTHERS, ask_of, lines_of
from agents.rehearsal.words import CLAUSE, count_questions

ITEM = re.compile(r"^[-*#\d.、 ]*[`*]{0,2}([a-z][a-z0-9_]{2,40})[`*]{0,2}\s*(?:[：:（(]|$)", re.MULTILINE)
SCALE = re.compile(r"(-?\d+)\s*(?:\.\.|–|-|~|～|到|至|to)\s*(-?\d+)")
STEPPED = re.compile(r"(-?[\d.]+) (?:到|to) (-?[\d.]+)(?: 打分)?(?:，每| in steps of) (\d+(?:\.\d+)?)")
JUMPS = re.compile(r"(?:是|yes) → ([a-z0-9_]+)[；;] ?(?:否|no) → ([a-z0-9_]+)")
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

HANDLED = {
    "zh": {
        "asked_directly": re.compile("自杀|想过死|是死吗|想到的是死"),
        "asked_soon": re.compile("自杀|想过死|是死吗|想到的是死"),
        "asked_extent": re.compile("念头|这两天|今天|今晚|够得着|安全"),
        "stayed": re.compile("死|自杀|念头|我在听|换话题|今晚|这会儿|现在"),
        "person_nearby": re.compile("谁过来|喊谁|叫来|家里有谁|身边有人|姐|妈|室友|哥|舅|阿姨|小梁"),
        "listed_line": re.compile(r"\d{3,}"),
    },
    "en": {
        "asked_directly": re.compile("suicide|kill", re.IGNORECASE),
        "asked_soon": re.compile("suicide|kill", re.IGNORECASE),
        "asked_extent": re.compile("how often|today|last time|strongest|within reach|near you|tonight", re.IGNORECASE),
        "stayed": re.compile("suicide|kill|how often|today|i'm here|not changing the subject", re.IGNORECASE),
        "person_nearby": re.compile(
            "who could come|who's closest|who would|with you|sister|mum|roommate", re.IGNORECASE
        ),
        "listed_line": re.compile(r"\d{3,}"),
    },
}
"""What shows that a question of the safety flow was met; the rest of it asks for what must not be there."""


class Scale(NamedTuple):
    """From where to where an item is scored, and in what steps."""

    low: float
    high: float
    step: float

    @property
    def levels(self) -> int:
        """How many steps it is from the lowest score to the highest."""
        return round((self.high - self.low) / self.step)


class Question(NamedTuple):
    """One item as the prompt lists it; `jumps` is where yes and no lead, in a flow."""

    id: str
    scale: Scale
    jumps: tuple[str, str] | None


def judge(asked: Asked, draw: Draw) -> str:
    """Return a Verdict on the draft, or on the whole material where there is no draft."""
    questions = find_questions(asked.head)
    if questions and questions[0].jumps:
        return word(follow(questions, asked), REASONS[asked.language][""])
    draft = find_draft(asked)
    fault, quote = find_fault(draft, asked) if draft else ("", "")
    # A rubric without the item that was failed is told of the fault all the same.
    failed = fault if any(question.id == fault for question in questions) else questions[0].id if questions else ""
    answers = []
    for question in questions:
        if fault and question.id == failed:
            answers.append((question.id, question.scale.low, quote))
        else:
            answers.append((question.id, question.scale.high if draft else score(question.scale, draw), ""))
    return word(answers, REASONS[asked.language][fault])


def word(answers: Sequence[tuple[str, float, str]], reason: str) -> str:
    """Return the answers as the JSON of a Verdict."""
    items = [
        {"id": id, "score": int(score) if score == int(score) else score, "quote": quote}
        for id, score, quote in answers
    ]
    return orjson.dumps({"items": items, "reason": reason}).decode()


def score(scale: Scale, draw: Draw) -> float:
    """Return a score a content critic gives: the best or near it, and anything from the middle on a long scale."""
    if scale.levels > 2:
        return scale.low + scale.step * draw.number(scale.levels // 2, scale.levels)
    return scale.high - scale.step * (scale.levels > 1 and draw.chance(0.35))


def follow(questions: Sequence[Question], asked: Asked) -> list[tuple[str, float, str]]:
    """Return the answers along a flow: first whether there is a sign of danger, then what was done about it.

    What a counselor should have done is looked for in its lines; of what it should not have done nothing is found.
    """
    known = {question.id: question for question in questions}
    handled = HANDLED[asked.language]
    spoken = [line for line in lines_of(asked, "counselor") if is_quotable(line)]
    answers: list[tuple[str, float, str]] = []
    at = questions[0].id
    # An answered question is left out of `known`, so that a loop in a prompt ends too.
    while question := known.pop(at, None):
        is_first = not answers
        if question.id in handled:
            quote = next((line for line in spoken if handled[question.id].search(line)), "")
        else:
            quote = find_sign(asked) if is_first else ""
        answers.append((question.id, question.scale.high if quote else question.scale.low, quote))
        yes, no = question.jumps or ("", "")
        at = yes if quote else no
    return answers


def find_sign(asked: Asked) -> str:
    """Return the client's first words that are a sign of danger, else nothing."""
    language = asked.language
    signs = [sign for kind in (ACTIVE, HINTS, BY_OTHERS) for sign in kind[language]]
    for line in lines_of(asked):
        for clause in CLAUSE[language].split(line):
            if any(sign in clause.lower() for sign in signs):
                return clause
    return ""


def is_quotable(text: str) -> bool:
    """Tell whether words can be found again: punctuation alone cannot."""
    return len(re.sub(r"[\W_]+", "", text)) > 1


def find_questions(head: str) -> list[Question]:
    """Return the rubric's items as its prompt lists them, each with its scale and its jumps."""
    found = list({match[1]: match for match in reversed(list(ITEM.finditer(head)))}.values())
    found.sort(key=lambda match: match.start())
    common = find_scale(head[: found[0].start()]) if found else None
    questions = []
    for index, match in enumerate(found):
        block = head[match.start() : found[index + 1].start() if index + 1 < len(found) else len(head)]
        jumps, own = JUMPS.search(block), STEPPED.search(block)
        scale = find_scale(own[0]) if own else common or Scale(0, 1, 1)
        questions.append(Question(match[1], scale, (jumps[1], jumps[2]) if jumps else None))
    return questions


def find_scale(text: str) -> Scale:
    """Return the scale that a text names, yes and no (1 and 0) where it names none."""
    stepped = STEPPED.search(text)
    found = stepped or SCALE.search(text)
    if not found:
        return Scale(0, 1, 1)
    scale = Scale(float(found[1]), float(found[2]), float(stepped[3]) if stepped else 1)
    return scale if scale.low < scale.high and scale.step > 0 else Scale(0, 1, 1)


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
    fault, quote = "", ""
    if count_questions(draft) > 1:
        fault, quote = "one_question", re.split(r"(?<=[？?])", draft)[-2].strip()
    elif LIST_MARK.search(draft):
        fault, quote = "no_lecture", draft.split("\n")[0][:40]
    elif len(draft) > LONGEST[asked.language]:
        fault, quote = "spoken", draft[:30]
    return fault, quote if is_quotable(quote) else ""
