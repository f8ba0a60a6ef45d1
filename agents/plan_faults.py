"""What is refused of an assessment or a plan: words that stand nowhere, and what a plan may not say or leave out.

A quote must stand in the utterance it names. No text may hold an invented figure, an authority, a diagnosis, a drug, a
promise or a number to call; where the talk holds danger, the risk note must say so and name a step.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from agents.checks import Check
from agents.checks.care import find_diagnosis, find_guarantee, find_medication, find_method_detail
from agents.checks.crisis import asks_directly, find_secrecy
from agents.checks.evidence import find_neuro, find_stat_claim, find_vague_cite
from agents.checks.privacy import find_hotline, find_pii
from agents.message import Message
from agents.risk import ADULT, is_session_routed
from agents.transcript import LABELS, Language, Utterance
from agents.treatment_plan import Assessment, Cited, Form, Plan, Refused, Risk

CHECKS: tuple[Check, ...] = (
    find_stat_claim, find_vague_cite, find_neuro, find_diagnosis, find_medication, find_guarantee, find_secrecy,
    find_method_detail, find_hotline, find_pii,
)  # fmt: skip
"""What no text of a plan may hold, whatever its severity in a talk."""
SHORTEST_QUOTE: dict[Language, int] = {"zh": 2, "en": 4}
"""Characters below which a quote points at nothing; an utterance that is shorter may be quoted whole."""
BREAK = re.compile(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*")
CLIENT_ONLY = ("emotions", "triggers", "goals", "risk")
"""Parts that rest on the client's own words."""
ADDRESSED: dict[Language, tuple[tuple[re.Pattern[str], str], ...]] = {
    "zh": ((re.compile(r"来访者|当事人|求助者|患者|病人|[他她]"), "你"),),
    "en": (
        (re.compile(r"\b(?:the|this) (?:client|patient|person)(?: is|'s)\b|\b(?:s?he)(?: is|'s)\b", re.I), "you are"),
        (re.compile(r"\b(?:(?:the|this) (?:client|patient|person)|s?he) has\b", re.I), "you have"),
        (re.compile(r"\b(?:(?:the|this) (?:client|patient|person)|s?he) (suffer|meet)s\b", re.I), r"you \1"),
        (re.compile(r"\b(?:the|this) (?:client|patient|person)\b", re.I), "you"),
    ),
}
"""The care checks listen for what is said to the client; a plan speaks about them."""
WAVED_ASIDE = re.compile(
    r"(?:无|没有|没|暂无|不适用|略|(?:目前|暂时|暂)?(?:未见|未发现|没有|无)(?:任何|明显|特别)?的?(?:自伤|自杀)?(?:风险|危险|异常)?)"
    r"|(?:none|nothing|nil|no|n/?a|not applicable"
    r"|no (?:known |apparent |immediate )?(?:risks?|danger|concerns?)(?: noted| seen)?)",
    re.I,
)
"""A risk note that says nothing; a whole one, so that "none of the pills are left" is no such note."""
SAID_AGE: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"我(?:今年|现在|才|刚|都|刚满|也才)?(1[0-7]|[6-9]|十[一二三四五六七]?)岁(?!的时候|时|那年|起|开始)"
    ),
    "en": re.compile(
        r"\bi(?:'m| am)(?: only| just)? (?:1[0-7]|[6-9]|ten|eleven|twelve|(?:thir|four|fif|six|seven)teen)"
        r"(?: years old)?(?=[.,;!?]|$| and| years)",
        re.I,
    ),
}


def number_lines(talk: Sequence[Utterance], language: Language) -> list[Message]:
    """Return one part an utterance, numbered and labelled; only a real one begins at the margin."""
    labels = LABELS[language]
    return [
        Message("user", f"[{number}] {labels[line.speaker]}" + BREAK.sub("\n  ", line.text.strip()))
        for number, line in enumerate(talk, 1)
    ]


def holds_danger(talk: Sequence[Utterance], language: Language) -> bool:
    """Tell whether a talk holds a sign of danger: by the router, or because the counselor has asked outright."""
    told = [line.text for line in talk if line.speaker == "client"]
    return is_session_routed(told, language) or any(
        asks_directly(line.text) for line in talk if line.speaker == "counselor"
    )


