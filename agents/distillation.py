"""One question, one answer of a reasoning model: what it is sent, and what marks an answer without reasoning."""

from agents.brief import Brief
from agents.cast import Cast
from agents.checks.finding import Finding
from agents.checks.lexicon import language_of
from agents.message import Message
from agents.prompt import load_prompt
from agents.risk import Kind, Level, Sign, find_risk_words, word_crisis
from agents.transcript import Utterance

NO_REASONING = "the model gave no reasoning"

Danger = tuple[Kind, Level]
"""What a question was read to hold, where that is more than nothing."""


def find_question(brief: Brief) -> str:
    """Return the text of a row, or the client's first line in a stored talk."""
    return next((line.text for line in brief.lines if line.speaker == "client"), brief.text)


def list_signs(question: str) -> list[Sign]:
    """Return the signs of danger in a question, which may be in another language than its answer."""
    return find_risk_words(question, language_of(question))


async def answer(cast: Cast, question: str, danger: Danger | None, *, is_led: bool) -> Utterance:
    """Ask for the answer; the instructions, unless left out, and the crisis note stand in the request itself.

    An answer that was cut off is none: raises ModelError ("truncated") after the tries that a call has.
    """
    head = load_prompt("distill/counselor" if is_led else "distill/bare", cast.language)
    led = [head.render()] if is_led else []
    noted = [word_crisis(cast, *danger)] if danger else []
    asked = question if is_led else head.render(question=question)
    said = await cast.say(
        "counselor", head.hash, [*(Message("system", part) for part in (*led, *noted)), Message("user", asked)]
    )
    return Utterance("counselor", said.text, said.reasoning, said.call)


def find_no_reasoning(said: Utterance, *, is_required: bool) -> Finding | None:
    """Find an answer without reasoning: a flag, or grave where it is required."""
    if said.reasoning.strip():
        return None
    return Finding("no_reasoning", 1, "reject" if is_required else "flag", (0, 0), NO_REASONING)
