"""Writes a client's profile or intake form from the words of a cell: topic by its scene, body by its feeling."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.phrases import Phrases, Topic, load_phrases
from agents.rehearsal.sheet import FENCE, QUOTED
from agents.rehearsal.words import SENTENCE
from agents.scenario import LED
from agents.transcript import Language

AGE = {
    "zh": (re.compile(r"(\d{1,2})\s*岁"), re.compile(r"年龄\D{0,6}(\d{1,2})")),
    "en": (
        re.compile(r"(\d{1,2})[ -]years?[ -]old"),
        re.compile(r"\bage\W{0,6}(\d{1,2})", re.IGNORECASE),
        re.compile(r"\b(\d{2})\b"),
    ),
}
FEMALE = {"zh": re.compile(r"女"), "en": re.compile(r"\b(?:female|woman|girl)\b", re.IGNORECASE)}
MALE = {"zh": re.compile(r"男"), "en": re.compile(r"\b(?:male|man|boy)\b", re.IGNORECASE)}
SIGNS = {
    "style": {
        "terse": ("terse", "话少", "话很少", "少说", "says little", "few words"),
        "rambling": ("rambling", "绕", "detour", "rambl"),
        "bodily": ("bodily", "借身体", "身体", "through the body"),
        "guarded": ("guarded", "防", "试探", "tests the counselor"),
        "ironic": ("ironic", "反话", "玩笑", "自嘲", "jokes"),
        "plain": ("plain", "平实"),
    },
    "attitude": {
        "resistant": ("resistant", "抗拒", "抵触", "不情愿"),
        "open": ("open", "愿意", "开放"),
        "neutral": ("neutral", "观望", "中立"),
    },
}
RISK = re.compile(r"^\W*(?:风险：|Risk: )(?!没有|none)\S.*$", re.MULTILINE | re.IGNORECASE)
ACTIVE = re.compile(r"举动|正在遭受|明确|acts of|abused now|active", re.IGNORECASE)
TEEN, YOUTH, STUDENT, OLD = 15, 19, 24, 60
DEFAULT_AGE = 27
STUDYING = {"zh": 5, "en": 3}
SEEKING = {"zh": (8, 12), "en": (6, 10)}
"""Topics by their place in the banks: the first are a student's, these between jobs."""


def write(asked: Asked, draw: Draw) -> str:
    """Return a ClientProfile as JSON, or the IntakeForm of the same person where that is asked for."""
    profile = imagine(asked, draw)
    return orjson.dumps(sort_into_form(profile, asked) if asked.form == "IntakeForm" else profile).decode()


