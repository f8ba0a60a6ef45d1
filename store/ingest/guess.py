"""Guesses the format of a file from its first rows, and says on what ground."""

from collections import Counter
from itertools import islice
from pathlib import Path

from store.formats import FORMATS, load_format
from store.formats.carriers.choose import Carrier
from store.formats.format import Format
from taxonomy.refusal import InputError
from taxonomy.source import show_path

LOOKED_AT = 50
"""Rows that a guess rests on."""


def guess_format(path: Path, carrier: Carrier) -> tuple[Format, str]:
    """Return the format that most of the first rows have, and the ground; raises InputError where none has one."""
    rows = list(islice(carrier.read_rows(path), LOOKED_AT))
    values = [row.value for row in rows if row.value is not None]
    if not values:
        first = f"; the first: {rows[0].problem}" if rows else ""
        raise InputError(f"{show_path(path)}: none of the first {len(rows)} rows can be read{first}")
    formats = [load_format(name) for name in FORMATS]
    fitting = Counter({format.name: sum(format.fits(value) for value in values) for format in formats})
    # Of equals the first in the registry's order is taken.
    best = max(formats, key=lambda format: fitting[format.name])
    if not fitting[best.name]:
        keys = ", ".join(repr(str(key)[:40]) for key in list(values[0])[:8])
        known = ", ".join(FORMATS)
        raise InputError(f"{show_path(path)}: no known format has rows with {keys}; --format names one of {known}")
    return best, f"{fitting[best.name]} of the first {len(values)} rows have {best.ground}"
