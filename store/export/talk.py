"""Turns the lines of a talk into chat messages that every trainer takes, or says why it cannot."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from store.mix import Reasoning, Targets

ROLES = {"client": "user", "counselor": "assistant"}
THINK = re.compile(r"</?\s*think\s*>", re.IGNORECASE)
THOUGHT_FIRST = re.compile(r"\s*<think>(.*?)</think>", re.DOTALL | re.IGNORECASE)
SENTENCE = re.compile(r"[^。！？!?…\n.]*[。！？!?…\n.]?")


class Unfit(Exception):
    """Why a talk cannot be exported, in a few words that a funnel counts."""


class Message(NamedTuple):
    """A message as it leaves; `reasoning` is kept apart from the content, `loss` says whether it is learned."""

    role: str
    content: str
    reasoning: str | None = None
    loss: bool = False


StoredLine = tuple[str, int, str, str, str | None, int | None]
"""An utterance as the store gives it: dialogue, number, speaker, text, reasoning, number of the call."""


def shape_talk(lines: Sequence[StoredLine], thoughts: Mapping[int, str] | None, reasoning: Reasoning) -> list[Message]:
    """Return the messages of a stored talk; raises Unfit.

    A client's last line that nobody answers is left off: there is nothing to learn from it. Where thoughts are carried,
    a reply without one is read and not learned.
    """
    messages = []
    for _, number, speaker, text, own, _ in lines:
        thought = None
        if speaker == "counselor" and reasoning != "none":
            thought = clean_thought(own if reasoning == "raw" else (thoughts or {}).get(number))
        is_learned = speaker == "counselor" and (reasoning == "none" or thought is not None)
        # A stored line with a tag in it is a fault that checks name; only what others wrote is taken apart.
        messages.append(Message(ROLES.get(speaker, speaker), text.strip(), thought, is_learned))
    while messages and messages[-1].role == "user":
        messages.pop()
    check_messages(messages)
    if not any(message.loss for message in messages):
        raise Unfit("no thought beside any reply")
    return messages


def shape_messages(messages: Sequence[Message], reasoning: Reasoning) -> list[Message]:
    """Return the messages of general data; a thought that leads an answer is taken off it. Raises Unfit."""
    shaped = []
    for message in messages:
        content, thought = message.content, message.reasoning
        if message.role == "assistant" and (led := THOUGHT_FIRST.match(content)) is not None:
            content, thought = content[led.end() :], thought or led[1]
        carried = clean_thought(thought) if message.role == "assistant" and reasoning == "raw" else None
        shaped.append(Message(message.role, content.strip(), carried, message.role == "assistant"))
    check_messages(shaped)
    return shaped


def clean_thought(thought: str | None) -> str | None:
    """Return a thought without blanks about it and tags in it, None where nothing is left."""
    return (THINK.sub("", thought).strip() if thought else None) or None


def check_messages(messages: Sequence[Message]) -> None:
    """Raise Unfit unless the messages alternate from the user on, after an optional system prompt, to a reply."""
    spoken = [message for message in messages if message.role != "system"]
    if len(spoken) < len(messages) and (len(messages) - len(spoken) > 1 or messages[0].role != "system"):
        raise Unfit("a system prompt amid the talk")
    if not spoken:
        raise Unfit("nothing is said")
    for number, message in enumerate(spoken):
        if message.role != ("user", "assistant")[number % 2]:
            raise Unfit("the speakers do not take turns from the client on")
        if not message.content:
            raise Unfit("an empty line")
        if message.role == "assistant" and "<" in message.content and THINK.search(message.content):
            raise Unfit("a think tag in a reply")
    if len(spoken) % 2:
        raise Unfit("the last line is nobody's answer")


def cut_targets(messages: Sequence[Message], targets: Targets) -> Iterable[tuple[int | None, list[Message]]]:
    """Yield the rows of a talk, with the number of the reply from 1 where a row ends with it.

    Where a row is about its last reply alone, earlier thoughts are left off: no server shows them.
    """
    if targets == "all_turns":
        yield None, list(messages)
        return
    replies = [place for place, message in enumerate(messages) if message.role == "assistant"]
    learned = [(number, place) for number, place in enumerate(replies, 1) if messages[place].loss]
    for number, place in learned if targets == "per_turn" else learned[-1:]:
        before = [message._replace(reasoning=None, loss=False) for message in messages[:place]]
        yield (number if targets == "per_turn" else None), [*before, messages[place]]


def count_characters(messages: Iterable[Message]) -> int:
    """Return the characters of a row, its thoughts counted in."""
    return sum(len(message.content) + len(message.reasoning or "") for message in messages)


class Said(NamedTuple):
    """What a row says, in the shapes that filters ask for."""

    messages: Sequence[Message]
    text: str
    characters: int
    packed: bytes
    """As it is kept until it is written."""


def gather_said(messages: Sequence[Message]) -> Said:
    """Return what a row says."""
    packed = orjson.dumps([tuple(message) for message in messages])
    return Said(messages, join_text(messages), count_characters(messages), packed)


def find_opening(messages: Iterable[Message]) -> str:
    """Return the sentence with which the counselor begins."""
    first = next((message.content for message in messages if message.role == "assistant"), "")
    found = SENTENCE.match(first.lstrip())
    return found[0] if found else first


def join_text(messages: Iterable[Message]) -> str:
    """Return what a talk says as one text, without its system prompt."""
    return "\n".join(message.content for message in messages if message.role != "system")
