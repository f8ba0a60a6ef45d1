"""Estimates tokens without a tokenizer, and measures how much of each prompt an earlier request already began with."""

from collections.abc import Sequence

from agents.message import Message

CJK_PER_TOKEN = 1.5
"""Chinese characters a token, as the vocabularies of DeepSeek and Qwen take them."""
LATIN_PER_TOKEN = 4.0
BLOCK = 64
"""Tokens in the smallest unit that prefix caches keep."""
MOST_BLOCKS = 400_000
"""Blocks remembered before the oldest are forgotten; about 60 MB."""


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text takes; a Chinese character has three bytes in UTF-8, a Latin letter one."""
    chinese = (len(text.encode("utf-8", "replace")) - len(text)) / 2
    return round(chinese / CJK_PER_TOKEN + (len(text) - chinese) / LATIN_PER_TOKEN)


def block_length(text: str) -> int:
    """Return the characters in a block of 64 tokens of such a text."""
    head = text[:400]
    is_chinese = len(head.encode("utf-8", "replace")) > 1.8 * len(head)
    return int(BLOCK * (CJK_PER_TOKEN if is_chinese else LATIN_PER_TOKEN))


class PrefixMeter:
    """Remembers the prompts of a run by model, in blocks of 64 tokens, to tell how much of a prompt is a repetition."""

    def __init__(self, most_blocks: int = MOST_BLOCKS) -> None:
        self._most = most_blocks
        self._seen: dict[int, None] = {}

    def add(self, model: str, parts: Sequence[Message]) -> tuple[int, int]:
        """Return (prompt tokens, tokens that repeat from the start an earlier prompt to the same model)."""
        text = "\x1e".join([part.role[0] + part.content for part in parts])
        length = block_length(text)
        seen, repeated, is_repeating = self._seen, 0, True
        chain = hash(model)
        for start in range(0, len(text) - length + 1, length):
            chain = hash((chain, text[start : start + length]))
            if chain in seen:
                repeated += is_repeating
            else:
                is_repeating = False
                seen[chain] = None
        while len(seen) > self._most:
            del seen[next(iter(seen))]
        tokens = estimate_tokens(text)
        return tokens, min(repeated * BLOCK, tokens)
