"""Readers and writers of file formats, one a file; formats of data sets are imported when they are asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from taxonomy.refusal import InputError, suggest

if TYPE_CHECKING:
    from store.formats.format import Format

FORMATS = (
    "messages",
    "sharegpt",
    "emollm",
    "smile",
    "cpsycoun",
    "xinjing",
    "alpaca",
    "counsel_chat",
    "case_reports",
    "clinical_notes",
    "lines",
)
"""In the order in which they are tried; what fits nearly everything comes last."""


def load_format(name: str) -> "Format":
    """Return the format of this name; raises InputError with the names there are."""
    if name not in FORMATS:
        raise InputError(f"--format {name!r}: unknown{suggest(name, FORMATS)}; choose one of {', '.join(FORMATS)}")
    format: Format = import_module(f"store.formats.{name}").FORMAT
    return format
