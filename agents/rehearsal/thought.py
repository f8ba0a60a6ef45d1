"""What the rehearsal counselor thinks first: a detail heard, a guess, the need, the strategy."""

from agents.rehearsal.asked import Asked
from agents.rehearsal.grammar import Draw
from agents.rehearsal.phrases import load_phrases

LONGEST = {"zh": 112, "en": 520}
LONGEST_WORD = {"zh": 10, "en": 28}
SAME = {"welcome_q": "welcome", "closing_q": "closing"}


def think(asked: Asked, draw: Draw, slots: dict[str, str], strategy: str) -> str:
    """Return the reasoning that goes with a line of this strategy."""
    phrases = load_phrases(asked.language)
    bank = phrases.thought
    filled = dict(slots)
    filled.setdefault("word", asked.last[: LONGEST_WORD[asked.language]].strip('。.…“”"') or "……")
    filled["risk"] = filled["word"]
    filled["doing"] = phrases.doing[SAME.get(strategy, strategy)].say(draw, filled)
    if strategy.startswith("crisis"):
        return bank["crisis" if strategy == "crisis" else "crisis_on"].say(draw, filled)
    short = len(asked.last) < 8
    heard = bank["heard_short" if short else "heard"].say(draw, filled)
    recalled = bank["recalled"].say(draw, filled) if "old" in filled else ""
    rest = [bank[name].say(draw, filled) for name in ("guess", "need", "plan")]
    gap = "" if asked.language == "zh" else " "
    whole = gap.join(part for part in (heard, recalled, *rest) if part)
    if len(whole) <= LONGEST[asked.language]:
        return whole
    return gap.join((heard, *rest))