def is_minor(talk: Sequence[Utterance], language: Language, age: int | None) -> bool:
    """Tell whether the client is a minor: by their own word, or as the assessor reads it."""
    says_so = any(SAID_AGE[language].search(line.text) for line in talk if line.speaker == "client")
    return says_so or (age is not None and age < ADULT)


def refuse_assessment(assessment: Assessment, talk: Sequence[Utterance], language: Language) -> list[Refused]:
    """Return the items of an assessment that cannot be kept."""
    return list(refuse_items(assessment, talk, language))


def refuse_plan(
    plan: Plan, talk: Sequence[Utterance], language: Language, is_danger: bool, has_minor: bool
) -> list[Refused]:
    """Return the items of a plan that cannot be kept; `is_danger` is what is known beside the plan's own reading."""
    refused = list(refuse_items(plan, talk, language))
    is_danger = is_danger or plan.risk.danger is not None
    if fault := find_risk_fault(plan.risk, talk, language, is_danger, has_minor):
        refused.append(Refused("risk", 1, fault))
    if is_danger and plan.referral.to == "none":
        refused.append(Refused("referral", 1, "the talk holds a sign of danger; say who else should see this client"))
    return refused


def refuse_items(form: Form, talk: Sequence[Utterance], language: Language) -> Iterator[Refused]:
    """Yield each item whose words do not stand where it says, or whose own text cannot be let through."""
    for name in type(form).model_fields:
        value = getattr(form, name)
        for number, item in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(item, Cited):
                fault = find_quote_fault(item.quote, item.utterance, talk, language, name in CLIENT_ONLY)
                fault = fault or find_text_fault(item, talk, language)
                if fault:
                    yield Refused(name, number, fault)


def find_quote_fault(
    quote: str, number: int, talk: Sequence[Utterance], language: Language, of_client: bool
) -> str | None:
    """Return why words do not show what they should, or None."""
    if not 1 <= number <= len(talk):
        return f"there is no utterance {number}; the talk has {len(talk)}"
    wanted, line = normalise(quote), talk[number - 1]
    said = normalise(line.text)
    if not wanted or (len(wanted) < SHORTEST_QUOTE[language] and wanted != said):
        return "the quote is too short to point at anything"
    if wanted not in said:
        found = [place for place, other in enumerate(talk, 1) if wanted in normalise(other.text)]
        where = f"it stands in {', '.join(map(str, found))}" if found else "copy it word for word"
        return f"the quote does not stand in utterance {number}; {where}"
    if of_client and line.speaker != "client":
        return f"utterance {number} is the counselor's; this must rest on the client's own words"
    return None


def normalise(text: str) -> str:
    """Return what is compared of a quote and an utterance: width and blanks aside, every sign counts."""
    return "".join(unicodedata.normalize("NFKC", text.replace("’", "'").replace("‘", "'")).split())


def find_text_fault(item: Form, talk: Sequence[Utterance], language: Language) -> str | None:
    """Return what stands in an item's own texts that no plan may say, or None; the client's figures may be said."""
    texts = [value for name, value in item.model_dump().items() if isinstance(value, str) and name != "quote"]
    for text in texts:
        for spoken in (text, address(text, language)):
            for check in CHECKS:
                if found := check(Utterance("counselor", spoken), talk):
                    return f"{found.rule}: {found.reason}; leave it out"
    return None


def address(text: str, language: Language) -> str:
    """Return a text about the client as if it were said to the client."""
    for pattern, put in ADDRESSED[language]:
        text = pattern.sub(put, text)
    return text


def find_risk_fault(
    risk: Risk, talk: Sequence[Utterance], language: Language, is_danger: bool, has_minor: bool
) -> str | None:
    """Return why a risk note cannot be kept, or None; only where nothing hints at danger may it be empty."""
    rests = risk.quote.strip() or is_danger
    fault = find_quote_fault(risk.quote, risk.utterance, talk, language, of_client=True) if rests else None
    if fault := fault or find_text_fault(risk, talk, language):
        return fault
    if not is_danger:
        return None
    if not any(map(str.isalnum, risk.note)) or WAVED_ASIDE.fullmatch(risk.note.strip(" 。.!！")):
        return "the talk holds a sign of danger; the note must say what was said and what is not known yet"
    if not risk.steps:
        return "the talk holds a sign of danger; choose the safety steps to be taken"
    if has_minor and "safe_adult" not in risk.steps:
        return "the client is a minor and there is a sign of danger; safe_adult must be among the steps"
    return None
