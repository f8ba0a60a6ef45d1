"""Plays the counselor: short uneven lines in the client's own words, one question at most."""

from dataclasses import dataclass

from agents.rehearsal.asked import Asked
from agents.rehearsal.client import tidy
from agents.rehearsal.crisis import answer_crisis
from agents.rehearsal.grammar import Draw
from agents.rehearsal.phrases import Section, list_fillers, load_phrases
from agents.rehearsal.signs import BYE, find_pace, find_stage, has_any, is_crisis, is_rewrite
from agents.rehearsal.thought import think
from agents.rehearsal.words import count_questions, cut_clauses, is_minimal, shorten, turn_round
from agents.transcript import Language

STATEMENTS = {
    "opening": ("restate", "restate", "feeling", "affirm", "autonomy", "silence"),
    "exploring": (
        "restate",
        "restate",
        "restate",
        "feeling",
        "feeling",
        "meaning",
        "double",
        "affirm",
        "normalise",
        "challenge",
        "silence",
    ),
    "working": (
        "restate",
        "double",
        "double",
        "meaning",
        "meaning",
        "feeling",
        "challenge",
        "affirm",
        "autonomy",
        "normalise",
    ),
    "closing": ("closing", "closing", "affirm", "restate", "double", "meaning"),
}
QUESTIONS = {
    "opening": ("goal", "goal", "open", "check", "concretise"),
    "exploring": (
        "open",
        "open",
        "open",
        "concretise",
        "concretise",
        "check",
        "body",
        "who",
        "thought",
        "immediacy",
        "link",
        "summary",
    ),
    "working": (
        "thought",
        "test_thought",
        "exception",
        "future",
        "scaling",
        "open",
        "who",
        "link",
        "step",
        "ask_offer",
        "summary",
        "immediacy",
    ),
    "closing": ("closing_q", "closing_q", "closing_q", "step", "open"),
}
SHAPES = ("minimal", "statement", "question", "both", "two")
RUNNING = (7, 36, 57, 90, 100)
"""Running sums of the shapes' shares; notes on length and short answers add minimal lines."""
PUSHED = {
    "zh": (
        "不是这个意思",
        "没听懂",
        "没用",
        "白搭",
        "算了",
        "随便",
        "说得轻巧",
        "不同意",
        "没关系",
        "你们都",
        "行吧",
    ),
    "en": (
        "not what i meant",
        "didn't help",
        "doesn't help",
        "no use",
        "forget it",
        "whatever",
        "easy to say",
        "you don't get",
    ),
}
SLIP_SHARE = 0.03
"""Lines that ask twice, so that the critic has something to find and the rewrite is exercised."""
TRIES = 8
ENDS = "。.？?！!…"
STOP = {"zh": "。", "en": "."}
LONGEST_LABEL = 24
LEAVES = (8, 16)


@dataclass(frozen=True, slots=True)
class Line:
    """What the counselor says, and the strategies it shows."""

    text: str
    strategies: tuple[str, ...]


def answer(asked: Asked, draw: Draw) -> tuple[str, str]:
    """Return the counselor's line and the thought before it."""
    slots = choose_words(asked, draw)
    mended = mend_draft(asked)
    if mended:
        return mended, think(asked, draw, slots, "open")
    if is_crisis(asked):
        text, aim = answer_crisis(asked, draw, slots)
        return tidy(text, asked.language), think(asked, draw, slots, aim)
    line = compose(asked, draw, slots)
    for _ in range(TRIES):
        if count_questions(line.text) <= 1 and not repeats(line.text, asked.said):
            break
        line = compose(asked, draw, slots)
    text = tidy(line.text, asked.language)
    if count_questions(text) == 1 and not is_rewrite(asked) and draw.chance(SLIP_SHARE):
        gap = "" if asked.language == "zh" else " "
        text += gap + load_phrases(asked.language).counselor["second_question"].say(draw, slots)
    return text, think(asked, draw, slots, line.strategies[-1])