def sort_into_form(profile: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    """Return a profile by the sections of an intake form: what hurts is told in one of them only."""
    gap, comma = ("", "，") if asked.language == "zh" else (" ", ", ")
    hint = QUOTED.search(profile["risk"])
    problem = [profile[key] for key in ("surface", "situation", "deeper", "hidden")] + ([hint[1]] if hint else [])
    return {
        "demographics": comma.join(str(profile[key]) for key in ("name", "age", "gender", "occupation")),
        "presenting_problem": gap.join(problem),
        "reason": profile["wish"],
        "past_history": profile["background"],
        "functioning": profile["body"],
        "social_support": profile["tried"],
    }


def imagine(asked: Asked, draw: Draw) -> dict[str, Any]:
    """Return the fields of a ClientProfile."""
    phrases = load_phrases(asked.language)
    cell = "\n".join(asked.others[0]) if asked.others else ""
    age = find_age(cell, asked)
    gender = find_gender(cell, asked, draw)
    topic = find_topic(cell, phrases, draw)
    feeling = find_feeling(cell, phrases, draw)
    level = find_risk(cell)
    bank = phrases.intake
    style, attitude = find_style(cell)
    felt = split_sentences(phrases.feelings[feeling].say(draw, {}), asked)
    slots = {"noun": topic.words[0]}
    gap = "" if asked.language == "zh" else " "
    profile = {
        "name": bank[f"name_{gender[0]}"].say(draw, slots),
        "age": age,
        "gender": {"zh": {"f": "女", "m": "男"}, "en": {"f": "female", "m": "male"}}[asked.language][gender[0]],
        "occupation": bank[name_job(age, phrases.topics.index(topic), asked.language)].say(draw, slots),
        "background": bank["background"].say(draw, slots),
        "situation": topic.banks["event"].say(draw, slots),
        "surface": bank["surface"].say(draw, slots),
        "deeper": topic.banks["deeper"].say(draw, slots) + gap + felt[1],
        "hidden": topic.banks["hidden"].say(draw, slots),
        "tried": bank["tried"].say(draw, slots),
        "resistance": bank[f"resistance_{attitude}"].say(draw, slots),
        "speech": bank[f"speech_{style}"].say(draw, slots),
        "wish": bank["wish_"].say(draw, slots),
        "body": felt[0],
        "risk": bank[f"risk_{level}"].say(draw, slots) if level != "none" else "",
    }
    return profile | read_scenario(cell, asked.language)


def read_scenario(cell: str, language: Language) -> dict[str, str]:
    """Return what a scenario between fences settles of a profile, in its own words; nothing where there is none."""
    _, _, fenced = cell.partition(FENCE)
    lines = [line for line in fenced.splitlines()[1:] if FENCE not in line]
    told = {led: line.removeprefix(led) for led in LED[language] for line in lines if line.startswith(led)}
    if len(told) < len(LED[language]):
        return {}
    end, gap = ("。", "") if language == "zh" else (".", " ")
    parts = [part.strip(" .") + end for part in SENTENCE.split(lines[0]) if part.strip(" .")]
    # The first sentence says who it is; what was tried comes last, and before that what hangs on it.
    story = parts[1:] or parts
    cut = max(1, len(story) - 4)
    hidden, first = (told[led] for led in LED[language])
    settled = {"situation": gap.join(story[:cut]), "surface": first.strip("“”"), "hidden": hidden}
    rest = {"deeper": gap.join(story[cut : cut + 2]), "tried": gap.join(story[cut + 2 :])}
    return settled | {field: text for field, text in rest.items() if text}


def find_age(cell: str, asked: Asked) -> int:
    """Return the age the request names."""
    for pattern in AGE[asked.language]:
        found = pattern.search(cell)
        if found and 6 <= int(found.group(1)) <= 99:
            return int(found.group(1))
    return DEFAULT_AGE


def find_gender(cell: str, asked: Asked, draw: Draw) -> str:
    """Return the gender the request names first, else a drawn one."""
    found = []
    for gender, pattern in (("female", FEMALE), ("male", MALE)):
        match = pattern[asked.language].search(cell)
        if match:
            found.append((match.start(), gender))
    return min(found)[1] if found else draw.pick(("female", "male"))


def find_topic(cell: str, phrases: Phrases, draw: Draw) -> Topic:
    """Return the topic whose words the request uses most; equal ones are drawn between."""
    lowered = cell.lower()
    counts = [sum(lowered.count(word) * len(word) for word in topic.words) for topic in phrases.topics]
    most = max(counts)
    return draw.pick([topic for topic, count in zip(phrases.topics, counts, strict=True) if count == most])


def find_feeling(cell: str, phrases: Phrases, draw: Draw) -> str:
    """Return the family of feeling the request names."""
    lowered = cell.lower()
    named = [name for name in phrases.feelings if name in lowered]
    return draw.pick(named or list(phrases.feelings))


def find_risk(cell: str) -> str:
    """Return the risk tier that is planned; `none` where none is named."""
    planned = RISK.search(cell)
    if planned is None:
        return "none"
    return "active" if ACTIVE.search(planned[0]) else "passive"


def find_style(cell: str) -> tuple[str, str]:
    """Return talking style and attitude as the request names them."""
    lowered = cell.lower()
    found = []
    for group, default in (("style", "plain"), ("attitude", "neutral")):
        signs = SIGNS[group]
        found.append(
            next(
                (key for key, words in signs.items() if any(word in lowered for word in words)),
                default,
            )
        )
    return found[0], found[1]


def name_job(age: int, topic: int, language: Language) -> str:
    """Return the bank of occupations for an age and a concern."""
    if topic in SEEKING[language] and age >= YOUTH:
        return "job_seek"
    if topic < STUDYING[language] and age >= STUDENT:
        return "job_study"
    if age < TEEN:
        return "job_teen"
    if age < YOUTH:
        return "job_youth"
    if age < STUDENT:
        return "job_student"
    return "job_work" if age < OLD else "job_old"


def split_sentences(text: str, asked: Asked) -> tuple[str, str]:
    """Return what the body does and what the head says."""
    body, _, thought = text.partition("。" if asked.language == "zh" else ". ")
    return body, thought
