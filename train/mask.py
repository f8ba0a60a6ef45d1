"""Holds the rows really fed against the talk they come from: only a counselor's own words may be learned.

It knows nothing of how rows are made: it reads the labelled tokens back as text and looks for that text in the talk.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from taxonomy.refusal import Refusal

BODY = re.compile(r"(?:<think>\n(?P<thought>.*?)\n</think>\n\n)?(?P<said>.*)<\|im_end\|>", re.DOTALL)
UNLEARNED = -100


class WrongMask(Refusal):
    """A row would train on something that is not the counselor's; a fault of the trainer, not of the data."""


def list_spans(labels: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield where a run of labelled tokens begins and where it ends."""
    begin = None
    for place, label in enumerate(labels):
        if label != UNLEARNED and begin is None:
            begin = place
        elif label == UNLEARNED and begin is not None:
            yield begin, place
            begin = None
    if begin is not None:
        yield begin, len(labels)


def check_mask(talk: Any, rows: Iterable[Any], tokenizer: Any, header: Sequence[int]) -> None:
    """Raise WrongMask where a label is no token of a reply that is to be learned.

    A talk has `id` and `messages` with `role`, `content`, `reasoning` and `loss`, its rows `input_ids` and `labels`.
    `header` are the tokens that open a counselor's turn; each labelled run must stand right behind them.
    """
    learned = [message for message in talk.messages if message.role == "assistant" and message.loss]
    for row in rows:
        ids, labels = list(row.input_ids), list(row.labels)
        if len(ids) != len(labels):
            raise WrongMask(f"{talk.id}: {len(ids)} tokens and {len(labels)} labels")
        for begin, end in list_spans(labels):
            if labels[begin:end] != ids[begin:end]:
                raise WrongMask(f"{talk.id}: a label is not the token it stands on")
            if ids[max(0, begin - len(header)) : begin] != list(header):
                raise WrongMask(f"{talk.id}: a learned part does not begin a counselor's turn")
            text = tokenizer.decode(ids[begin:end], skip_special_tokens=False, clean_up_tokenization_spaces=False)
            if not any(is_said(text, message) for message in learned):
                raise WrongMask(f"{talk.id}: the mask would train on what is no reply to be learned: {text[:60]!r}")


def is_said(text: str, message: Any) -> bool:
    """Whether a learned text is this message: its thought where it has one, its words, and the end of its turn."""
    found = BODY.fullmatch(text)
    if found is None:
        return False
    thought, said = found["thought"], normalise(found["said"])
    if thought is not None and normalise(thought) != normalise(message.reasoning or ""):
        return False
    return said == normalise(message.content)


def normalise(text: str) -> str:
    """Return a text as a row holds it: composed, no token of the format in it, no spaces around that none keeps."""
    return unicodedata.normalize("NFC", text.replace("<|", "< |")).strip()


def check_batch(ids: Sequence[int], labels: Sequence[int], header: Sequence[int]) -> None:
    """Raise WrongMask where a label of a batch, as the model gets it, does not belong to a counselor's turn."""
    for begin, end in list_spans(labels):
        if labels[begin:end] != ids[begin:end] or ids[max(0, begin - len(header)) : begin] != list(header):
            raise WrongMask("a batch learns what is in no counselor's turn; its rows and its labels do not agree")
