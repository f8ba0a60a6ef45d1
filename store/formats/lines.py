"""Texts, one a row: lines of a plain file, or rows with a text under one of the usual names."""

from store.formats.format import Asked, Format, Row, find_text, list_fields, need_text
from store.formats.seeds import FIELDS


def fits(row: Row) -> bool:
    return find_text(row, FIELDS) is not None


def read_seed(row: Row) -> Asked:
    return Asked(need_text(row, FIELDS), list_fields(row))


FORMAT = Format("lines", "a text under a usual name", ("seeds",), fits, read_seed=read_seed)
