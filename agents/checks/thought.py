"""The check of the counselor's silent thought, which is one person's about another and not a report or a plan."""

import re
from collections.abc import Sequence

from agents.checks.finding import Finding
from agents.checks.lexicon import language_of, load_words
from agents.checks.quotes import blank_quotes
from agents.transcript import Utterance

LAYOUT = re.compile(
    r"^[ \t]*(?:#{1,4} |[-*•] |[（(]?(?:\d{1,2}|[一二三四五六七八九十]{1,2})[.、)）．][^\d]|[①-⑩]|\*\*[^*\n]{1,30}\*\*"
    r"|(?:策略|猜测|目标|计划|听到了什么|记得什么|此刻需要什么|不做什么|思路|分析|步骤|回应|总结|评估"
    r"|strategy|hypothesis|goal|plan|analysis|response|summary|step \d)[ ]?[:：])",
    re.IGNORECASE | re.MULTILINE,
)
"""Headings, numbered steps, and the names of the slots that a thought fills without naming them."""


def find_thought_fault(utterance: Utterance, before: Sequence[Utterance]) -> Finding | None:
    """Find a thought that is a textbook's, a report's or a machine's; the span stands in the reasoning."""
    thought = utterance.reasoning
    if utterance.speaker != "counselor" or not thought:
        return None
    words = load_words("thought_voice", language_of(thought))
    match = words.search(blank_quotes(thought))
    reason = f"the thought speaks as {match.lastgroup}" if match else "the thought has headings or numbered steps"
    match = match or LAYOUT.search(thought)
    return Finding("thought_voice", words.version, "flag", match.span(), reason) if match else None
