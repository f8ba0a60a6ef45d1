"""Plays the client: tells the profile a mouthful at a time, with short answers and pushing back."""

from hashlib import blake2b

from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.phrases import Section, load_phrases
from agents.rehearsal.replies import answer_danger, answer_question
from agents.rehearsal.sheet import Sheet, read_sheet
from agents.rehearsal.signs import find_ending, find_pace
from agents.transcript import Language

KINDS = (
    "minimal",
    "detail",
    "pair",
    "long",
    "push",
    "ask",
    "drift",
    "both",
    "mend",
    "day",
    "think",
    "silence",
    "body",
    "irony",
)
WEIGHTS = {
    "plain": (15, 20, 20, 11, 5, 5, 4, 5, 5, 8, 6, 3, 3, 0),
    "terse": (36, 30, 8, 0, 6, 3, 1, 2, 2, 4, 2, 5, 2, 0),
    "rambling": (5, 12, 18, 28, 4, 5, 9, 4, 4, 8, 5, 1, 2, 0),
    "bodily": (13, 15, 18, 10, 4, 4, 4, 4, 4, 7, 4, 3, 18, 0),
    "guarded": (24, 18, 11, 5, 11, 10, 3, 5, 5, 5, 3, 5, 2, 0),
    "ironic": (14, 12, 14, 9, 7, 6, 5, 5, 3, 6, 5, 2, 2, 16),
}
OPENING_TURNS = 3
DEEPER_FROM = 3
HIDDEN_FROM = 7
HIDDEN_SHARE = 0.62
"""The innermost layer stays untold in a good third of the sessions."""
PAIRED = 0.55
"""How often a short telling goes on: a client speaks about as much as the counselor."""
RISK_FROM, RISK_BY = 3, 6
TRIES = 6


def speak(asked: Asked, draw: Draw) -> str:
    """Return the client's next line."""
    phrases = load_phrases(asked.language).client
    sheet = read_sheet(asked.head, asked.language)
    for _ in range(TRIES):
        line = _say_once(asked, draw, sheet, phrases)
        if len(line) < 8 or line not in asked.said:
            return tidy(line, asked.language)
    return tidy(line, asked.language)


def _say_once(asked: Asked, draw: Draw, sheet: Sheet, phrases: Section) -> str:
    turn = len(asked.own)
    slots = choose_pieces(asked, draw, sheet, turn)
    danger = answer_danger(asked, draw, sheet, phrases, slots)
    if danger:
        return danger
    ending = find_ending(asked)
    if ending:
        return phrases[ending].say(draw, slots)
    answer = answer_question(asked, draw, phrases, slots)
    if answer:
        return answer
    if turn == 0:
        first = "first_resistant" if sheet.attitude == "resistant" and draw.chance(0.8) else "first"
        return phrases[first].say(draw, slots)
    may_hint = sheet.risk_level != "none" and turn >= RISK_FROM and not _has_hinted(asked)
    if may_hint and (turn >= RISK_BY or draw.chance(0.35)):
        return phrases[f"risk_{sheet.risk_level}"].say(draw, slots)
    kind = choose_kind(asked, draw, sheet)
    if kind == "detail" and sheet.style != "terse" and draw.chance(PAIRED):
        kind = "pair"
    line = phrases[kind].say(draw, slots) or phrases["day"].say(draw, slots)
    if kind in ("day", "think", "both", "push") and draw.chance(PAIRED):
        gap = "" if asked.language == "zh" else " "
        line += gap + phrases["detail"].say(draw, slots)
    return line


def choose_kind(asked: Asked, draw: Draw, sheet: Sheet) -> str:
    """Draw what sort of line comes now, by talking style and by the note on its length."""
    pace = find_pace(asked)
    if pace == "brief" and draw.chance(0.75):
        return draw.pick(("minimal", "minimal", "minimal", "silence", "push"))
    if pace == "long":
        return draw.pick(("long", "long", "pair"))
    weights = [float(weight) for weight in WEIGHTS[sheet.style]]
    if sheet.attitude == "resistant":
        weights[4] *= 2
    elif sheet.attitude == "open":
        weights[4] *= 0.5
    total = 0.0
    cumulative = [total := total + weight for weight in weights]
    return KINDS[draw.weigh(cumulative)]


def choose_pieces(asked: Asked, draw: Draw, sheet: Sheet, turn: int) -> dict[str, str]:
    """Return what can be told now and was not yet: the surface first, the rest later or never."""
    said = asked.said.lower()
    fresh = [piece for piece in sheet.layers["early"] if piece.lower() not in said]
    if turn < OPENING_TURNS and fresh:
        pool = fresh[:2]
    else:
        pool = fresh[:1]
        for layer in _open_layers(asked, sheet, turn):
            told = [piece for piece in sheet.layers[layer] if piece.lower() not in said]
            pool += told[:1]
    slots = {"person": find_person(asked.head, asked.language)}
    if sheet.risk:
        slots["risk"] = sheet.risk
    if pool:
        first = draw.pick(pool) if turn >= OPENING_TURNS else pool[0]
        slots["frag"] = first
        rest = [piece for piece in pool if piece != first]
        if rest:
            slots["frag2"] = rest[0]
    fresh_body = [piece for piece in sheet.layers["body"] if piece.lower() not in said]
    if fresh_body and turn > 0:
        slots["body"] = fresh_body[0]
    return slots


def _open_layers(asked: Asked, sheet: Sheet, turn: int) -> list[str]:
    layers = ["body", "tried"]
    if turn >= DEEPER_FROM:
        layers.append("deeper")
    fate = blake2b(asked.head.encode(), digest_size=2).digest()
    if turn >= HIDDEN_FROM and sheet.attitude != "resistant" and fate[0] < 256 * HIDDEN_SHARE:
        layers.append("hidden")
    return layers


def find_person(head: str, language: Language) -> str:
    """Return the person this client would call, the same through the session."""
    draw = Draw(blake2b(b"person" + head.encode(), digest_size=8).digest())
    return load_phrases(language).client["person"].say(draw, {})


def _has_hinted(asked: Asked) -> bool:
    signs = (
        "不想活",
        "没劲",
        "睡过去",
        "不用醒",
        "想过死",
        "一死了之",
        "走了大家",
        "没我",
        "没有我",
        "死了算",
    )
    english = (
        "not wake up",
        "point in",
        "better off",
        "not be here",
        "wanting to die",
        "of dying",
        "not being here",
        "be alive",
    )
    said = asked.said
    return any(sign in said for sign in (signs if asked.language == "zh" else english))


def tidy(line: str, language: Language) -> str:
    """Return the line with its seams smoothed: no doubled marks, capitals in English."""
    for twice, once in SEAMS:
        line = line.replace(twice, once)
    if language == "en":
        line = line[:1].upper() + line[1:]
        for mark in (". ", "? "):
            head, *rest = line.split(mark)
            line = mark.join([head, *(piece[:1].upper() + piece[1:] for piece in rest)])
    elif line and line[-1] not in "。？！……”":
        line += "。"
    return line


SEAMS = (
    ("，。", "。"),
    ("。。", "。"),
    ("，，", "，"),
    ("？。", "？"),
    ("……。", "……"),
    ("……，", "……"),
    ("？，", "？"),
    ("。，", "。"),
    (" ,", ","),
    ("…,", "…"),
    ("….", "…"),
    ("..", "."),
    ("?.", "?"),
    (",.", "."),
    (".,", "."),
)
