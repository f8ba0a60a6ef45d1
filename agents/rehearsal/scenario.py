"""Writes a scenario from the words of a cell: an event by its scene, and clauses of its definitions laid into it."""

import re
from collections.abc import Mapping, Sequence

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.client import tidy
from agents.rehearsal.grammar import Draw
from agents.rehearsal.intake import find_age, find_feeling, find_risk, find_topic, name_job, split_sentences
from agents.rehearsal.phrases import Topic, load_phrases
from agents.rehearsal.sheet import QUOTED
from agents.rehearsal.words import cut_fragments, lower_first
from agents.transcript import Language

DEFINED: Mapping[Language, Mapping[str, re.Pattern[str]]] = {
    "zh": {
        "feeling": re.compile(r"^- 感受：[^\n]*?）。([^\n]+)$", re.MULTILINE),
        "scene": re.compile(r"^- 生活里的地方：[^。\n]*。([^\n]+)$", re.MULTILINE),
    },
    "en": {
        "feeling": re.compile(r"^- Feeling: [^\n]*?\)\. ([^\n]+)$", re.MULTILINE),
        "scene": re.compile(r"^- Part of life: [^.\n]*\. ([^\n]+)$", re.MULTILINE),
    },
}
"""Where the request defines the cell."""
PARTED = {"zh": re.compile(r"[，；。]"), "en": re.compile(r"[,;.] ?")}
SHORTEST = {"zh": 4, "en": 9}
"""Characters below which a clause is laid in only with its neighbour."""
WHEN = {
    "zh": re.compile(
        r"[上这前][个]?(?:周[一二三四五六日]?|礼拜|月)[初中底末]?|周[一二三四五六日](?:[早晚中下上][上午]?)?|[昨前]天(?:晚上|夜里|午饭)?|那(?:天|晚|回|几天|节课)"
        r"|[月年][初中底末]|除夕那?晚?|清明前?|国庆|十[五六]号|[昨今]晚|昨天傍晚|开学头一天|早上|晚上|夜里"
    ),
    "en": re.compile(
        r"last (?:week|night|month|Wednesday|Saturday|Sunday)|(?:on )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
        r"(?: night)?|two weeks ago|the (?:night before last|tenth|first week)|end of last month|that Friday"
        r"|since mid-month|before Easter|at night|(?:her )?birthday|new year's eve",
        re.IGNORECASE,
    ),
}
WHO = {
    "zh": re.compile(
        r"我(?:妈|爸|姨|弟|姑)|爸爸|婆婆|导师|老师|师[姐弟]|室友|同[桌屋]|组长|领导|同事|人事|房东|护士|医生|护工|店员|女儿|儿子|孩子|带我的|对面三个人|旁边的人|旁边那位|隔壁"
        r"|她们|他们|[他她]"
    ),
    "en": re.compile(
        r"my (?:mum|advisor|boss|roommate|flatmate|daughter|son|aunt|group)|his mother|mum|dad|the (?:guy next to me"
        r"|nurse|doctor|cashier)|a doctor|HR|they|she|he",
        re.IGNORECASE,
    ),
}
STAGE_OF_JOB = {
    "job_teen": "junior_high",
    "job_youth": "senior_high",
    "job_student": "university",
    "job_study": "postgraduate",
    "job_seek": "between_jobs",
    "job_old": "retired",
}
YOUNG = 30
TRIES = 6
SPOKEN = ("event", "stake", "tried", "hidden", "opening_line")
JOINING = {"zh": re.compile(r"^(?:或者|甚至|于是|也)"), "en": re.compile(r"^(?:or|and|but) ")}
"""What joins a clause to the one before it."""


