"""Tells at little cost that a line holds no word of self-harm, so that the whole list of signs is seldom asked."""

import re
from functools import cache, lru_cache

from agents.checks.lexicon import language_of
from agents.checks.screen import Screen, build_screen, compile_pattern, list_likely
from agents.risk import RiskWords, load_risk_words
from agents.transcript import Language

GAP = r"[^。！？!?.;；\n]{0,60}"
"""What may stand where a sign is in two parts, idioms still among it."""


@lru_cache(maxsize=512)
def may_hold_sign(line: str) -> bool:
    """Tell whether a sure or wide word of self-harm stands in a line, idioms and denials not yet taken out."""
    plain = line.lower().replace("’", "'")
    likely = list_likely(_screen_signs(language_of(line)), plain).get(0, ())
    return any(compile_pattern(sign, re.NOFLAG).search(plain) for sign in likely)


@cache
def _screen_signs(language: Language) -> Screen:
    words: RiskWords = getattr(load_risk_words(), language)
    signs = (*words.sure.self_harm, *words.wide.self_harm)
    return build_screen([[GAP.join(map(re.escape, sign.split("…"))) for sign in signs]])
