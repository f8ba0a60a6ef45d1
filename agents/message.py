"""One part of a request: who speaks to the model, and the text."""

from typing import Literal, NamedTuple


class Message(NamedTuple):
    """A part; consecutive parts of one role travel as one message, so that threads only ever grow."""

    role: Literal["system", "user", "assistant"]
    content: str