def write(asked: Asked, draw: Draw) -> str:
    """Return a Scenario as JSON; what was written before in this thread is kept away from."""
    language, phrases = asked.language, load_phrases(asked.language)
    cell = "\n".join(asked.others[0]) if asked.others else ""
    topic, gap = find_topic(cell, phrases, draw), "" if language == "zh" else " "
    bank, slots = phrases.intake, {"noun": topic.words[0], "person": phrases.client["person"].say(draw, {})}
    event, when, person = find_event(asked, draw, topic, slots)
    feeling = find_clause(cell, "feeling", language, draw)
    body = split_sentences(phrases.feelings[find_feeling(cell, phrases, draw)].say(draw, {}), asked)[0]
    stake = bank["scenario_scene"].say(draw, slots | {"clause": find_clause(cell, "scene", language, draw)})
    hidden = [end(topic.banks["hidden"].say(draw, slots), language)]
    hidden.append(bank["scenario_feeling"].say(draw, slots | {"clause": feeling}))
    level = find_risk(cell)
    if level != "none" and (quoted := QUOTED.search(bank[f"risk_{level}"].say(draw, slots))):
        hidden.append(end(quoted[1], language))
    pieces = cut_fragments(event, language) or [event]
    filled = {
        "life_stage": find_stage(asked, cell, topic),
        "when": when,
        "person": person,
        "event": event,
        "stake": stake + gap + end(body, language),
        "tried": end(bank["tried"].say(draw, slots), language),
        "hidden": gap.join(hidden),
        "secondary_emotions": list_others(asked, cell, draw),
        "intensity": draw.number(2, 5),
        "opening_line": phrases.client["first"].say(draw, slots | {"frag": draw.pick(pieces)}),
    }
    spoken = {key: tidy(text, language) for key, text in filled.items() if key in SPOKEN and isinstance(text, str)}
    return orjson.dumps(filled | spoken).decode()


def find_event(asked: Asked, draw: Draw, topic: Topic, slots: Mapping[str, str]) -> tuple[str, str, str]:
    """Return an event with its time and its other person, the one of a few that is least like what was written."""
    language, before = asked.language, asked.said.lower()
    events = [topic.banks["event"].say(draw, slots) for _ in range(TRIES)]

    def rank(told: str) -> tuple[int, bool]:
        is_whole = bool(WHEN[language].search(told) and WHO[language].search(told))
        return sum(piece.lower() in before for piece in cut_fragments(told, language)), not is_whole

    event = min(events, key=rank)
    time, other = WHEN[language].search(event), WHO[language].search(event)
    if time is None or other is None:
        told = load_phrases(language).intake["scenario_when"].say(draw, slots)
        event = told + (lower_first(event) if language == "en" else event)
        time, other = WHEN[language].search(event), WHO[language].search(event)
    when = time[0] if time else ""
    return event, when, other[0] if other else slots["person"]


def find_clause(cell: str, what: str, language: Language, draw: Draw) -> str:
    """Return a clause or two of a definition in the request: never all of one that has three."""
    defined = DEFINED[language][what].search(cell)
    parts = [part.strip() for part in PARTED[language].split(defined[1] if defined else cell) if part.strip()]
    start = draw.number(0, len(parts) - 1)
    chosen = parts[start : start + draw.number(1, 2)]
    mark = "，" if language == "zh" else ", "
    if len(mark.join(chosen)) < SHORTEST[language]:
        chosen = parts[max(0, start - 1) : start + 2]
    clause = JOINING[language].sub("", mark.join(chosen))
    return lower_first(clause) if language == "en" else clause


def find_stage(asked: Asked, cell: str, topic: Topic) -> str:
    """Return a stage of life for the age and the concern, one that the request offers where it can be."""
    age, topics = find_age(cell, asked), load_phrases(asked.language).topics
    job = name_job(age, topics.index(topic), asked.language)
    stage = STAGE_OF_JOB.get(job, "early_career" if age < YOUNG else "mid_career")
    offered = [name for name in asked.schema["properties"]["life_stage"]["enum"] if name in cell]
    return stage if stage in offered or not offered else offered[0]


def list_others(asked: Asked, cell: str, draw: Draw) -> list[str]:
    """Return up to two other feelings that the form offers."""
    offered: Sequence[str] = asked.schema["properties"]["secondary_emotions"]["items"].get("enum", ())
    others = [name for name in offered if name not in cell]
    start = draw.number(0, max(len(others) - 1, 0))
    return [others[(start + step * 7) % len(others)] for step in range(draw.number(0, 2))] if others else []


def end(text: str, language: Language) -> str:
    """Return a text with an end mark."""
    return text if text.endswith(("。", "？", "……", ".", "?")) else text + ("。" if language == "zh" else ".")
