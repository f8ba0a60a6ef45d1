"""Cuts a talk into the tokens of its messages, once, from which the rows of every target are joined.

Qwen2.5's tokenizer splits a text at its special tokens before it does anything else, so the tokens of a rendered talk
are those of its messages one after the other; and the body of a reply begins with no white space, so its first token
does not merge with the newline of the header.
"""

from collections.abc import Sequence
from typing import NamedTuple

from train.shards import Message
from train.template import Speech, shape_body, write_plain


class Said(NamedTuple):
    """A message in tokens, all but the newline after its <|im_end|>."""

    opening: list[int]
    """What is never learned: of a reply its header, of another message all of it."""
    bare: list[int]
    """The body of a reply with its <|im_end|>, without the thought; empty for other messages."""
    thoughtful: list[int] | None
    """The same with the thought, where there is one."""
    is_learned: bool


def encode_talk(messages: Sequence[Message], speech: Speech) -> list[Said]:
    """Return the tokens of each message; every text is cut into tokens once."""
    texts: list[str] = []
    for message in messages:
        if message.role == "assistant":
            body = shape_body(message)
            texts += [body.bare] if body.thoughtful is None else [body.bare, body.thoughtful]
        else:
            texts.append(f"{message.role}\n{write_plain(message.content)}")
    encoded = iter(speech.encode(texts))
    said = []
    for message in messages:
        if message.role == "assistant":
            bare = [*next(encoded), speech.end]
            thoughtful = None if shape_body(message).thoughtful is None else [*next(encoded), speech.end]
            said.append(Said(speech.header, bare, thoughtful, message.loss))
        else:
            said.append(Said([speech.start, *next(encoded), speech.end], [], None, False))
    return said
