"""Reads the files of general data that a mix names, in the shape of chat messages."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from store.clean import clean_text
from store.export.talk import Message, Unfit, shape_messages
from store.formats.carriers.choose import choose_carrier
from store.formats.dialogues import Line
from store.formats.format import BadRow
from store.formats.messages import FORMAT
from store.mix import Mix, Source

ROLES = {"client": "user", "counselor": "assistant"}


class General(NamedTuple):
    """A row of general data: where it stands, and its messages."""

    id: str
    messages: list[Message]


def read_source(mix: Mix, source: Source, unfit: Counter[str]) -> Iterator[General]:
    """Yield the usable rows of a source's files, counting in `unfit` why others are none; raises InputError."""
    for place, name in enumerate(source.files):
        path = Path(name)
        for row in choose_carrier(path).read_rows(path):
            try:
                if row.value is None:
                    raise Unfit("a row that cannot be read")
                talk = FORMAT.read(row.value, "dialogues")
                system = clean_text(talk.fields.get("system", ""))
                said = [Message("system", system)] if system.strip() else []
                said += [take_line(line) for line in talk.lines]  # type: ignore[union-attr]
                yield General(f"{source.name}/{place}/{row.number}", shape_messages(said, mix.reasoning))
            except BadRow as error:
                is_message = str(error).startswith("message ")
                unfit["an unusable message" if is_message else "a row that is no list of messages"] += 1
            except Unfit as error:
                unfit[str(error)] += 1


def take_line(line: Line) -> Message:
    """Return a line as the message it was."""
    return Message(ROLES[line.speaker], clean_text(line.text), clean_text(line.reasoning) or None)