def mend_draft(asked: Asked) -> str:
    """Return a draft that was sent back for asking twice, without its second question."""
    if not is_rewrite(asked):
        return ""
    for line in asked.last_notes.rpartition("\n\n")[2].splitlines():
        if count_questions(line) > 1:
            label, mark, said = line.partition("：" if asked.language == "zh" else ": ")
            draft = said if mark and len(label) < LONGEST_LABEL and "？" not in label else line
            first = min(place for place in (draft.find("？"), draft.find("?")) if place >= 0)
            return draft[: first + 1].lstrip(' >-“"「『')
    return ""


def compose(asked: Asked, draw: Draw, slots: dict[str, str]) -> Line:
    """Draw one line by the stage, the client's last line and the note on length."""
    bank = load_phrases(asked.language).counselor
    stage, ago = find_stage(asked)
    if is_leaving(asked, stage, ago, draw):
        return _join(asked, draw, slots, bank, ("farewell",))
    if not asked.own:
        return _join(asked, draw, slots, bank, ("welcome", "welcome_q"))
    pace = find_pace(asked)
    last = asked.last
    if has_any(last.lower(), PUSHED[asked.language]) and draw.chance(0.6):
        return _join(asked, draw, slots, bank, ("repair",))
    if last.rstrip().endswith(("？", "?")) and draw.chance(0.8):
        return _join(asked, draw, slots, bank, ("answer",))
    shape = SHAPES[draw.weigh(RUNNING)]
    if pace == "brief":
        shape = draw.pick(("minimal", "minimal", "silent", "question"))
    elif pace == "long":
        shape = "three"
    elif is_minimal(last, asked.language):
        shape = draw.pick(("minimal", "silent", "question", "both", "both"))
    statement, second = draw.pick(STATEMENTS[stage]), draw.pick(STATEMENTS[stage])
    question = draw.pick(QUESTIONS[stage])
    parts = {
        "minimal": ("minimal",),
        "silent": ("silence",),
        "statement": (statement,),
        "question": (question,),
        "both": (statement, question),
        "two": (statement, second) if statement != second else (statement, question),
        "three": (statement, second, question) if statement != second else (statement, question),
    }
    return _join(asked, draw, slots, bank, parts[shape])


def _join(asked: Asked, draw: Draw, slots: dict[str, str], bank: Section, strategies: tuple[str, ...]) -> Line:
    pieces: list[str] = []
    shown: list[str] = []
    for strategy in strategies:
        piece = bank[strategy].say(draw, slots)
        if not piece or (pieces and count_questions("".join([*pieces, piece])) > 1):
            continue
        pieces.append(piece if piece[-1] in ENDS else piece + STOP[asked.language])
        shown.append(strategy)
    if not pieces:
        pieces, shown = [bank["minimal"].say(draw, slots)], ["minimal"]
    return Line(("" if asked.language == "zh" else " ").join(pieces), tuple(shown))


def is_leaving(asked: Asked, stage: str, ago: int, draw: Draw) -> bool:
    """Tell whether to say goodbye: late in the closing stage or, without notes, at a drawn turn."""
    if has_any(asked.last.lower(), BYE[asked.language]):
        return True
    if asked.notes:
        return stage == "closing" and ago >= 2 and draw.chance(0.4 + 0.3 * (ago - 2))
    low, high = LEAVES
    return len(asked.own) + 1 >= low + asked.first_key[0] % (high - low + 1)


def choose_words(asked: Asked, draw: Draw) -> dict[str, str]:
    """Return the client's words to take up, from the last line and an earlier one."""
    language = asked.language
    slots: dict[str, str] = {}
    clauses = find_content(asked.last, language)
    if clauses:
        clause = max(draw.pick(clauses), draw.pick(clauses), key=len)
        slots["echo"] = turn_round(clause, language)
        slots["word"] = shorten(draw.pick(clauses), language)
    earlier = [line for line, _ in asked.others[:-2]]
    for _ in range(3):
        if earlier:
            old = find_content(draw.pick(earlier), language)
            if old:
                slots["old"] = turn_round(draw.pick(old), language)
                break
    return slots


def find_content(line: str, language: Language) -> list[str]:
    """Return the clauses of a client's line that carry something to take up."""
    fillers = list_fillers(language)
    return [clause for clause in cut_clauses(line, language) if clause not in fillers]


def repeats(text: str, said: str) -> bool:
    """Tell whether the line was said before in this session."""
    return text.rstrip("。？.?") in said
