"""Sections of clinical notes with the visit's dialogue, as MTS-Dialog has them: `section`, `note`, `dialogue`."""

import re

from store.formats.dialogues import Line, make_line
from store.formats.format import Asked, BadRow, Format, Row, Talk, find_text, list_fields, need_text

NOTES = ("note", "section_text")
LABEL = re.compile(r"^\s*(Doctor|Patient|Guest_family|Guest_clinician)(?:_\d)?\s*:", re.MULTILINE)
COUNSELOR = ("Doctor", "Guest_clinician")
"""Whoever comes along speaks for the side they came with."""


def fits(row: Row) -> bool:
    return find_text(row, NOTES) is not None and find_text(row, ["dialogue"]) is not None


def read_talk(row: Row) -> Talk:
    parts = LABEL.split(need_text(row, ["dialogue"]))[1:]
    lines: list[Line] = [
        make_line("counselor" if who in COUNSELOR else "client", said)
        for who, said in zip(parts[::2], parts[1::2], strict=True)
    ]
    if not lines:
        raise BadRow("no line of 'dialogue' begins with the label of a speaker")
    return Talk(tuple(lines), list_fields(row, ["dialogue"]))


def read_seed(row: Row) -> Asked:
    return Asked(need_text(row, NOTES), list_fields(row))


FORMAT = Format("clinical_notes", "`note` and `dialogue`", ("seeds", "dialogues"), fits, read_talk, read_seed)
